// What the reader chooses: words, filters by value or range, columns.
const CHOICES = 8; // a column of more numbers is filtered by its range
const chips = document.getElementById("chips");
const search = document.getElementById("words");
const wordOf = (value) => forms.word(value);
const isChoice = (column) => {
  const known = new Set(column.values.filter((value) => value !== null));
  return column.form === "word" && (known.size <= CHOICES || [...known].some((value) => typeof value !== "number"));
};
const setFilter = (key, filter) => {
  const empty = !filter || (filter.values ? filter.values.size === 0 : filter.low === undefined && filter.high === undefined);
  if (empty) state.filters.delete(key);
  else state.filters.set(key, filter);
  state.limit = PAGE;
  render();
};
const filterText = (column, filter) => {
  if (filter.values) return `${titleOf(column)}: ${[...filter.values].map(wordOf).join(", ")}`;
  const write = (value) => (column.form === "word" ? significant(value) : forms[column.form](value));
  if (filter.low === undefined) return `${titleOf(column)} ≤ ${write(filter.high)}`;
  if (filter.high === undefined) return `${titleOf(column)} ≥ ${write(filter.low)}`;
  return `${write(filter.low)} ≤ ${titleOf(column)} ≤ ${write(filter.high)}`;
};
const renderChips = () => {
  const made = [...state.filters].map(([key, filter]) => {
    const words = filterText(byKey.get(key), filter);
    const button = element("button", { type: "button", class: "chip", "aria-label": `Remove filter ${words}` }, words, " ✕");
    button.addEventListener("click", () => { setFilter(key, null); fillFilters(); search.focus(); });
    return button;
  });
  if (state.filters.size || state.words) {
    const clear = element("button", { type: "button", class: "plain" }, "Clear all");
    clear.addEventListener("click", clearFilters);
    made.push(clear);
  }
  chips.replaceChildren(...made);
};
const clearFilters = () => {
  state.filters.clear();
  state.words = "";
  search.value = "";
  render();
  fillFilters();
  search.focus();
};

const choiceField = (column) => {
  const known = [...new Set(column.values.filter((value) => value !== null))].sort(compare);
  const chosen = state.filters.get(column.key)?.values ?? new Set();
  const boxes = known.map((value) => {
    const box = element("input", { type: "checkbox", checked: chosen.has(value) });
    box.addEventListener("change", () => {
      const values = new Set(state.filters.get(column.key)?.values);
      if (box.checked) values.add(value);
      else values.delete(value);
      setFilter(column.key, { values });
    });
    return element("label", {}, box, ` ${wordOf(value)}`);
  });
  return element("fieldset", { "data-field": column.key }, element("legend", {}, titleOf(column)), ...boxes);
};
const rangeField = (column) => {
  const known = column.values.filter((value) => value !== null);
  const filter = state.filters.get(column.key) ?? {};
  const ends = { low: "at least", high: "at most" };
  const bounds = { low: known.reduce((a, b) => Math.min(a, b)), high: known.reduce((a, b) => Math.max(a, b)) };
  const inputs = Object.entries(ends).map(([end, words]) => {
    const input = element("input", {
      type: "number", step: "any", placeholder: significant(bounds[end]), value: filter[end],
      "aria-label": `${titleOf(column)}, ${words}`,
    });
    input.addEventListener("change", () => {
      const now = { ...state.filters.get(column.key), values: undefined };
      now[end] = input.value === "" ? undefined : Number(input.value);
      setFilter(column.key, now);
    });
    return input;
  });
  return element("fieldset", { class: "range", "data-field": column.key }, element("legend", {}, titleOf(column)), inputs[0], " to ", inputs[1]);
};
const filterPanel = document.getElementById("filter-panel");
const fillFilters = () => {
  if (!filterPanel.parentElement.open) return;
  const wanted = columns.filter((column) => !["name", "rank"].includes(column.key));
  const fields = (some) => some.map((column) => (isChoice(column) ? choiceField(column) : rangeField(column)));
  const hyperparameters = wanted.filter((column) => column.group === "Hyperparameters");
  const next = wanted.filter((column) => !hyperparameters.includes(column) && (column.group === "Ranking" || column.shown));
  const first = [...hyperparameters, ...next];
  const rest = wanted.filter((column) => !first.includes(column));
  filterPanel.replaceChildren(element("div", { class: "fields" }, ...fields(first)));
  if (rest.length) {
    const more = element("details", {}, element("summary", {}, "More scores and costs"));
    more.append(element("div", { class: "fields" }, ...fields(rest)));
    filterPanel.append(more);
  }
};
const columnPanel = document.getElementById("column-panel");
const fillColumns = () => {
  const groups = new Map();
  for (const column of columns) {
    if (column.kind === "name") continue;
    const box = element("input", { type: "checkbox", checked: state.shown.has(column.key), "data-column": column.key });
    box.addEventListener("change", () => {
      if (box.checked) state.shown.add(column.key);
      else state.shown.delete(column.key);
      render();
    });
    if (!groups.has(column.group)) groups.set(column.group, []);
    groups.get(column.group).push(element("label", {}, box, ` ${titleOf(column)}`));
  }
  columnPanel.replaceChildren(element("div", { class: "fields" }, ...[...groups].map(([group, labels]) =>
    element("fieldset", {}, element("legend", {}, group), ...labels))));
};
