// What points of figures tell: the one nearest to the pointer, or one after the other by the arrow keys.
const REACH = 18;
const tip = element("div", { class: "tip", hidden: true });
document.body.append(tip);
const showTip = (words, x, y) => {
  tip.textContent = words;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(document.documentElement.clientWidth - width - 4, x - width / 2))}px`;
  tip.style.top = `${scrollY + (y - height - 12 < 4 ? y + 14 : y - height - 12)}px`;
};
const hideTip = () => {
  tip.hidden = true;
  document.querySelectorAll(".ring, .lit").forEach((mark) => mark.remove());
};
const svgElement = (tag, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};
const pointsOf = (series) => series.flatMap(({ at, words, values }, group) => at.flatMap((x, index) => (index % 2 ? [] : [{
  x, y: at[index + 1], group,
  words: () => words.replace(/\{(\d)\}/g, (_, place) => (Array.isArray(values[place]) ? values[place][index / 2] : values[place])),
}])));
const tellPoints = (svg) => {
  let points = null; // read when they are first asked for
  let current = 0;
  const read = () => { points ??= pointsOf(JSON.parse(svg.dataset.tips)); return points.length; };
  const show = (point) => {
    hideTip();
    const { a, d, e, f } = svg.getScreenCTM();
    svg.append(svgElement("circle", { class: "ring", cx: point.x, cy: point.y, r: 6 }));
    showTip(point.words(), a * point.x + e, d * point.y + f);
  };
  const step = (key) => {
    const group = points[current].group;
    const first = (which) => points.findIndex((point) => point.group === which);
    const to = {
      ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: points.length - 1,
      ArrowDown: first(group + 1), ArrowUp: first(group - 1),
    }[key];
    if (to === undefined) return false;
    if (points[to]) current = to;
    return true;
  };
  svg.setAttribute("tabindex", 0);
  svg.setAttribute("role", "application");
  svg.setAttribute("aria-label", `${svg.getAttribute("aria-label")}; arrow keys read its values`);
  svg.addEventListener("pointermove", (event) => {
    if (!read()) return;
    const { a, d, e, f } = svg.getScreenCTM();
    const far = points.map((point) => Math.hypot(a * point.x + e - event.clientX, d * point.y + f - event.clientY));
    const near = far.reduce((best, distance, index) => (distance < far[best] ? index : best), 0);
    if (far[near] > REACH) hideTip();
    else { current = near; show(points[near]); }
  });
  svg.addEventListener("pointerleave", hideTip);
  svg.addEventListener("blur", hideTip);
  svg.addEventListener("focus", () => {
    if (!svg.matches(":focus-visible") || !read()) return;
    show(points[current]);
    say(points[current].words());
  });
  svg.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideTip();
    if (!read() || event.ctrlKey || event.metaKey || event.altKey || !step(event.key)) return;
    event.preventDefault();
    show(points[current]);
    say(points[current].words());
  });
};
document.querySelectorAll("svg[data-tips]").forEach(tellPoints);
