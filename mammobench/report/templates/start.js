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
  say(status.textContent);
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
  const before = new Set([...table.tBodies[0].rows].map((line) => line.dataset.row));
  state.limit = button.hasAttribute("data-all") ? Infinity : state.limit + PAGE;
  render(before.size + PAGE);
  const next = [...table.tBodies[0].rows].find((line) => line.dataset.row && !before.has(line.dataset.row));
  next?.querySelector(".expand").focus();
});
// a box that is too narrow says that it scrolls; one that is not lets the table's head stay in sight
const boxes = [...document.querySelectorAll(".scroll")];
const measure = new ResizeObserver(() => {
  const over = boxes.map((box) => box.firstElementChild.offsetWidth > box.clientWidth + 1);
  boxes.forEach((box, place) => { box.classList.toggle("over", over[place]); box.classList.toggle("fits", !over[place]); });
});
for (const box of boxes) { measure.observe(box); measure.observe(box.firstElementChild); }
document.getElementById("tools").hidden = false;
render();
