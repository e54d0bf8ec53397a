"""The figures of scores and of the leading trials' predictions."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.calibration import calibration_curve

from mammobench.core.metrics import Floats, operating_points
from mammobench.report import text
from mammobench.report.columns import title_of
from mammobench.report.curves import Curves
from mammobench.report.drawing import INK, MUTED, OTHERS, REFERENCE, SELECTED, STYLE, axes_of
from mammobench.report.ranking import BoardRow, kind_of

POINTS = 300
RELIABILITY_BINS = 10
_SIDE_BY_SIDE = 24  # characters of names that a legend has room for in two columns


@mpl.rc_context(STYLE)
def score_figure(rows: Sequence[BoardRow], metric: str) -> Figure:
    """Draw a test metric with its interval, one line a configuration, best on top."""
    figure, axes = axes_of(0.23 * len(rows) + 0.75)
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
        words = f"{{0}}: test {title_of(metric.removeprefix('test_'))} {{1}}"
        figure.tell(axes, [point], [place], words, str(row["name"]), text.with_interval(row, metric))
    labels = [text.label(str(row["name"])) + (" (selected)" if row["selected"] else "") for row in rows]
    axes.set_yticks(range(len(rows)), labels)
    axes.tick_params(axis="y", labelcolor=INK, length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"test {title_of(metric.removeprefix('test_'))}")
    return figure


@mpl.rc_context(STYLE)
def roc_figure(curves: Sequence[Curves]) -> Figure:
    """Draw the ROC curves on test; a dot marks the threshold in use, the diagonal is chance."""
    figure, axes = axes_of(4.2)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":", label="chance")
    for item, look in zip(curves, _looks(curves), strict=True):
        points = operating_points(item.targets == 1, item.test)
        rise, fall = np.r_[0, points.recall], np.r_[0, points.false_positive_rate]
        keep = _thinned(fall, rise)
        axes.plot(fall[keep], rise[keep], **look, label=f"{text.label(item.name)}  {points.auroc:.3f}")
        values = (item.name, _written(rise[keep]), _written(1 - fall[keep]))
        figure.tell(axes, fall[keep], rise[keep], "{0}: recall {1}, specificity {2}", *values)
        used = int((points.scores >= (item.threshold or 0)).sum())
        axes.plot(fall[used], rise[used], "o", color=look["color"], markersize=5)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="1 − specificity", ylabel="recall")  # noqa: RUF001
    axes.legend(title="AUROC", loc="lower right", alignment="left")
    return figure


@mpl.rc_context(STYLE)
def precision_recall_figure(curves: Sequence[Curves]) -> Figure:
    """Draw the precision-recall curves on test; the dotted line always answers with class 1."""
    figure, axes = axes_of(4.2)
    share = float(np.mean(curves[0].targets == 1))
    always = f"always {curves[0].class_names[1]}  {share:.3f}"
    axes.axhline(share, color=MUTED, linewidth=1, linestyle=":", label=always)
    for item, look in zip(curves, _looks(curves), strict=True):
        points = operating_points(item.targets == 1, item.test)
        recall, precision = points.recall, points.precision
        keep = _thinned(recall, precision)
        axes.plot(recall[keep], precision[keep], **look, label=f"{text.label(item.name)}  {points.auprc:.3f}")
        values = (item.name, _written(precision[keep]), _written(recall[keep]))
        figure.tell(axes, recall[keep], precision[keep], "{0}: precision {1}, recall {2}", *values)
        used = int((points.scores >= (item.threshold or 0)).sum()) - 1
        if used >= 0:
            axes.plot(recall[used], precision[used], "o", color=look["color"], markersize=5)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="recall", ylabel="precision")
    axes.legend(title="average precision", loc="lower left", alignment="left")
    return figure


@mpl.rc_context(STYLE)
def reliability_figure(curves: Sequence[Curves]) -> Figure:
    """Draw the share of positives among test images by predicted probability, in bins of equal width."""
    figure, axes = axes_of(4.2)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":", label="perfectly calibrated")
    for item, look in zip(curves, _looks(curves), strict=True):
        shares, predicted = calibration_curve(item.targets == 1, item.test, n_bins=RELIABILITY_BINS)
        axes.plot(predicted, shares, **look, marker="o", markersize=3.5, label=text.label(item.name))
        values = (item.name, _written(shares), _written(predicted))
        figure.tell(axes, predicted, shares, "{0}: share of positives {1} at probability {2}", *values)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.set(xlabel="mean predicted probability", ylabel="share of positives")
    axes.legend(loc="best")
    return figure


@mpl.rc_context(STYLE)
def threshold_figure(item: Curves) -> Figure:
    """Draw F1, recall and precision on test, and F1 on validation, against the threshold."""
    figure, axes = axes_of(3.6)
    parts = {"test": (item.split.test, item.test), "validation": (item.split.validation, item.validation)}
    for place, (name, (part, probabilities)) in enumerate(parts.items()):
        points = operating_points(part.targets == 1, probabilities)
        keep = _thinned(points.scores, points.f1)
        wanted = {"F1": points.f1}
        if name == "test":
            wanted |= {"recall": points.recall, "precision": points.precision}
        for color, (metric, values) in zip((SELECTED, *OTHERS), wanted.items(), strict=False):
            look: dict[str, Any] = {"linestyle": (0, (3, 1.5)), "alpha": 0.8} if place else {}
            axes.plot(points.scores[keep], values[keep], color=color, label=f"{metric} on {name}", **look)
            told = (_written(values[keep]), _written(points.scores[keep]))
            figure.tell(
                axes,
                points.scores[keep],
                values[keep],
                f"{metric} on {name}: {{0}} at threshold {{1}}",
                *told,
            )
    axes.axvline(item.threshold or 0, color=INK, linewidth=1, label=f"chosen, {item.threshold:.3f}")
    axes.axvline(0.5, color=MUTED, linewidth=1, linestyle=":", label="0.5")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="threshold", ylabel="score")
    axes.legend(loc="best", ncols=2)
    return figure


@mpl.rc_context(STYLE)
def history_figure(curves: Sequence[Curves], column: str, label: str) -> Figure | None:
    """Draw a column of the histories by epoch; a dot marks the best epoch. None without any."""
    figure, axes = axes_of(3.2)
    drawn = False
    for item, look in zip(curves, _looks(curves), strict=True):
        if item.history.empty:
            continue
        drawn = True
        epoch, values = item.history["epoch"].to_numpy(), item.history[column].to_numpy()
        axes.plot(epoch, values, **look, label=text.label(item.name))
        told = (item.name, [str(number) for number in epoch], _written(values))
        figure.tell(axes, epoch, values, f"{{0}}, epoch {{1}}: {label} {{2}}", *told)
        kept = epoch == item.best_epoch
        axes.plot(epoch[kept], values[kept], "o", color=look["color"], markersize=5)
    if not drawn:
        return None
    axes.set(xlabel="epoch", ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    widest = max(len(text.label(item.name)) for item in curves)
    axes.legend(loc="best", ncols=2 if widest <= _SIDE_BY_SIDE else 1)
    return figure


def _looks(curves: Sequence[Curves]) -> list[dict[str, Any]]:
    """Give each trial its colour: the selected one and the reference keep theirs on every figure."""
    others = iter(OTHERS * len(curves))
    looks: dict[str, dict[str, Any]] = {
        "selected": {"color": SELECTED, "linewidth": 2.4, "zorder": 4},
        "reference": {"color": REFERENCE, "linestyle": (0, (4, 1.6))},
    }
    return [looks.get(item.kind) or {"color": next(others), "alpha": 0.9} for item in curves]


def _written(values: Floats) -> list[str]:
    return [text.score(float(value)) for value in values]


def _thinned(x: Floats, y: Floats) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the points of a curve that a figure can show apart."""
    grid = np.round(np.stack([x, y], axis=1) * POINTS)
    return np.flatnonzero(
        np.r_[True, (np.diff(grid, axis=0) != 0).any(axis=1)] | (np.arange(len(x)) == len(x) - 1)
    )
