// What a row shows when it is expanded: every score, its configuration, and the command that trains it again.
const scoresOf = (row) => {
  const lines = new Map();
  const plain = [];
  for (const column of columns) {
    const found = /^(test|validation)_(.+)$/.exec(column.key);
    if (column.values[row] === null || ["name", "rank", "study", "role"].includes(column.key) || column.group === "Hyperparameters") continue;
    const words = [shownText(column, row), endsText(column, row)].filter(Boolean).join(" ");
    if (!found || column.kind !== "interval") {
      plain.push([column.title, words]);
      continue;
    }
    const [, part, metric] = found;
    if (!lines.has(metric)) lines.set(metric, { title: column.title.replace(/^(Test|Validation) /, "") });
    lines.get(metric)[part] = words;
  }
  const head = element("tr", {}, ...["metric", "test", "validation"].map((words) => element("th", { scope: "col" }, words)));
  const body = [...lines.values()].map((line) => element("tr", {},
    element("th", { scope: "row" }, line.title),
    ...[line.test, line.validation].map((words) => element("td", {}, ...unbroken(words ?? MISSING)))));
  const table_ = element("table", { class: "facts" },
    element("caption", {}, "Scores, with 95 % intervals"), element("thead", {}, head), element("tbody", {}, ...body));
  return [table_, listOf("Besides", plain)];
};
const unbroken = (words) => words.split(/(?=\[)/).map((part) => element("span", { class: "unbroken" }, part)).flatMap((part, place) => (place ? [element("wbr"), part] : [part]));
const listOf = (title, pairs) => {
  const body = pairs.map(([name, value]) => element("tr", {}, element("th", { scope: "row" }, ...breakable(name)), element("td", {}, ...breakable(value))));
  return element("table", { class: "facts" }, element("caption", {}, title), element("tbody", {}, ...body));
};
const settingsText = (value) => (value === null ? "none" : Array.isArray(value) ? `[${value.map(settingsText).join(", ")}]` : typeof value === "object" ? JSON.stringify(value)
  : typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value));
const commandOf = (command) => command.split(/(?<!\S)(--[\w-]+)/).map((part, place) => (place % 2 ? element("span", { class: "unbroken" }, part) : part));
const configOf = (row) => {
  const own = data.configs[row];
  if (own === null) return [];
  const pairs = (values) => Object.entries(values).map(([key, value]) => [key, settingsText(value)]);
  const rest = element("details", {}, element("summary", {}, "Settings shared by all trials"));
  rest.addEventListener("toggle", () => {
    if (rest.childElementCount === 1) rest.append(listOf("Shared settings", pairs(data.settings[data.rows[row].study])));
  });
  return [listOf("Its own settings", pairs(own)), rest];
};
const detailOf = (row, width) => {
  const { trial, study } = data.rows[row];
  const parts = [element("div", {}, ...scoresOf(row))];
  const config = configOf(row);
  if (trial !== null) {
    config.push(element("p", { class: "note" }, "Retrain and compare:"), element("code", {}, ...commandOf(data.commands[study] + trial)));
  }
  if (config.length) parts.push(element("div", {}, ...config));
  const cell = element("td", { colspan: width }, element("div", { class: "parts" }, ...parts));
  return element("tr", { class: "detail" }, cell);
};
const toggle = (row) => {
  if (!state.open.delete(row)) state.open.add(row);
  const line = table.tBodies[0].querySelector(`tr[data-row="${row}"]`);
  const open = state.open.has(row);
  line.querySelector(".expand").setAttribute("aria-expanded", String(open));
  if (open) line.after(detailOf(row, line.cells.length));
  else line.nextElementSibling.remove();
};
