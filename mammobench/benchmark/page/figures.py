"""The figures of a comparison: drawn from an `Assessment` alone."""

import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from mammobench.benchmark.statistics.assessment import Assessment
from mammobench.benchmark.statistics.pairs import TOGETHER
from mammobench.report.chart import Chart
from mammobench.report.drawing import (
    DOTS_DRAWN,
    DOTS_PER_INCH,
    INK,
    LINE,
    MUTED,
    OTHERS,
    REFERENCE,
    SELECTED,
    STYLE,
    Drawing,
    axes_of,
)
from mammobench.report.text import p_value

SHOWN = 5
"""Methods with a colour of their own, besides the baseline; the others are grey."""

HIGHEST = 2.0
"""Regret above that is cut off: a method that is twice as bad as the median configuration is bad enough."""

_COLUMNS = 2
_UNIT = {"seconds": "simulated seconds", "epochs": "epochs trained", "trials": "trials ended"}


def colours_of(found: Assessment) -> dict[str, str]:
    """Return a colour for the baseline and the best methods."""
    methods = [method for method in found.methods if method != found.baseline]
    best = dict(zip(methods[:SHOWN], (SELECTED, *OTHERS), strict=False))
    return {found.baseline: REFERENCE, **best}


def drawings_of(found: Assessment) -> tuple[Drawing, ...]:
    """Return every figure that the comparison gives."""
    with mpl.rc_context(STYLE):
        drawn = [regret_over_time(found), speedups(found), improvement_matrix(found)]
        if not found.no_diagram:
            drawn.append(rank_diagram(found))
        drawn += [overtuning(found), epoch_ranks(found), thinking(found)]
    return tuple(drawn)


def regret_over_time(found: Assessment) -> Drawing:
    """Draw regret on test over the budget, a panel a table, with bands; validation lighter."""
    tables = found.tables["table"].tolist()
    columns = min(_COLUMNS, len(tables))
    rows = math.ceil(len(tables) / columns)
    figure = Chart(5.2 * columns, 3.4 * rows, dots=DOTS_PER_INCH)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    colours = colours_of(found)
    curves = found.curves[found.curves["axis"] == found.axis]
    for axes, table in zip(panels, tables, strict=False):
        there = curves[curves["table"] == table]
        facts = found.tables.set_index("table").loc[table]
        for method in reversed(found.methods):
            mine = there[there["method"] == method]
            colour = colours.get(method)
            if colour is None:
                axes.plot(mine["at"], mine["regret"], color=LINE, linewidth=1, zorder=1)
                continue
            axes.fill_between(mine["at"], mine["low"], mine["high"], color=colour, alpha=0.15, linewidth=0)
            axes.plot(
                mine["at"], mine["validation_regret"], color=colour, alpha=0.45, linewidth=0.9, linestyle=":"
            )
            axes.plot(
                mine["at"], mine["regret"], color=colour, label=method, drawstyle="steps-post", zorder=3
            )
        axes.axhline(facts["target"], color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.set_xscale("log")
        axes.set_ylim(top=min(axes.get_ylim()[1], HIGHEST))
        axes.set_title(table, fontsize=10, color=INK, loc="left")
        axes.set_xlabel(_UNIT[found.axis])
        axes.set_ylabel("regret on test")
        _plain_ticks(axes)
    for axes in panels[len(tables) :]:
        axes.set_visible(False)
    _legend(panels[0], found)
    return Drawing(
        "regret",
        "Regret on test over the budget",
        "What validation would select at each moment, scored on test: 0 is the table's best configuration, "
        "1 its "
        "median one, lower is better. Mean over searches with its 95 % interval; dotted: the same on "
        "validation; "
        "dashed: what 100 whole random trainings reach. The other methods are grey.",
        figure,
    )


def speedups(found: Assessment) -> Drawing:
    """Draw each method's speed-up over the baseline, a mark a table, with intervals."""
    rows = found.scores[(found.scores["measure"] == "speedup") & (found.scores["method"] != found.baseline)]
    methods = [method for method in found.methods if method != found.baseline]
    tables = found.tables["table"].tolist()
    figure, axes = axes_of(max(2.2, 0.34 * len(methods) * max(1, 0.45 * len(tables)) + 0.9), 7.2)
    for place, method in enumerate(methods):
        for shift, table in enumerate(tables):
            row = rows[(rows["method"] == method) & (rows["table"] == table)].iloc[0]
            y = place + 0.7 * ((shift + 0.5) / len(tables) - 0.5)
            colour = (SELECTED, *OTHERS)[shift % (1 + len(OTHERS))]
            if not math.isfinite(row["value"]) or row["value"] <= 0:
                continue
            if math.isfinite(row["low"]):
                axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=1.2)
            axes.plot(
                [row["value"]], [y], "o", color=colour, markersize=4, label=table if place == 0 else None
            )
            figure.tell(axes, [row["value"]], [y], "{0} on {1}: {2}", method, table, _ratio(row))
    axes.axvline(1, color=MUTED, linewidth=0.8)
    axes.set_xscale("log")
    _plain_ticks(axes)
    axes.set_yticks(range(len(methods)), methods)
    axes.invert_yaxis()
    axes.set_xlabel(f"times as fast as {found.baseline} to the target")
    if len(tables) > 1:
        axes.legend(loc="best")
    return Drawing(
        "speedup",
        f"Speed-up over {found.baseline}",
        f"How many times sooner than {found.baseline} a method reaches, in the expected time, what 100 "
        "whole random "
        "trainings reach in the mean; 95 % intervals. A method that never did on a table has no mark there.",
        figure,
    )


def improvement_matrix(found: Assessment) -> Drawing:
    """Draw how likely a search of one method ends better than one of another."""
    table = TOGETHER if (found.pairs["table"] == TOGETHER).any() else found.tables["table"].iloc[0]
    methods = list(found.methods)
    matrix = np.full((len(methods), len(methods)), np.nan)
    rows = found.pairs[found.pairs["table"] == table]
    for method, other, chance in zip(rows["method"], rows["other"], rows["improvement"], strict=True):
        matrix[methods.index(method), methods.index(other)] = chance
    side = max(3.6, 0.5 * len(methods) + 2.0)
    figure, axes = axes_of(side - 0.4, side + 0.4)
    colours = mpl.colors.LinearSegmentedColormap.from_list("chance", [REFERENCE, "#f4f2ee", SELECTED])
    axes.imshow(matrix, cmap=colours, vmin=0, vmax=1)
    for row, column in np.argwhere(np.isfinite(matrix)):
        axes.text(
            column,
            row,
            f"{100 * matrix[row, column]:.0f}",
            ha="center",
            va="center",
            fontsize=8,
            color="#1d1d20",
        )
    axes.set_xticks(range(len(methods)), methods, rotation=45, ha="right")
    axes.set_yticks(range(len(methods)), methods)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    over = " over all tables" if table == TOGETHER else ""
    return Drawing(
        "improvement",
        "Probability of improvement",
        "In per cent: how likely a search of the row's method has less regret over time than one of the "
        "column's"
        f"{over}. 50 is no difference.",
        figure,
    )


def rank_diagram(found: Assessment) -> Drawing:
    """Draw mean ranks with Nemenyi's critical difference; methods under one bar are not told apart."""
    ranks, methods = found.ranks["rank"].to_numpy(), found.ranks["method"].tolist()
    cliques = cliques_of(ranks, found.critical_difference)
    half = math.ceil(len(methods) / 2)
    height = 1.3 + 0.24 * half + 0.12 * len(cliques)
    figure, axes = axes_of(height, 8.4)
    lowest, highest = 1.0, float(len(methods))
    axes.set_xlim(lowest - 0.3 * (highest - lowest), highest + 0.3 * (highest - lowest))
    bottom = 1 + 0.5 * len(cliques) + half
    axes.set_ylim(bottom + 0.5, -1.6)
    axes.axis("off")
    axes.plot([lowest, highest], [0, 0], color=INK, linewidth=1)
    for tick in range(1, len(methods) + 1):
        axes.plot([tick, tick], [0, -0.18], color=INK, linewidth=1)
        axes.text(tick, -0.3, str(tick), ha="center", va="bottom", fontsize=8)
    axes.plot([lowest, lowest + found.critical_difference], [-1.1, -1.1], color=INK, linewidth=2)
    axes.text(
        lowest + found.critical_difference + 0.1,
        -1.1,
        f"critical difference {found.critical_difference:.2f}",
        va="center",
        fontsize=8,
    )
    for place, (method, rank) in enumerate(zip(methods, ranks, strict=True)):
        left = place < half
        y = 1 + 0.5 * len(cliques) + (place if left else len(methods) - 1 - place)
        edge = lowest - 0.04 * (highest - lowest) if left else highest + 0.04 * (highest - lowest)
        axes.plot([rank, rank, edge], [0, y, y], color=MUTED, linewidth=0.8)
        axes.text(
            edge,
            y,
            f"{method} ({rank:.1f}) " if left else f" {method} ({rank:.1f})",
            ha="right" if left else "left",
            va="center",
            fontsize=9,
        )
    for level, (first, last) in enumerate(cliques):
        y = 0.45 + 0.4 * level
        axes.plot(
            [ranks[first] - 0.05, ranks[last] + 0.05], [y, y], color=INK, linewidth=3, solid_capstyle="round"
        )
    return Drawing(
        "ranks",
        "Ranks of the methods over tables",
        f"Mean rank by regret over time, 1 the best (Friedman's test: {p_value(found.friedman_p)}). Methods "
        "that a bar "
        "joins are not told apart by Nemenyi's test.",
        figure,
    )


def cliques_of(ranks: Sequence[float] | np.ndarray, difference: float) -> list[tuple[int, int]]:
    """Return the first and last of each largest group of sorted ranks that lie within a difference."""
    found: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = max(place for place in range(first, len(ranks)) if ranks[place] - ranks[first] < difference)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found


def overtuning(found: Assessment) -> Drawing:
    """Draw each search's regret at the end on validation against that on test."""
    figure, axes = axes_of(4.2)
    colours = colours_of(found)
    searches = found.searches
    for method in reversed(found.methods):
        mine = searches[searches["method"] == method]
        axes.plot(
            mine["validation"],
            mine["final"],
            "o",
            markersize=3,
            alpha=0.55,
            color=colours.get(method, LINE),
            label=method if method in colours else None,
            rasterized=len(searches) > DOTS_DRAWN,
        )
    _line_of_equals(axes, searches["validation"], searches["final"])
    axes.set_xlabel("regret on validation at the end")
    axes.set_ylabel("regret on test at the end")
    _legend(axes, found)
    return Drawing(
        "overtuning",
        "Validation against test",
        "One dot a search. A dot above the line has more regret on test than on validation: the search "
        "fitted the "
        "validation images.",
        figure,
    )


def epoch_ranks(found: Assessment) -> Drawing:
    """Draw how well each epoch ranks configurations as the last does."""
    figure, axes = axes_of(3.4)
    for place, (table, rows) in enumerate(found.correlation.groupby("table", sort=False)):
        colour = (SELECTED, *OTHERS)[place % (1 + len(OTHERS))]
        axes.fill_between(rows["epoch"], rows["low"], rows["high"], color=colour, alpha=0.12, linewidth=0)
        axes.plot(rows["epoch"], rows["correlation"], "o-", markersize=3, color=colour, label=str(table))
    axes.set_xscale("log")
    _plain_ticks(axes)
    axes.set_xticks(sorted(set(found.correlation["epoch"]) & {1, 3, 9, 27, 81} or {1}))
    axes.set_xlabel("epoch")
    axes.set_ylabel("rank correlation with the last epoch")
    axes.set_ylim(top=1.02)
    axes.legend(loc="lower right")
    return Drawing(
        "epochs",
        "What an early epoch says",
        "Spearman's rank correlation between the configurations' validation scores after an epoch and after "
        "the "
        "last, with 95 % intervals over configurations. Methods that stop trials early count on it.",
        figure,
    )


def thinking(found: Assessment) -> Drawing:
    """Draw the real seconds that each method took for its own decisions."""
    means = found.searches.groupby("method")["thinking"].mean().reindex(list(found.methods))
    figure, axes = axes_of(max(1.8, 0.28 * len(means) + 0.9))
    axes.barh(range(len(means)), means, color=MUTED, height=0.6)
    axes.set_yticks(range(len(means)), list(means.index))
    axes.invert_yaxis()
    axes.set_xscale("log")
    _plain_ticks(axes)
    axes.set_xlabel("seconds a search, on this machine")
    axes.grid(visible=False, axis="y")
    figure.tell(
        axes,
        means,
        np.arange(len(means)),
        "{0}: {1} s",
        list(means.index),
        [f"{value:.3g}" for value in means],
    )
    return Drawing(
        "thinking",
        "The methods' own time",
        "Real seconds that a method took in the mean to propose, learn and stop in one whole search. They "
        "are no part "
        "of the simulated time.",
        figure,
    )


def timeline(trials: pd.DataFrame, *, method: str, table: str, end: float) -> Drawing:
    """Draw which worker ran which trial when, in one search.

    Args:
        trials: Of a `Trace`.
        method: Its method.
        table: Its table.
        end: Where the search ended, in simulated seconds.
    """
    colours = {"finished": SELECTED, "pruned": OTHERS[2], "failed": "#c62828", "infeasible": "#c62828",
               "running": MUTED}  # fmt: skip
    with mpl.rc_context(STYLE):
        workers = int(trials["worker"].max()) + 1
        figure, axes = axes_of(max(1.7, 0.32 * workers + 1.1), 7.2)
        for status, rows in trials.groupby("status", sort=False):
            until = rows["ended"].fillna(end)
            axes.barh(
                rows["worker"],
                until - rows["started"],
                left=rows["started"],
                height=0.7,
                color=colours[str(status)],
                edgecolor="white",
                linewidth=0.5,
                label=str(status),
            )
        axes.set_yticks(range(workers), [str(worker) for worker in range(workers)])
        axes.set_ylabel("worker")
        axes.set_xlabel("simulated seconds")
        axes.xaxis.set_major_locator(MaxNLocator(8))
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=5)
    return Drawing(
        "timeline",
        "One search, worker by worker",
        f"{method} on {table}, the search of seed 0: each bar is a trial, from its start to its end.",
        figure,
    )


def _legend(axes: Axes, found: Assessment) -> None:
    """Name the methods that have a colour, the best first."""
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda place: found.methods.index(labels[place]))
    axes.legend(
        [handles[place] for place in order], [labels[place] for place in order], loc="best", markerscale=1.5
    )


def _plain_ticks(axes: Axes) -> None:
    """Write the ticks of a logarithmic axis as numbers, the minor ones not at all."""
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def _line_of_equals(axes: Axes, first: pd.Series, second: pd.Series) -> None:
    low, high = (float(pick([pick(first), pick(second)])) for pick in (min, max))
    axes.plot([low, high], [low, high], color=MUTED, linewidth=0.8, zorder=0)


def _ratio(row: pd.Series) -> str:
    ends = f" [{row['low']:.2f}, {row['high']:.2f}]" if math.isfinite(row["low"]) else ""
    return f"{row['value']:.2f}{ends}"
