"""One number a search: area under the regret curve, final regret, time to the target, overtuning."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mammobench.benchmark.statistics.incumbents import NOTHING, Steps

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """The searches of one method on one table, in the order of their seeds; each float64 (searches,).

    Attributes:
        auc: Mean regret on test over the logarithm of time, from one whole training to the budget.
        final: Regret on test at the end.
        validation: Regret on validation at the end.
        overtuning: How much less regret on test an earlier selection had than the last one.
        worse_than_first: 1 where the last selection is worse on test than the first, else 0.
        spent: Seconds until the target was reached, or that were searched without reaching it.
        reached: 1 where the target was reached, else 0.
        epochs: Trained in all.
        thinking: Real seconds that the method took for itself.
    """

    auc: Floats
    final: Floats
    validation: Floats
    overtuning: Floats
    worse_than_first: Floats
    spent: Floats
    reached: Floats
    epochs: Floats
    thinking: Floats


def measured(
    searches: list[Steps], thinking: list[float], *, axis: str, start: float, end: float, target: float
) -> Measured:
    """Measure the searches of a method on a table.

    Args:
        searches: One a seed.
        thinking: Real seconds of each.
        axis: On which the area and the time to the target are taken.
        start: Where the area begins: one whole training.
        end: Where it ends: the budget.
        target: Regret to be reached.
    """
    final = [float(steps.test[-1]) if len(steps.test) else NOTHING for steps in searches]
    hits = [_reached(steps, axis, target) for steps in searches]
    return Measured(
        auc=np.array([_area(steps, axis, start, end) for steps in searches]),
        final=np.array(final),
        validation=np.array(
            [float(steps.validation[-1]) if len(steps.validation) else NOTHING for steps in searches]
        ),
        overtuning=np.array(
            [float(steps.test[-1] - steps.test.min()) if len(steps.test) else 0.0 for steps in searches]
        ),
        worse_than_first=np.array(
            [float(len(steps.test) > 0 and steps.test[-1] > steps.test[0]) for steps in searches]
        ),
        spent=np.array([end if hit is None else min(hit, end) for hit in hits]),
        reached=np.array([float(hit is not None and hit <= end) for hit in hits]),
        epochs=np.array([steps.end["epochs"] for steps in searches]),
        thinking=np.array(thinking),
    )


def _area(steps: Steps, axis: str, start: float, end: float) -> float:
    """Return the mean of the step function over the logarithm of the axis."""
    if end <= start:
        return float(steps.on(axis, np.array([end]))[0])
    inside = steps.at[axis][(steps.at[axis] > start) & (steps.at[axis] < end)]
    edges = np.concatenate([[start], inside, [end]])
    regret = steps.on(axis, edges[:-1])
    return float(np.sum(regret * np.diff(np.log(edges))) / np.log(end / start))


def _reached(steps: Steps, axis: str, target: float) -> float | None:
    """Return when the selection was at the target or better for the first time."""
    there = np.flatnonzero(steps.test <= target)
    return float(steps.at[axis][there[0]]) if len(there) else None
