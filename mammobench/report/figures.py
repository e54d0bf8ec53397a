"""The report's figures: inline SVG with real text, in colours that follow the page's light or dark theme."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, NullFormatter

from mammobench.metrics import Floats, operating_points
from mammobench.report import text
from mammobench.report.columns import title_of
from mammobench.report.curves import Curves
from mammobench.report.ranking import Facts, kind_of

WIDTH = 5.2
POINTS = 300
# stand-ins that become the page's own colours in the SVG
INK, MUTED, LINE = "#010203", "#040506", "#070809"
THEME = {INK: "var(--ink)", MUTED: "var(--muted)", LINE: "var(--line)"}
SELECTED, REFERENCE = "#3b82f6", "#e07b39"
OTHERS = ("#2a9d8f", "#b06ccf", "#c2940a", "#d6588a", "#6b9e3f")
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10, "text.parse_math": False,
    "text.color": INK, "axes.edgecolor": LINE, "axes.labelcolor": MUTED, "axes.grid": True,
    "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "axes.facecolor": "none", "figure.facecolor": "none", "grid.color": LINE, "grid.linewidth": 0.6,
    "xtick.color": LINE, "ytick.color": LINE, "xtick.labelcolor": MUTED, "ytick.labelcolor": MUTED,
    "xtick.labelsize": 9, "ytick.labelsize": 9, "legend.frameon": False, "legend.fontsize": 9,
    "legend.labelcolor": INK, "legend.handlelength": 1.6, "lines.linewidth": 1.5, "axes.unicode_minus": True,
}  # fmt: skip


@mpl.rc_context(STYLE)
def score_figure(rows: Sequence[Facts], metric: str) -> str:
    """Draw a test metric with its interval, one line a configuration, best on top."""
    figure, axes = _axes(0.23 * len(rows) + 0.75)
    for place, row in enumerate(rows):
        kind, point = kind_of(row), row[metric]
        if not text.is_number(point):
            continue
        color = {"selected": SELECTED, "reference": REFERENCE, "constant": MUTED, "shortcut": MUTED}.get(
            kind, OTHERS[0]
        )
        low, high = row[f"{metric}_low"], row[f"{metric}_high"]
        if text.is_number(low) and text.is_number(high):
            axes.plot([low, high], [place] * 2, color=color, linewidth=2.2, alpha=0.55)
        axes.plot(point, place, "D" if kind == "selected" else "o", color=color, markersize=5)
    labels = [f"{row['name']} (selected)" if row["selected"] else str(row["name"]) for row in rows]
    axes.set_yticks(range(len(rows)), labels)
    axes.tick_params(axis="y", labelcolor=INK, length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"test {title_of(metric.removeprefix('test_'))}")
    return svg_of(figure, f"Test {title_of(metric.removeprefix('test_'))} with intervals")


@mpl.rc_context(STYLE)
def roc_figure(curves: Sequence[Curves]) -> str:
    """Draw the ROC curves on test; a dot marks the threshold in use, the diagonal is chance."""
    figure, axes = _axes(4.2)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":", label="chance, always one class")
    for item, look in zip(curves, _looks(curves), strict=True):
        points = operating_points(item.targets == 1, item.test)
        rise = np.r_[0, points.true_positives / points.true_positives[-1]]
        fall = np.r_[0, points.false_positives / points.false_positives[-1]]
        keep = _thinned(fall, rise)
        axes.plot(fall[keep], rise[keep], **look, label=f"{item.name}  {points.auroc:.3f}")
        used = int((points.scores >= (item.threshold or 0)).sum())
        axes.plot(fall[used], rise[used], "o", color=look["color"], markersize=5)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="1 − specificity", ylabel="recall")  # noqa: RUF001
    axes.legend(title="AUROC", loc="lower right", alignment="left")
    return svg_of(figure, "ROC curves on test")


@mpl.rc_context(STYLE)
def precision_recall_figure(curves: Sequence[Curves]) -> str:
    """Draw the precision-recall curves on test; the dotted line always answers with class 1."""
    figure, axes = _axes(4.2)
    share = float(np.mean(curves[0].targets == 1))
    always = f"always {curves[0].class_names[1]}  {share:.3f}"
    axes.axhline(share, color=MUTED, linewidth=1, linestyle=":", label=always)
    for item, look in zip(curves, _looks(curves), strict=True):
        points = operating_points(item.targets == 1, item.test)
        recall = points.true_positives / points.true_positives[-1]
        precision = points.true_positives / (points.true_positives + points.false_positives)
        keep = _thinned(recall, precision)
        axes.plot(recall[keep], precision[keep], **look, label=f"{item.name}  {points.auprc:.3f}")
        used = int((points.scores >= (item.threshold or 0)).sum()) - 1
        if used >= 0:
            axes.plot(recall[used], precision[used], "o", color=look["color"], markersize=5)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="recall", ylabel="precision")
    axes.legend(title="average precision", loc="lower left", alignment="left")
    return svg_of(figure, "Precision-recall curves on test")


@mpl.rc_context(STYLE)
def history_figure(curves: Sequence[Curves], column: str, label: str) -> str | None:
    """Draw a column of the histories by epoch; a dot marks the weights that predicted. None without any."""
    figure, axes = _axes(3.2)
    drawn = False
    for item, look in zip(curves, _looks(curves), strict=True):
        if item.history.empty:
            continue
        drawn = True
        epoch, values = item.history["epoch"].to_numpy(), item.history[column].to_numpy()
        axes.plot(epoch, values, **look, label=item.name)
        kept = epoch == item.best_epoch
        axes.plot(epoch[kept], values[kept], "o", color=look["color"], markersize=5)
    if not drawn:
        return None
    axes.set(xlabel="epoch", ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="best", ncols=2)
    return svg_of(figure, f"{label} by epoch")


@mpl.rc_context(STYLE)
def front_figure(
    points: Sequence[tuple[float, float]], front: Sequence[tuple[float, float]], labels: tuple[str, str]
) -> str:
    """Draw two objectives of each trial against each other; a line joins the Pareto front.

    Args:
        points: (second, first objective) of every finished trial.
        front: The same of those on the front, by the second objective.
        labels: Of both axes.
    """
    figure, axes = _axes(3.4)
    axes.plot(*zip(*points, strict=True), "o", color=MUTED, markersize=4, alpha=0.7, label="dominated")
    axes.plot(
        *zip(*front, strict=True), "-o", color=SELECTED, markersize=6, drawstyle="steps-post", label="front"
    )
    if min(x for x, _ in points) > 0 and max(x for x, _ in points) > 10 * min(x for x, _ in points):
        axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel=labels[0], ylabel=labels[1])
    axes.legend(loc="best")
    return svg_of(figure, f"{labels[1]} against {labels[0]}")


@mpl.rc_context(STYLE)
def importance_figure(shares: Mapping[str, float]) -> str:
    """Draw hyperparameter importances, largest on top."""
    figure, axes = _axes(0.3 * len(shares) + 0.75)
    names, values = list(shares), list(shares.values())
    axes.barh(range(len(names)), values, height=0.55, color=SELECTED, alpha=0.8)
    for place, share in enumerate(values):
        axes.text(share + 0.012, place, f"{share:.2f}", va="center", fontsize=9)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", labelcolor=INK, length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, max(values) * 1.15)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("share of importance")
    return svg_of(figure, "Hyperparameter importances")


def _axes(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def _looks(curves: Sequence[Curves]) -> list[dict[str, Any]]:
    """Give each trial its colour: the selected one and the reference keep theirs on every figure."""
    others = iter(OTHERS * len(curves))
    looks: dict[str, dict[str, Any]] = {
        "selected": {"color": SELECTED, "linewidth": 2.4, "zorder": 4},
        "reference": {"color": REFERENCE, "linestyle": (0, (4, 1.6))},
    }
    return [looks.get(item.kind) or {"color": next(others), "alpha": 0.9} for item in curves]


def _thinned(x: Floats, y: Floats) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the points of a curve that a figure can show apart."""
    grid = np.round(np.stack([x, y], axis=1) * POINTS)
    return np.flatnonzero(
        np.r_[True, (np.diff(grid, axis=0) != 0).any(axis=1)] | (np.arange(len(x)) == len(x) - 1)
    )


def svg_of(figure: Figure, title: str) -> str:
    """Write a figure as an accessible SVG element that scales with the page and takes its colours."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": title}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    markup = buffer.getvalue()
    markup = markup[markup.index("<svg") :]
    markup = re.sub(r"<metadata>.*?</metadata>", "", markup, flags=re.DOTALL)
    # several figures share the page: only what is referred to keeps its id
    markup = re.sub(r'<g id="[^"]*"', "<g", markup)
    markup = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", markup)
    markup = re.sub(r'(<svg[^>]*?) height="[^"]*"', rf'\1 role="img" aria-label="{title}"', markup)
    for stand_in, color in THEME.items():
        markup = markup.replace(stand_in, color)
    return markup
