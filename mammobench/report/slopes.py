"""A slope chart: the same configurations under several conditions, one line each, and their mean."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from mammobench.evaluation.intervals import Interval
from mammobench.report import text
from mammobench.report.chart import Chart
from mammobench.report.drawing import MUTED, REFERENCE, SELECTED

HEIGHT, PANEL_WIDTH = 3.6, 3.6

Panel = tuple[Mapping[str, Sequence[float]], Sequence[Interval]]
"""Scores of each configuration under each condition, and the means with their intervals."""


def draw_slopes(panels: Mapping[str, Panel], conditions: Sequence[str]) -> Figure:
    """Draw one panel for each score; the reference CNN has a colour of its own.

    Args:
        panels: The score's title to what is drawn.
        conditions: In the order of the values.
    """
    figure = Chart(PANEL_WIDTH * len(panels), HEIGHT)
    places = range(len(conditions))
    for axes, (title, (lines, means)) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for name, values in lines.items():
            reference = name == "reference CNN"
            color, width = (REFERENCE, 1.6) if reference else (MUTED, 0.9)
            axes.plot(places, values, color=color, linewidth=width, marker="o", markersize=3, alpha=0.8,
                      label=name if reference else None)  # fmt: skip
            figure.tell(axes, places, values, "{0}, {1}: {2}", name, conditions, [*map(text.score, values)])
        points = [mean.point for mean in means]
        below = [mean.point - mean.low for mean in means]
        above = [mean.high - mean.point for mean in means]
        axes.errorbar(places, points, yerr=(below, above), color=SELECTED, linewidth=2.4, marker="D",
                      markersize=6, capsize=4, label="mean, 95 % interval")  # fmt: skip
        ends = [
            f"{text.score(mean.point)} [{text.score(mean.low)}, {text.score(mean.high)}]" for mean in means
        ]
        figure.tell(axes, places, points, "mean, {0}: {1}", conditions, ends)
        axes.set_xticks(places, conditions)
        axes.set_xlim(-0.3, len(conditions) - 0.7)
        axes.set_ylabel(title)
        axes.grid(visible=False, axis="x")
    axes.legend(loc="best")
    return figure
