"""The figures of the search: history, hyperparameters and Pareto fronts."""

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from mammobench.evaluation.effects import Effect
from mammobench.evaluation.importance import ALPHA, Importances
from mammobench.report import text
from mammobench.report.chart import Chart
from mammobench.report.drawing import DOTS_DRAWN, INK, MUTED, OTHERS, REFERENCE, SELECTED, STYLE, axes_of
from mammobench.space.hyperparameters import Choice, Hyperparameter
from mammobench.space.search_space import encode
from mammobench.study.trial_record import TrialRecord

ACROSS = 2
CURVES_DRAWN = 200
JITTER = 0.16
HALF, SHARE = 0.3, 0.02
DECADES = 50
NOT_ABOVE = "not above chance"
_ROW = 1.75
_WORD = 12


@mpl.rc_context(STYLE)
def progress_figure(trials: Sequence[TrialRecord], direction: str, label: str, *, seconds: bool) -> Figure:
    """Draw the objective of each searched trial in the order of the search, and the best so far.

    Args:
        trials: Searched ones with an objective, by number.
        direction: Of the objective.
        label: The objective's name.
        seconds: Whether against the wall clock spent on trials instead of their number.
    """
    figure, axes = axes_of(3.2)
    spent = list(accumulate(sum(trial.seconds.values()) for trial in trials))
    places = np.array(spent if seconds else [trial.number for trial in trials], float)
    unit = 3600 if seconds and spent[-1] > 2 * 3600 else 60 if seconds and spent[-1] > 2 * 60 else 1
    values = np.array([trial.objective for trial in trials], float)
    whole = np.array([trial.state == "finished" for trial in trials])
    axes.plot(places[whole] / unit, values[whole], "o", color=OTHERS[0], markersize=3.5, alpha=0.65,
              label="finished", rasterized=len(trials) > DOTS_DRAWN)  # fmt: skip
    if not whole.all():
        axes.plot(places[~whole] / unit, values[~whole], "x", color=REFERENCE, markersize=4, alpha=0.8,
                  label="pruned")  # fmt: skip
    better = np.fmax if direction == "maximize" else np.fmin
    best = better.accumulate(np.where(whole, values, np.nan))
    numbers = [str(trial.number) for trial in trials]
    states = [trial.state for trial in trials]
    figure.tell(axes, places / unit, values, f"trial {{0}}, {{1}}: {label} {{2}}", numbers, states,
                list(map(text.score, values)))  # fmt: skip
    figure.tell(axes, places / unit, best, f"best {label} up to trial {{0}}: {{1}}", numbers,
                list(map(text.score, best)))  # fmt: skip
    axes.plot(places / unit, best, color=SELECTED, linewidth=2, drawstyle="steps-post", label="best so far")
    names = {1: "seconds", 60: "minutes", 3600: "hours"}
    axes.set(xlabel=f"{names[unit]} spent on trials" if seconds else "trial", ylabel=label)
    axes.legend(loc="best")
    return figure


@mpl.rc_context(STYLE)
def rung_figure(trials: Sequence[TrialRecord], label: str) -> Figure:
    """Draw the objective of each trial by epoch; a cross marks where one was stopped."""
    figure, axes = axes_of(3.4)
    seen = set()
    for trial in trials[-CURVES_DRAWN:]:
        stopped = trial.state == "pruned"
        color, kind = (REFERENCE, "pruned") if stopped else (OTHERS[0], "finished")
        epochs = range(1, len(trial.curve) + 1)
        name = None if kind in seen else kind
        seen.add(kind)
        axes.plot(epochs, trial.curve, color=color, linewidth=0.9, alpha=0.55, label=name)
        told = (str(trial.number), list(map(str, epochs)), list(map(text.score, trial.curve)))
        figure.tell(axes, epochs, trial.curve, f"trial {{0}}, epoch {{1}}: {label} {{2}}", *told)
        if stopped:
            axes.plot(epochs[-1:], trial.curve[-1:], "x", color=color, markersize=4)
    axes.set(xlabel="epoch", ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="best")
    return figure


@mpl.rc_context(STYLE)
def effects_figure(
    trials: Sequence[TrialRecord],
    hyperparameters: Sequence[Hyperparameter],
    effects: Mapping[str, Effect],
    important: Collection[str],
    label: str,
) -> Figure:
    """Draw the objective of finished trials against each hyperparameter, with the median of each level.

    Args:
        trials: Finished searched ones.
        hyperparameters: One panel each.
        effects: Of each, by key.
        important: Keys of those whose importance is above chance; the titles of others are grey.
        label: The objective's name.
    """
    rows = -(-len(hyperparameters) // ACROSS)
    figure, _ = axes_of(_ROW * rows)
    figure.clear()
    panels = figure.subplots(rows, ACROSS, squeeze=False, sharey=True)
    for place, axes in enumerate(panels.flat):
        if place >= len(hyperparameters):
            axes.set_visible(False)
            continue
        item = hyperparameters[place]
        some = [trial for trial in trials if item.key in trial.hyperparameters]
        values = np.array([trial.objective for trial in some], float)
        x = _placed(axes, item, some)
        shifted = x + _jitter(item, len(x))
        axes.plot(shifted, values, "o", color=OTHERS[0], markersize=3, alpha=0.5,
                  rasterized=len(x) > DOTS_DRAWN)  # fmt: skip
        figure.tell(axes, shifted, values, f"trial {{0}}: {item.key}={{1}}, {label} {{2}}",
                    *_told(some, item), list(map(text.score, values)))  # fmt: skip
        _draw_levels(figure, axes, item, effects[item.key])
        axes.set_title(item.key, fontsize=9, color=INK if item.key in important else MUTED)
    figure.supylabel(label, fontsize=9, color=MUTED)
    return figure


@mpl.rc_context(STYLE)
def pair_figure(trials: Sequence[TrialRecord], pair: Sequence[Hyperparameter], label: str) -> Figure:
    """Draw finished trials by two hyperparameters, coloured by the objective.

    Args:
        trials: Finished searched ones that have both.
        pair: The two.
        label: The objective's name.
    """
    figure, axes = axes_of(3.6)
    across, up = pair
    x, y = _placed(axes, across, trials), _placed(axes, up, trials, vertical=True)
    values = np.array([trial.objective for trial in trials], float)
    order = np.argsort(values)
    x, y = x + _jitter(across, len(x)), y + _jitter(up, len(y), seed=1)
    points = axes.scatter(
        x[order], y[order],
        c=values[order], cmap="viridis", s=26, edgecolors=MUTED, linewidths=0.4,
        rasterized=len(values) > DOTS_DRAWN,
    )  # fmt: skip
    figure.tell(axes, x, y, f"trial {{0}}: {across.key}={{1}}, {up.key}={{2}}, {label} {{3}}",
                *_told(trials, across, up), list(map(text.score, values)))  # fmt: skip
    bar = figure.colorbar(points, label=label)
    bar.outline.set_visible(False)
    axes.set(xlabel=across.key, ylabel=up.key)
    return figure


@mpl.rc_context(STYLE)
def front_figure(
    points: Sequence[tuple[float, float]], front: Sequence[tuple[float, float]], labels: tuple[str, str]
) -> Figure:
    """Draw two objectives of each trial against each other; a line joins the Pareto front.

    Args:
        points: (second, first objective) of every finished trial.
        front: The same of those on the front, by the second objective.
        labels: Of both axes.
    """
    figure, axes = axes_of(3.4)
    x, y = zip(*points, strict=True)
    figure.tell(axes, x, y, "{1} {3}, {0} {2}", *labels, list(map(text.number, x)), list(map(text.number, y)))
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
    return figure


@mpl.rc_context(STYLE)
def importance_figure(found: Importances) -> Figure:
    """Draw importances with their intervals and the share that chance reaches; grey where not above it."""
    shares = found.shares
    figure, axes = axes_of(0.32 * len(shares) + 1)
    widest = max(max(share, found.chance[key], found.spread[key][1]) for key, share in shares.items())
    # words of the legend, each once
    names = {True: "above chance", False: NOT_ABOVE}
    for place, (key, share) in enumerate(shares.items()):
        (low, high), chance, above = found.spread[key], found.chance[key], key in found.important
        color, alpha = (SELECTED, 0.8) if above else (MUTED, 0.45)
        axes.barh(place, share, height=0.5, color=color, alpha=alpha, label=names.pop(above, None))
        axes.plot([low, high], [place] * 2, color=INK, linewidth=1.2)
        axes.plot([chance] * 2, [place - 0.4, place + 0.4], color=REFERENCE, linewidth=1.8,
                  label=None if place else f"{100 * (1 - ALPHA):g} % of permutations")  # fmt: skip
        axes.text(max(share, high, chance) + 0.015 * widest, place, f"{share:.2f}", va="center", fontsize=9,
                  color=INK if above else MUTED)  # fmt: skip
        told = map(text.score, (share, low, high, chance, found.p[key]))
        figure.tell(
            axes, [share], [place], "{0}: share {1} [{2}, {3}], by chance up to {4}, p {5}", key, *told
        )
    axes.set_yticks(range(len(shares)), list(shares))
    axes.tick_params(axis="y", labelcolor=INK, length=0)
    axes.set_ylim(len(shares) - 0.4, -0.6)
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= 1])
    axes.set_xlim(0, widest * 1.15)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("share of the variance of ranks")
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def _placed(
    axes: Axes, item: Hyperparameter, trials: Sequence[TrialRecord], *, vertical: bool = False
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return where each trial's value stands on an axis, and set the axis up for it."""
    axis = axes.yaxis if vertical else axes.xaxis
    if isinstance(item, Choice):
        known = [encode(value) for value in item.values]
        words = [text.value(value) for value in known]
        short = [word if len(word) <= _WORD else f"{word[: _WORD - 1]}…" for word in words]
        axis.set_ticks(range(len(known)), short)
        slanted = not vertical and sum(map(len, short)) > 2 * _WORD
        axis.set_tick_params(labelrotation=30 if slanted else 0)
        return np.array([known.index(encode(trial.hyperparameters[item.key])) for trial in trials], float)
    if getattr(item, "log", False):
        (axes.set_yscale if vertical else axes.set_xscale)("log")
        if item.grid()[-1] < DECADES * item.grid()[0]:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    return np.array([trial.hyperparameters[item.key] for trial in trials], float)


def _jitter(item: Hyperparameter, count: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Spread points that share a choice."""
    width = JITTER if isinstance(item, Choice) else 0.0
    return np.random.default_rng(seed).uniform(-width, width, count)


def _told(trials: Sequence[TrialRecord], *items: Hyperparameter) -> list[list[str]]:
    """Return the numbers of trials, and their values of hyperparameters, as text."""
    values = [[text.value(encode(trial.hyperparameters[item.key])) for trial in trials] for item in items]
    return [[str(trial.number) for trial in trials], *values]


def _draw_levels(figure: Chart, axes: Axes, item: Hyperparameter, effect: Effect) -> None:
    """Draw the median of each level as a line and its interval as a band around it."""
    known = [encode(value) for value in item.values] if isinstance(item, Choice) else []
    low, high = axes.get_xlim()
    log = axes.get_xscale() == "log"
    for level in effect.levels:
        left, right = level.values[0], level.values[-1]
        if known:
            place = known.index(encode(left))
            left, right = place - HALF, place + HALF
        elif left == right:
            # a single value of a range gets a little width, so that it shows
            left, right = (
                (left / 1.1, right * 1.1)
                if log
                else (left - SHARE * (high - low), right + SHARE * (high - low))
            )
        axes.plot([left, right], [level.median] * 2, color=SELECTED, linewidth=2.2)
        known_ends = text.ends({"median_low": level.low, "median_high": level.high}, "median")
        figure.tell(axes, [(left * right) ** 0.5 if log else (left + right) / 2], [level.median],
                    f"{item.key} {{0}}: median {{1}} {{2}}",
                    " to ".join(dict.fromkeys(map(text.value, (level.values[0], level.values[-1])))),
                    text.score(level.median), known_ends)  # fmt: skip
        if level.low == level.low:
            axes.fill_between([left, right], level.low, level.high, color=SELECTED, alpha=0.25, linewidth=0)
