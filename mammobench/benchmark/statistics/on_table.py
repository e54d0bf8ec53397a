"""The searches of all methods on one table, each as what validation would select and as numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mammobench.benchmark.replay.search import whole_seconds
from mammobench.benchmark.replay.trace import Trace
from mammobench.benchmark.statistics.incumbents import Steps, steps_of
from mammobench.benchmark.statistics.measures import Measured, measured
from mammobench.benchmark.statistics.scale import Scale, scale_of
from mammobench.benchmark.tables.observed import Observed
from mammobench.benchmark.tables.sealed import Sealed
from mammobench.core.errors import ConfigError


@dataclass(frozen=True)
class OnTable:
    """The searches of one table."""

    observed: Observed
    scale: Scale
    start: float
    end: float
    seeds: tuple[int, ...]
    steps: Mapping[str, list[Steps]]
    measured: Mapping[str, Measured]


def on_table(
    observed: Observed, sealed: Sealed, traces: Sequence[Trace], methods: list[str], axis: str
) -> OnTable:
    """Follow and measure the searches of one table.

    Args:
        observed: What a search may know of it.
        sealed: Its test scores.
        traces: Searches, those of other tables too.
        methods: Whose searches.
        axis: What the budget is counted in.

    Raises:
        ConfigError: Where a method has no searches there, or no seed has one of each method.
        DataError: For a table that gives no scale.
    """
    scale = scale_of(observed, sealed)
    by_seed: dict[str, dict[int, Trace]] = {method: {} for method in methods}
    for trace in traces:
        if trace.table == observed.name:
            by_seed[trace.method][trace.seed] = trace
    lacking = [method for method in methods if not by_seed[method]]
    seeds = sorted(set.intersection(*(set(each) for each in by_seed.values())))
    if lacking or not seeds:
        raise ConfigError(
            "methods without searches to compare" if lacking else "no seed has a search of every method",
            where=observed.name,
            expected="searches of every method under the same seeds",
            found=f"none of {lacking[0]}" if lacking else "other seeds for each",
        )
    steps = {
        method: [steps_of(by_seed[method][number], scale, sealed.searched) for number in seeds]
        for method in methods
    }
    first = by_seed[methods[0]][seeds[0]]
    start, end = _span(observed, first, axis)
    thinking = {
        method: [float(by_seed[method][number].thinking.sum()) for number in seeds] for method in methods
    }
    found = {
        method: measured(
            steps[method], thinking[method], axis=axis, start=start, end=end, target=scale.target
        )
        for method in methods
    }
    return OnTable(observed, scale, start, end, tuple(seeds), steps, found)


def _span(observed: Observed, trace: Trace, axis: str) -> tuple[float, float]:
    """Return where the area under a curve begins, one whole training, and where it ends."""
    budget = {"seconds": trace.budget.seconds, "epochs": trace.budget.epochs, "trials": trace.budget.trials}
    one = {"seconds": whole_seconds(observed), "epochs": float(observed.max_epochs), "trials": 1.0}
    return one[axis], float(budget[axis] or 0.0)
