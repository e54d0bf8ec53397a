// Everything that listens.
table.tHead.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) sortBy(button.dataset.key);
});
table.tBodies[0].addEventListener("click", (event) => {
  const button = event.target.closest(".expand");
  if (button) toggle(Number(button.dataset.row));
});
search.addEventListener("input", () => {
  state.words = search.value;
  state.limit = PAGE;
  render();
});
filterPanel.parentElement.addEventListener("toggle", () => {
  if (!filterPanel.parentElement.open) filterPanel.replaceChildren();
  else if (!filterPanel.childElementCount) fillFilters();
});
columnPanel.parentElement.addEventListener("toggle", () => {
  if (columnPanel.parentElement.open) fillColumns();
});
document.getElementById("more").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const before = table.tBodies[0].rows.length;
  state.limit = button.hasAttribute("data-all") ? Infinity : state.limit + PAGE;
  render(before + PAGE);
  table.tBodies[0].rows[before]?.querySelector(".expand")?.focus();
});
document.getElementById("tools").hidden = false;
render();
