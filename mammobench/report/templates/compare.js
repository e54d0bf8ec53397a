// Two rows side by side: the settings in which they differ, and their scores.
const compareBar = document.getElementById("compare-bar");
const comparison = document.getElementById("comparison");
const nameOf = (row) => String(byKey.get("name").values[row]);
const pickOf = (row) => {
  const box = element("input", { type: "checkbox", class: "pick", title: "Compare with another row", "aria-label": `Compare ${nameOf(row)}` });
  box.checked = state.compared.includes(row);
  box.addEventListener("change", () => {
    state.compared = state.compared.filter((other) => other !== row);
    // a third one takes the place of the first
    if (box.checked) state.compared = [...state.compared, row].slice(-2);
    showCompared();
  });
  return box;
};
const showCompared = () => {
  for (const line of table.tBodies[0].querySelectorAll("tr[data-row]")) {
    line.querySelector(".pick").checked = state.compared.includes(Number(line.dataset.row));
  }
  const [first, second] = state.compared;
  compareBar.hidden = first === undefined;
  if (compareBar.hidden) return;
  const words = second === undefined ? `${nameOf(first)} is chosen: choose a second row to compare.` : `${nameOf(first)} and ${nameOf(second)}`;
  const clear = element("button", { type: "button", class: "plain" }, "Clear");
  clear.addEventListener("click", () => { state.compared = []; showCompared(); search.focus(); });
  const open = element("button", { type: "button", class: "plain strong" }, "Compare");
  open.addEventListener("click", compareRows);
  compareBar.replaceChildren(element("span", {}, words), " ", ...(second === undefined ? [] : [open, " "]), clear);
  say(words);
};
const sideBySide = (title, rows, lines) => element("div", { class: "scroll" }, element("table", { class: "facts" },
  element("caption", {}, title),
  element("thead", {}, element("tr", {}, element("td"), ...rows.map((row) => element("th", { scope: "col" }, nameOf(row))))),
  element("tbody", {}, ...lines.map(([name, ...cells]) =>
    element("tr", {}, element("th", { scope: "row" }, ...breakable(name)), ...cells.map((cell) => element("td", {}, ...breakable(cell))))))));
const settingsOf = (row) => {
  const own = data.configs[row];
  const all = own === null ? {} : { ...data.settings[data.rows[row].study], ...own };
  // a hyperparameter that a trial does not have keeps a default, which nothing reads
  const unread = (key) => byKey.has(key) && byKey.get(key).values[row] === null;
  return (key) => (key in all && !unread(key) ? settingsText(all[key]) : MISSING);
};
const compareRows = () => {
  const rows = [...state.compared];
  const known = rows.map(settingsOf);
  const keys = rows.flatMap((row) => Object.keys(data.configs[row] === null ? {} : { ...data.settings[data.rows[row].study], ...data.configs[row] }));
  const settings = [...new Set([...data.differing.map(([key]) => key), ...keys])]
    .map((key) => [key, ...known.map((read) => read(key))]).filter(([, first, second]) => first !== second);
  const trained = rows.every((row) => data.configs[row] !== null);
  const same = trained ? "No setting differs." : "A baseline has no settings.";
  const written = (column, row) => [shownText(column, row), column.detail ? column.detail[row] : endsText(column, row)].filter(Boolean).join(" ");
  const scores = columns.filter((column) => column.kind !== "name" && column.group !== "Hyperparameters" && rows.some((row) => column.values[row] !== null))
    .map((column) => [column.title, ...rows.map((row) => written(column, row))]);
  const close = element("button", { type: "button", class: "plain close-box" }, "Close");
  close.addEventListener("click", () => comparison.close());
  comparison.replaceChildren(
    close, element("h3", { id: "compared" }, rows.map(nameOf).join(" and ")),
    settings.length && trained ? sideBySide("Settings that differ", rows, settings) : element("p", { class: "note" }, same),
    sideBySide("Scores, with 95 % intervals", rows, scores),
    element("p", { class: "note" }, "Overlapping intervals do not show that two models are equal. Differences to the selected model "
      + "alone are tested: see “Difference to selected”."));
  comparison.showModal();
};
