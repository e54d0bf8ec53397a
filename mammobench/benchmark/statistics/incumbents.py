"""What validation would select at each moment of a search, as step functions of time, epochs and trials."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mammobench.benchmark.replay.trace import Trace
from mammobench.benchmark.statistics.scale import Scale

Floats = npt.NDArray[np.float64]
AXES = ("seconds", "epochs", "trials")

NOTHING = 1.0
"""Regret while nothing has finished: that of the median configuration."""


@dataclass(frozen=True)
class Steps:
    """A search's incumbent as a step function, which holds from each moment to the next.

    Attributes:
        at: Moments at which what validation selects changes, float64 (steps,) by axis: simulated seconds,
            epochs trained in all, trials ended.
        test: Regret on test from that moment on, float64 (steps,).
        validation: Regret on validation.
        end: Where the search ended, by axis.
    """

    at: dict[str, Floats]
    test: Floats
    validation: Floats
    end: dict[str, float]

    def on(self, axis: str, moments: Floats) -> Floats:
        """Return the regret on test at moments of an axis; `NOTHING` before the first step."""
        return self._on(self.test, axis, moments)

    def validation_on(self, axis: str, moments: Floats) -> Floats:
        """Return the regret on validation at moments of an axis."""
        return self._on(self.validation, axis, moments)

    def _on(self, regret: Floats, axis: str, moments: Floats) -> Floats:
        places = np.searchsorted(self.at[axis], moments, side="right") - 1
        return np.where(places >= 0, regret[np.maximum(places, 0)], NOTHING) if len(regret) else np.full(
            len(moments), NOTHING
        )  # fmt: skip


def steps_of(trace: Trace, scale: Scale, searched: npt.NDArray[np.int64]) -> Steps:
    """Follow what validation would select: the best finished trial that no finished one continues.

    Args:
        trace: The search.
        scale: Of its table.
        searched: Configurations that validation may select.
    """
    # a faster machine has done more at each moment, of everything
    events = trace.events["seconds"].to_numpy()
    trials = trace.trials
    columns = {name: trials[name].to_numpy() for name in trials.columns if name != "values"}
    finished = np.flatnonzero((columns["status"] == "finished") & np.isin(columns["config"], searched))
    order = finished[np.argsort(columns["ended"][finished], kind="stable")]
    values: dict[int, float] = {}
    at, selected = [], []
    current = -1
    for place in order:
        config, epochs = int(columns["config"][place]), int(columns["epochs"][place])
        value = scale.value[config, int(columns["training_seed"][place]), epochs - 1]
        values.pop(int(columns["continues"][place]), None)
        if np.isfinite(value):
            values[int(place)] = float(value)
        if not values:
            continue
        # the smaller number of equals, as a leaderboard has it
        best = max(values, key=lambda number: (values[number], -number))
        if best != current:
            current = best
            at.append(float(columns["ended"][place]))
            selected.append(best)
    moments = np.array(at, np.float64)
    places = np.array(selected, np.int64)
    configs = columns["config"][places]
    epochs_of = columns["epochs"][places] - 1
    ended = np.sort(columns["ended"][np.isfinite(columns["ended"])])
    last = float(max(events[-1] if len(events) else 0.0, ended[-1] if len(ended) else 0.0))
    test = scale.test[configs, epochs_of]
    return Steps(
        at={
            "seconds": moments,
            "epochs": np.searchsorted(events, moments, side="right") / trace.speed,
            "trials": np.searchsorted(ended, moments, side="right") / trace.speed,
        },
        test=np.where(np.isfinite(test), test, NOTHING),
        validation=scale.validation[configs, epochs_of],
        end={
            "seconds": trace.budget.seconds if trace.budget.seconds is not None else last,
            "epochs": len(events) / trace.speed,
            "trials": len(ended) / trace.speed,
        },
    )
