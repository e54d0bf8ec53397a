// The ranking table: which rows and columns it shows, and in which order. `data` holds them all.
const data = JSON.parse(document.getElementById("ranking-data").textContent);
const PAGE = 100;
const columns = data.columns;
const byKey = new Map(columns.map((column) => [column.key, column]));
const table = document.getElementById("leaderboard");
const status = document.getElementById("matches");
const state = {
  shown: new Set(columns.filter((column) => column.shown).map((column) => column.key)),
  sort: "test_f1", order: "descending", words: "",
  filters: new Map(), // key -> { low, high } or { values }
  limit: PAGE, open: new Set(), compared: [],
};
const followers = []; // told of the rows that match whenever they change

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false && value !== "") made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
};
// a long name, such as binary_focal_crossentropy, goes on in a new line after an underscore, a key after its point
const breakable = (words) => words.split(/(?<=_|[a-z]\.(?=[a-z]))/).flatMap((part, place) => (place ? [element("wbr"), part] : [part]));
const say = (words) => { document.getElementById("said").textContent = words; };
const titleOf = (column) => (column.section ? `${column.section} ${column.title}` : column.title);

const MISSING = "–";
// as Python writes numbers in the page: of a tie the even digit, and 1e-05 for 0.00001
const fixed = (value, digits) => {
  const tie = Math.abs(value * 2 ** (digits + 1)) % 2 === 1;
  return (tie ? 2 * Math.round(value * 10 ** digits / 2) / 10 ** digits : value).toFixed(digits);
};
const significant = (value) => {
  const [digits, power] = value.toExponential(2).split("e").map(Number);
  if (power >= -4 && power < 3) return String(Number(fixed(value, 2 - power)));
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
};
const forms = {
  score: (value) => fixed(value, 3),
  signed: (value) => (value < 0 ? "−" : "+") + fixed(Math.abs(value), 3),
  whole: (value) => Number(fixed(value, 0)).toLocaleString("en"),
  number: (value) => (Math.abs(value) >= 100 ? forms.whole(value) : significant(value)),
  duration: (value) => {
    if (value < 1) return `${fixed(1000 * value, 0)} ms`;
    if (value < 60) return `${fixed(value, 1)} s`;
    return value < 3600 ? `${fixed(value / 60, 1)} min` : `${fixed(value / 3600, 1)} h`;
  },
  word: (value) => (typeof value === "number" && !Number.isInteger(value) ? significant(value) : String(value)),
};
const shownText = (column, row) => {
  const value = column.values[row];
  return value === null ? MISSING : typeof value === "number" ? forms[column.form](value) : String(value);
};
const endsText = (column, row) => {
  const [low, high] = [column.low?.[row] ?? null, column.high?.[row] ?? null];
  if (low === null || high === null) return "";
  return `[${forms[column.form](low)}, ${forms[column.form](high)}]`;
};

const allowed = (filter, value) => {
  if (filter.values) return filter.values.has(value);
  if (typeof value !== "number") return false;
  return (filter.low === undefined || value >= filter.low) && (filter.high === undefined || value <= filter.high);
};
const texts = []; // what the search looks through, a row at a time, made when it is first used
const textOfRow = (index) => {
  texts[index] ??= [...columns.filter((column) => column.form === "word").map((column) => {
    const value = column.values[index];
    return value === null ? "" : `${value} ${column.key}=${value} ${column.key}=${shownText(column, index)}`;
  }), ...data.rows[index].badges].join(" ").toLowerCase();
  return texts[index];
};
// "trial 12" names a trial, not the word and any 12; a number is found whole, not within another
const wanted = (written) => {
  const trials = new Set();
  const rest = written.toLowerCase().replace(/(?<![^\s,])trial\s+(\d+)(?![^\s,])/g, (_, number) => { trials.add(Number(number)); return " "; });
  const words = rest.split(/\s+/).filter(Boolean).map((word) => {
    const [before, after] = [/^\d/.test(word) ? "(?<![\\d.])" : "", /\d$/.test(word) ? "(?!\\.?\\d)" : ""];
    return new RegExp(before + word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") + after);
  });
  return (row) => (!trials.size || trials.has(data.rows[row].trial)) && words.every((word) => word.test(textOfRow(row)));
};
const matching = () => {
  const found = wanted(state.words);
  const filters = [...state.filters].map(([key, filter]) => [byKey.get(key), filter]);
  const rows = data.rows.map((_, index) => index);
  return rows.filter((index) => filters.every(([column, filter]) => allowed(filter, column.values[index]))
    && found(index));
};

const compare = (a, b) => (typeof a === "number" && typeof b === "number"
  ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
const sortKey = (column, row) => {
  // baselines have no number, and come last
  if (column.key === "name") return data.rows[row].trial;
  return column.key === "difference" && data.rows[row].kind === "selected" ? 0 : column.values[row];
};
const sorted = (rows) => {
  const column = byKey.get(state.sort);
  const sign = state.order === "ascending" ? 1 : -1;
  return rows.map((row) => [sortKey(column, row), row]).sort(([a, i], [b, j]) => {
    // what is missing comes last in either order
    if (a === null || b === null) return (a === null) - (b === null) || i - j;
    return sign * compare(a, b) || i - j;
  }).map(([, row]) => row);
};

const bar = (column, row) => {
  const [low, point, high] = [column.low[row], column.values[row], column.high[row]].map((value) => 100 * value);
  const line = element("i"), dot = element("b");
  line.style.left = `${low}%`;
  line.style.width = `${high - low}%`;
  dot.style.left = `${point}%`;
  return element("span", { class: "bar", "aria-hidden": "true" }, line, dot);
};
const nameCell = (column, row) => {
  const { badges } = data.rows[row];
  const open = state.open.has(row);
  const button = element("button", { type: "button", class: "expand", "aria-expanded": String(open), "data-row": row },
    String(column.values[row]));
  const cell = element("th", { scope: "row", class: "name" }, pickOf(row), button);
  for (const words of badges) {
    cell.append(" ", element("span", { class: words === "split leaks" ? "badge leak" : "badge" }, words));
  }
  const settings = data.differing.map(([key, name]) => [byKey.get(key), name]).filter(([differs]) => differs.values[row] !== null)
    .flatMap(([differs, name]) => [element("span", {}, ...breakable(`${name}=`), element("wbr"), ...breakable(shownText(differs, row))), " "]);
  if (settings.length) cell.append(" ", element("span", { class: "settings" }, ...settings));
  return cell;
};
const cellOf = (column, row) => {
  if (column.kind === "name") return nameCell(column, row);
  const cell = element("td", { class: column.kind, "data-title": titleOf(column) }, element("span", { class: "value" }, shownText(column, row)));
  const detail = column.detail ? column.detail[row] : column.kind === "interval" ? endsText(column, row) : "";
  if (detail) cell.append(" ", element("span", { class: "ends" }, detail));
  if (column.kind === "interval" && column.bar && detail) cell.append(bar(column, row));
  return cell;
};
const headOf = (column) => {
  const button = element("button", { type: "button", title: column.hint, "data-key": column.key });
  if (column.section) button.append(element("small", {}, column.section), " ");
  button.append(element("span", {}, column.title));
  const attributes = { scope: "col", class: column.kind };
  if (column.key === state.sort) attributes["aria-sort"] = state.order;
  return element("th", attributes, button);
};

const lines = new Map(); // rows that have been made, as long as the columns stay
let columnsMade = "";
const lineOf = (row, shown) => {
  if (!lines.has(row)) {
    const kind = data.rows[row].kind + (data.rows[row].close ? " close" : "");
    lines.set(row, element("tr", { class: kind, "data-row": row }, ...shown.map((column) => cellOf(column, row))));
  }
  return lines.get(row);
};
const nothing = (width) => {
  const asked = [state.words.trim() && `“${state.words.trim()}”`, state.filters.size && "the filters"].filter(Boolean).join(" and ");
  const clear = element("button", { type: "button", class: "plain" }, "Show all rows");
  clear.addEventListener("click", clearFilters);
  const words = element("p", {}, `No row matches ${asked}. `, clear);
  return element("tr", { class: "nothing" }, element("td", { colspan: width }, words));
};
let rendering = 0; // counts the renderings, so that rows of an older one stay out
const fill = (rows, shown, atOnce) => {
  const body = document.createDocumentFragment();
  for (const row of rows.slice(0, atOnce)) {
    body.append(lineOf(row, shown));
    if (state.open.has(row)) body.append(detailOf(row, shown.length));
  }
  table.tBodies[0].append(body);
  if (rows.length <= atOnce) return;
  // a browser lays a thousand rows out for seconds: what is seen first is drawn first
  const mine = rendering;
  const more = () => { if (mine === rendering) fill(rows.slice(atOnce), shown, 4 * atOnce); };
  requestAnimationFrame(() => setTimeout(more, 0));
};
const render = (atOnce = PAGE) => {
  const shown = columns.filter((column) => state.shown.has(column.key));
  const names = shown.map((column) => column.key).join();
  if (names !== columnsMade) lines.clear();
  columnsMade = names;
  const rows = sorted(matching());
  // as in the page without its script: the selected, the reference and the baselines always stand there
  const visible = rows.filter((row, place) => place < state.limit || data.rows[row].kind !== "searched");
  table.tHead.replaceChildren(element("tr", {}, ...shown.map(headOf)));
  rendering += 1;
  table.tBodies[0].replaceChildren();
  fill(visible, shown, atOnce);
  if (!rows.length) table.tBodies[0].append(nothing(shown.length));
  const total = data.rows.length.toLocaleString("en");
  const of = rows.length === data.rows.length ? `${total} rows` : `${rows.length.toLocaleString("en")} of ${total} rows match`;
  status.textContent = visible.length < rows.length ? `${of}; ${visible.length} are shown` : of;
  const more = document.getElementById("more");
  more.hidden = visible.length === rows.length;
  more.querySelector("[data-all]").textContent = `Show all ${rows.length.toLocaleString("en")}`;
  renderChips();
  followers.forEach((follow) => follow(new Set(rows)));
};
const sortBy = (key) => {
  const column = byKey.get(key);
  const opposite = { ascending: "descending", descending: "ascending" };
  state.order = state.sort === key ? opposite[state.order] : column.first;
  state.sort = key;
  render();
  table.tHead.querySelector(`[data-key="${CSS.escape(key)}"]`).focus();
  say(`Sorted by ${titleOf(column)}, ${state.order}.`);
};
