"use strict";
(() => {
  const table = document.getElementById("leaderboard");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const said = document.getElementById("sorted");
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
  };
  const sort = (index) => {
    const head = heads[index];
    const button = head.querySelector("button");
    const now = head.getAttribute("aria-sort");
    const opposite = { ascending: "descending", descending: "ascending" };
    const order = now ? opposite[now] : button.dataset.first;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const key = (row) => row.cells[index].dataset.key;
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      // what is missing comes last in either order
      if (x === "" || y === "") return (x === "") - (y === "");
      return sign * compare(x, y);
    });
    body.append(...rows);
    said.textContent = `Sorted by ${button.innerText.replace(/\s+/g, " ")}, ${order}.`;
  };
  heads.forEach((head, index) => head.querySelector("button").addEventListener("click", () => sort(index)));
})();
