// Parallel coordinates: a line for each configuration; a brush on an axis filters the ranking too.
const holder = document.getElementById("parallel");
const AXES = 10, HEIGHT = 340, TOP = 26, BOTTOM = 38, SIDE = 46, GRAB = 18;
const PALETTE = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 190, 37]]; // viridis
const PAPER = 700; // pixels between the margins of a printed page, whose lines and words are smaller
const SMALLER = 0.7;
const NEAR = 8; // pixels from a line at which it tells its values
const drawing = { axes: [], lines: [], width: 0, told: null, printed: false };
const inner = HEIGHT - TOP - BOTTOM;
const isWord = (column) => column.values.some((value) => typeof value === "string");

const axisOf = (column, rows) => {
  const known = rows.map((row) => column.values[row]).filter((value) => value !== null);
  if (isWord(column)) {
    const words = [...new Set(known)].sort(compare).reverse();
    const step = inner / words.length;
    const place = (value) => TOP + step * (words.indexOf(value) + 0.5);
    return { column, words, place, ticks: words };
  }
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const log = low > 0 && high > 30 * low;
  const [from, to] = log ? [Math.log(low), Math.log(high)] : [low, high];
  const span = to - from || 1;
  const place = (value) => TOP + inner * (1 - ((log ? Math.log(value) : value) - from) / span);
  const value = (y) => { const at = from + span * (1 - (y - TOP) / inner); return log ? Math.exp(at) : at; };
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => value(TOP + inner * (1 - share)));
  return { column, place, value, ticks: low === high ? [low] : ticks };
};
const colorOf = (share) => {
  const at = Math.max(0, Math.min(0.9999, share)) * (PALETTE.length - 1);
  const [from, to, part] = [PALETTE[Math.floor(at)], PALETTE[Math.floor(at) + 1], at % 1];
  return `rgb(${from.map((value, i) => Math.round(value + part * (to[i] - value))).join(" ")})`;
};
const setUp = () => {
  const rows = data.rows.map((_, index) => index).filter((index) => data.configs[index] !== null);
  const varied = (column) => new Set(rows.map((row) => column.values[row])).size > 1;
  const keys = columns.filter((column) => column.group === "Hyperparameters" && varied(column));
  const ranked = data.differing.map(([key]) => byKey.get(key)).filter((column) => keys.includes(column));
  const first = [...new Set([...ranked, ...keys])].slice(0, AXES);
  const ends = [data.objective, "test_f1"].map((key) => byKey.get(key)).filter((column) => column && varied(column));
  drawing.axes = [...first, ...ends].map((column) => axisOf(column, rows));
  const last = drawing.axes.at(-1);
  const scored = rows.filter((row) => last.column.values[row] !== null);
  drawing.lines = scored.sort((a, b) => last.column.values[a] - last.column.values[b]);
  return keys.length;
};
const layOut = (room, scale) => {
  drawing.width = Math.max(room, 96 * drawing.axes.length);
  const gap = (drawing.width - 2 * SIDE) / Math.max(1, drawing.axes.length - 1);
  drawing.axes.forEach((axis, index) => { axis.x = SIDE + gap * index; });
  const heads = holder.querySelector(".heads");
  heads.style.width = `${drawing.width}px`;
  heads.replaceChildren(...drawing.axes.map((axis) => {
    const button = element("button", { type: "button", title: `Filter by ${titleOf(axis.column)}` });
    if (axis.column.section) button.append(element("small", {}, axis.column.section));
    button.append(axis.column.title);
    button.style.left = `${axis.x}px`;
    button.style.maxWidth = `${gap - 6}px`;
    button.addEventListener("click", () => goToFilter(axis.column.key));
    return button;
  }));
  const canvas = holder.querySelector("canvas");
  [canvas.width, canvas.height] = [drawing.width * scale, HEIGHT * scale];
  canvas.style.width = `${drawing.width}px`;
  canvas.style.height = `${HEIGHT}px`;
  drawAxes();
};
const drawAxes = () => {
  const svg = holder.querySelector("svg");
  svg.setAttribute("viewBox", `0 0 ${drawing.width} ${HEIGHT}`);
  svg.style.width = `${drawing.width}px`;
  svg.replaceChildren(...drawing.axes.map((axis, index) => {
    const group = svgElement("g", { class: "axis-line", "data-axis": index });
    group.append(svgElement("line", { x1: axis.x, x2: axis.x, y1: TOP, y2: TOP + inner }));
    const anchor = index === drawing.axes.length - 1 ? "end" : "start";
    const shift = anchor === "end" ? -5 : 5;
    for (const tick of axis.ticks) {
      const words = wordOf(tick);
      const short = words.length > 13 ? `${words.slice(0, 12)}…` : words;
      group.append(svgElement("text", { x: axis.x + shift, y: axis.place(tick) + 4, "text-anchor": anchor }, short));
    }
    if (drawing.lines.some((row) => axis.column.values[row] === null)) {
      group.append(svgElement("text", { x: axis.x + shift, y: TOP + inner + 24, "text-anchor": anchor }, "none"));
    }
    group.append(...brushesOf(axis));
    group.append(svgElement("rect", {
      class: "grab", x: axis.x - GRAB, y: TOP - 6, width: 2 * GRAB, height: inner + 12,
    }));
    return group;
  }));
};
const brushesOf = (axis) => {
  const filter = state.filters.get(axis.column.key);
  if (!filter) return [];
  const rect = (top, bottom) => svgElement("rect", {
    class: "brush", x: axis.x - 8, width: 16, y: top, height: Math.max(2, bottom - top),
  });
  if (filter.values) {
    const words = axis.words ?? axis.ticks;
    const half = axis.words ? inner / words.length / 2 - 1 : 4;
    return [...filter.values].map((value) => rect(axis.place(value) - half, axis.place(value) + half));
  }
  const clamp = (y) => Math.max(TOP, Math.min(TOP + inner, y));
  const top = filter.high === undefined ? TOP : clamp(axis.place(filter.high));
  const bottom = filter.low === undefined ? TOP + inner : clamp(axis.place(filter.low));
  return [rect(top, bottom)];
};
const heightOf = (axis, row) => {
  const value = axis.column.values[row];
  return value === null ? TOP + inner + 20 : axis.place(value);
};
const tellLine = (row, x) => {
  hideTip();
  drawing.told = row;
  const svg = holder.querySelector("svg"), box = svg.getBoundingClientRect();
  const points = drawing.axes.map((axis) => `${axis.x},${heightOf(axis, row)}`).join(" ");
  svg.append(svgElement("polyline", { class: "lit", points }));
  const parts = drawing.axes.map(({ column }) => [titleOf(column), shownText(column, row), endsText(column, row)].filter(Boolean).join(" "));
  const words = `${byKey.get("name").values[row]}: ${parts.join(", ")}`;
  showTip(words, x ?? box.left + drawing.width / 2, box.top + TOP);
  return words;
};
const shownLines = () => {
  const matched = new Set(matching());
  return drawing.lines.filter((row) => matched.has(row)).reverse();
};
const pointAtLine = (event) => {
  const box = holder.querySelector("svg").getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const right = drawing.axes.findIndex((axis) => axis.x >= x);
  if (event.buttons || right < 1) { hideTip(); return; }
  const [from, to] = [drawing.axes[right - 1], drawing.axes[right]];
  const far = (row) => Math.abs(heightOf(from, row) + (heightOf(to, row) - heightOf(from, row)) * (x - from.x) / (to.x - from.x) - y);
  const near = shownLines().reduce((best, row) => (best === null || far(row) < far(best) ? row : best), null);
  if (near === null || far(near) > NEAR) hideTip();
  else tellLine(near, event.clientX);
};
const stepLine = (event) => {
  if (event.key === "Escape") hideTip();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], rows = shownLines();
  if (!step || !rows.length) return;
  event.preventDefault();
  const to = rows.indexOf(drawing.told) + step;
  say(tellLine(rows[Math.max(0, Math.min(rows.length - 1, to))]));
};
const drawLines = (matched) => {
  const canvas = holder.querySelector("canvas"), context = canvas.getContext("2d");
  const scale = canvas.width / drawing.width;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, drawing.width, HEIGHT);
  const dim = getComputedStyle(holder).getPropertyValue("--line");
  const stroke = (row, color, alpha, thickness) => {
    context.globalAlpha = alpha;
    context.strokeStyle = color;
    context.lineWidth = thickness;
    context.beginPath();
    drawing.axes.forEach((axis, index) => {
      context[index ? "lineTo" : "moveTo"](axis.x, heightOf(axis, row));
    });
    context.stroke();
  };
  const inside = drawing.lines.filter((row) => matched.has(row));
  for (const row of drawing.lines) if (!matched.has(row)) stroke(row, dim, 0.5, 0.8);
  const busy = Math.max(0.25, Math.min(0.85, 60 / inside.length));
  inside.forEach((row) => stroke(row, colorOf(drawing.lines.indexOf(row) / drawing.lines.length), busy, 1.3));
  const chosen = inside.find((row) => data.rows[row].kind === "selected");
  if (chosen !== undefined) stroke(chosen, getComputedStyle(holder).getPropertyValue("--accent"), 1, 3);
  holder.querySelector(".count").textContent = `${inside.length} of ${drawing.lines.length} configurations`;
};
const goToFilter = (key) => {
  filterPanel.parentElement.open = true;
  fillFilters();
  const field = filterPanel.querySelector(`[data-field="${CSS.escape(key)}"]`);
  const outer = field.closest("details:not(.menu)");
  if (outer) outer.open = true;
  field.querySelector("input").focus();
  field.scrollIntoView({ block: "center" });
};
const brush = (event) => {
  const group = event.target.closest("[data-axis]");
  if (!group || !event.target.classList.contains("grab")) return;
  event.preventDefault();
  const axis = drawing.axes[Number(group.dataset.axis)], svg = holder.querySelector("svg");
  const at = (moved) => {
    const y = moved.clientY - svg.getBoundingClientRect().top;
    return Math.max(TOP, Math.min(TOP + inner, y));
  };
  const start = at(event);
  const drag = (moved) => {
    const [top, bottom] = [start, at(moved)].sort((a, b) => a - b);
    if (bottom - top < 3) return;
    const low = axis.value?.(bottom), high = axis.value?.(top);
    const words = axis.words?.filter((word) => axis.place(word) >= top && axis.place(word) <= bottom);
    setFilter(axis.column.key, words ? { values: new Set(words) } : { low, high });
  };
  const end = (moved) => {
    if (Math.abs(at(moved) - start) < 3) setFilter(axis.column.key, null);
    window.removeEventListener("pointermove", drag);
    fillFilters();
    say(status.textContent);
  };
  window.addEventListener("pointermove", drag);
  window.addEventListener("pointerup", end, { once: true });
};
const follow = (matched) => {
  drawAxes();
  drawLines(matched);
};
const redraw = () => {
  if (drawing.printed) layOut(PAPER / SMALLER, 3);
  else layOut(holder.querySelector(".room").clientWidth, window.devicePixelRatio || 1);
  holder.style.setProperty("--fit", PAPER / drawing.width);
  drawLines(new Set(matching()));
};
const startParallel = () => {
  if (!setUp()) {
    holder.remove();
    return;
  }
  holder.querySelector("svg").addEventListener("pointerdown", brush);
  holder.querySelector("svg").addEventListener("pointermove", pointAtLine);
  holder.querySelector("svg").addEventListener("pointerleave", hideTip);
  holder.querySelector(".room").addEventListener("keydown", stepLine);
  holder.querySelector(".room").addEventListener("blur", hideTip);
  window.addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  followers.push(follow);
  redraw();
};
if (holder) {
  const clear = element("button", { type: "button", class: "plain screen" }, "Clear filters");
  clear.addEventListener("click", () => { clearFilters(); clear.focus(); });
  holder.hidden = false;
  holder.append(
    element("h3", {}, "Parallel coordinates"),
    element("p", { class: "note" }, "A line is a configuration, its colour the rank by test F1 (yellow is best), the thick one "
      + "the selected. ", element("span", { class: "screen" }, "Drag along an axis to keep what passes there; the ranking follows. Press an axis's name to filter by it. "
      + "A line tells its values when pointed at; the up and down keys read them, best first.")),
    element("div", { class: "room", tabindex: 0, role: "region", "aria-label": "Parallel coordinates" },
      element("div", { class: "heads" }),
      element("div", { class: "stack" }, element("canvas", { role: "img", "aria-label": "A line for each configuration" }),
        svgElement("svg", { "aria-hidden": "true" }))),
    element("p", { class: "note" }, element("span", { class: "count" }), " ", clear),
  );
  // what is far below is drawn when the reader comes near, or prints
  const watcher = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) { watcher.disconnect(); startParallel(); }
  }, { rootMargin: "400px" });
  watcher.observe(holder);
  for (const [name, printed] of [["beforeprint", true], ["afterprint", false]]) {
    window.addEventListener(name, () => {
      drawing.printed = printed;
      watcher.disconnect();
      if (!drawing.axes.length) startParallel();
      else if (holder.isConnected) redraw();
    });
  }
}
