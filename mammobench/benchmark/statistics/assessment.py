"""`assess`: from tables and traces to all that a comparison says."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.benchmark.replay.trace import Trace
from mammobench.benchmark.statistics.differences import (
    Estimate,
    difference,
    expected_time,
    mean_of,
    share,
    speedup,
)
from mammobench.benchmark.statistics.epochs import epoch_correlation
from mammobench.benchmark.statistics.incumbents import AXES
from mammobench.benchmark.statistics.measures import Measured
from mammobench.benchmark.statistics.on_table import OnTable, on_table
from mammobench.benchmark.statistics.pairs import TOGETHER, pairs_of
from mammobench.benchmark.statistics.tables_together import (
    Ranks,
    interquartile_mean,
    ranks_of,
)
from mammobench.benchmark.statistics.words import lead_of
from mammobench.benchmark.tables.observed import Observed
from mammobench.benchmark.tables.sealed import Sealed
from mammobench.core.errors import ConfigError
from mammobench.core.seeds import derive_seed

Floats = npt.NDArray[np.float64]

BASELINE = "random"
_MOMENTS = 48


@dataclass(frozen=True)
class Assessment:
    """What a comparison of search methods comes to; each frame has one row a fact.

    Regret is that of `mammobench.benchmark.statistics.scale.Scale`: 0 is the table's best configuration, 1
    its median one, and less is better.

    Attributes:
        baseline: The method that speed-ups and verdicts are against.
        axis: What the budget is counted in, ``seconds``, ``epochs`` or ``trials``.
        tables: ``table``, ``configurations``, ``training_seeds``, ``epochs``, ``failed``, ``objective``,
            ``target`` (regret), ``target_score``, ``best_score``, ``median_score`` (on test),
            ``equivalence`` (regret), ``start``, ``end`` (of the axis), ``seeds`` (searches of each method).
        searches: ``table``, ``method``, ``seed`` and what `Measured` has of each search.
        curves: ``table``, ``method``, ``axis``, ``at``, ``regret`` with ``low`` and ``high``,
            ``validation_regret``: means over searches.
        scores: ``table``, ``method``, ``measure`` (``auc``, ``final``, ``validation``, ``overtuning``,
            ``worse_than_first``, ``target``, ``speedup``, ``thinking``), ``value``, ``low``, ``high``, ``p``,
            ``seeds``, ``censored`` (searches that never reached the target). A ``target`` is the expected
            time on the axis.
        pairs: ``table`` or ``all``, ``method``, ``other``, ``improvement`` (probability that a search of
            `method` ends better) with ``improvement_low``, ``improvement_high``, ``difference`` in auc
            with ``low`` and ``high``, ``p`` corrected by Holm's method over all rows of the table against the
            baseline, else uncorrected, ``verdict``, ``more_seeds``.
        overall: ``method``, ``iqm`` of auc over all tables with ``low`` and ``high``, and ``speedup``: the
            median over tables with ``speedup_low``, ``speedup_high``; best first.
        ranks: ``method``, ``rank`` in the mean over tables; with ``friedman_p``, ``critical_difference``.
        no_diagram: Why mean ranks are not compared; empty where they are.
        correlation: ``table``, and the columns of `epoch_correlation`.
        null_check: ``table``, ``difference``, ``low``, ``high``, ``p`` of the baseline against itself under
            other seeds.
        recommended: The method that is better than the baseline and every simple rival; None where there is
            none.
        lead: Who wins and whether it is real, in a sentence or two.
    """

    baseline: str
    axis: str
    tables: pd.DataFrame
    searches: pd.DataFrame
    curves: pd.DataFrame
    scores: pd.DataFrame
    pairs: pd.DataFrame
    overall: pd.DataFrame
    ranks: pd.DataFrame
    friedman_p: float
    critical_difference: float
    no_diagram: str
    correlation: pd.DataFrame
    null_check: pd.DataFrame
    recommended: str | None
    lead: str

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods, best first."""
        return tuple(self.overall["method"])


def assess(
    tables: Sequence[tuple[Observed, Sealed]],
    traces: Sequence[Trace],
    *,
    baseline: str = BASELINE,
    seed: int = 0,
) -> Assessment:
    """Compare the methods of traces.

    Methods are paired by the seeds of their searches; seeds that one of them lacks on a table are left out
    there.

    Args:
        tables: What a search may know of each table, and its sealed test scores.
        traces: Searches on these tables, of one budget and number of workers.
        baseline: The method that others are held against; the first one where there is none of that name.
        seed: Of the bootstraps.

    Raises:
        ConfigError: Without traces, or where a table lacks a method, or none of its seeds has all methods.
        DataError: For a table that gives no scale.
    """
    methods = list(dict.fromkeys(trace.method for trace in traces))
    if not methods:
        raise ConfigError("no searches to compare", expected="one trace or more")
    baseline = baseline if baseline in methods else methods[0]
    axis = _axis(traces[0])
    there = {observed.name: on_table(observed, sealed, traces, methods, axis) for observed, sealed in tables}
    scores = _scores(there, methods, baseline)
    pairs = pairs_of(there, methods, baseline, seed)
    overall = _overall(there, scores, methods, seed)
    means = np.array([[each.measured[method].auc.mean() for method in methods] for each in there.values()])
    ranks = ranks_of(means) if len(methods) > 1 else Ranks(np.ones(1), math.nan, math.nan, "one method alone")
    recommended = _recommended(pairs, overall, baseline)
    null_check = _null_check(there, baseline)
    rank_frame = pd.DataFrame({"method": methods, "rank": ranks.mean}).sort_values("rank", ignore_index=True)
    return Assessment(
        baseline=baseline,
        axis=axis,
        tables=_tables_frame(there, tables),
        searches=_searches(there, methods),
        curves=_curves(there, methods),
        scores=scores,
        pairs=pairs,
        overall=overall,
        ranks=rank_frame,
        friedman_p=ranks.friedman_p,
        critical_difference=ranks.critical_difference,
        no_diagram=ranks.no_diagram,
        correlation=pd.concat(
            [epoch_correlation(each.observed, seed=seed).assign(table=name) for name, each in there.items()],
            ignore_index=True,
        ),
        null_check=null_check,
        recommended=recommended,
        lead=lead_of(overall, pairs, baseline=baseline, recommended=recommended, tables=len(there)),
    )


def _axis(trace: Trace) -> str:
    given = (trace.budget.seconds, trace.budget.epochs, trace.budget.trials)
    return next(axis for axis, value in zip(AXES, given, strict=True) if value is not None)


def _tables_frame(there: Mapping[str, OnTable], tables: Sequence[tuple[Observed, Sealed]]) -> pd.DataFrame:
    rows = []
    for (name, each), (_, sealed) in zip(there.items(), tables, strict=True):
        observed, scale = each.observed, each.scale
        rows.append(
            {
                "table": name,
                "task": observed.space.task,
                "configurations": len(observed.searched),
                "training_seeds": observed.seeds,
                "epochs": observed.max_epochs,
                "failed": int((observed.status != "ok").sum()),
                "objective": sealed.metric,
                "target": scale.target,
                "target_score": scale.best - scale.target * (scale.best - scale.median),
                "best_score": scale.best,
                "median_score": scale.median,
                "equivalence": scale.equivalence,
                "start": each.start,
                "end": each.end,
                "seeds": len(each.seeds),
            }
        )
    return pd.DataFrame(rows)


def _searches(there: Mapping[str, OnTable], methods: list[str]) -> pd.DataFrame:
    frames = [
        pd.DataFrame({"table": name, "method": method, "seed": each.seeds, **vars(each.measured[method])})
        for name, each in there.items()
        for method in methods
    ]
    return pd.concat(frames, ignore_index=True)


def _curves(there: Mapping[str, OnTable], methods: list[str]) -> pd.DataFrame:
    frames = []
    for name, each in there.items():
        for axis in AXES:
            ends = [steps.end[axis] for method in methods for steps in each.steps[method]]
            end = each.end if axis == "seconds" and each.end > 0 else max(ends)
            start = {"seconds": each.start, "epochs": 1.0, "trials": 1.0}[axis]
            moments = np.geomspace(min(start, end), end, _MOMENTS)
            for method in methods:
                test = np.array([steps.on(axis, moments) for steps in each.steps[method]])
                known = np.array([steps.validation_on(axis, moments) for steps in each.steps[method]])
                means = [mean_of(column) for column in test.T]
                frames.append(
                    pd.DataFrame(
                        {
                            "table": name,
                            "method": method,
                            "axis": axis,
                            "at": moments,
                            "regret": [mean.value for mean in means],
                            "low": [mean.low for mean in means],
                            "high": [mean.high for mean in means],
                            "validation_regret": known.mean(axis=0),
                        }
                    )
                )
    return pd.concat(frames, ignore_index=True)


def _scores(there: Mapping[str, OnTable], methods: list[str], baseline: str) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for name, each in there.items():
        base = each.measured[baseline]
        for method in methods:
            mine = each.measured[method]
            found = {
                "auc": mean_of(mine.auc),
                "final": mean_of(mine.final),
                "validation": mean_of(mine.validation),
                "overtuning": mean_of(mine.overtuning),
                "worse_than_first": share(int(mine.worse_than_first.sum()), len(each.seeds)),
                "target": _target(mine),
                "speedup": speedup(mine.spent, mine.reached, base.spent, base.reached),
                "thinking": mean_of(mine.thinking),
            }
            rows += [
                {
                    "table": name,
                    "method": method,
                    "measure": measure,
                    **vars(estimate),
                    "seeds": len(each.seeds),
                    "censored": int(len(each.seeds) - mine.reached.sum()),
                }
                for measure, estimate in found.items()
            ]
    return pd.DataFrame(rows)


def _target(mine: Measured) -> Estimate:
    """Return the expected time to the target with the interval of a ratio to a fixed time."""
    time = expected_time(mine.spent, mine.reached)
    if not math.isfinite(time):
        return Estimate(time, math.nan, math.nan)
    ones = np.ones(len(mine.spent))
    ratio = speedup(mine.spent, mine.reached, ones, ones)
    return Estimate(time, 1 / ratio.high, 1 / ratio.low)


def _overall(
    there: Mapping[str, OnTable], scores: pd.DataFrame, methods: list[str], seed: int
) -> pd.DataFrame:
    rows = []
    for method in methods:
        found = interquartile_mean(
            [each.measured[method].auc for each in there.values()], derive_seed(seed, method, "iqm")
        )
        sped = scores[(scores["method"] == method) & (scores["measure"] == "speedup")]
        rows.append(
            {
                "method": method,
                "iqm": found.value,
                "low": found.low,
                "high": found.high,
                **{
                    name: float(sped[column].median()) if sped[column].notna().all() else math.nan
                    for name, column in (
                        ("speedup", "value"), ("speedup_low", "low"), ("speedup_high", "high"),
                    )
                },
            }
        )  # fmt: skip
    return pd.DataFrame(rows).sort_values(["iqm", "method"], ignore_index=True)


def _null_check(there: Mapping[str, OnTable], baseline: str) -> pd.DataFrame:
    """Hold the baseline's searches of one half of the seeds against those of the other half."""
    rows = []
    for name, each in there.items():
        auc = each.measured[baseline].auc
        pairs = len(auc) // 2
        apart = difference(auc[0 : 2 * pairs : 2], auc[1 : 2 * pairs : 2]) if pairs else Estimate(
            math.nan, math.nan, math.nan
        )  # fmt: skip
        rows.append({"table": name, "method": baseline, "difference": apart.value, "low": apart.low,
                     "high": apart.high, "p": apart.p, "pairs": pairs})  # fmt: skip
    return pd.DataFrame(rows)


def _recommended(pairs: pd.DataFrame, overall: pd.DataFrame, baseline: str) -> str | None:
    """Return the best method if it is better than the baseline and i-Epoch at equal cost."""
    table = TOGETHER if (pairs["table"] == TOGETHER).any() else None
    rows = pairs if table is None else pairs[pairs["table"] == table]
    candidates = [method for method in overall["method"] if "*" not in method]
    if not candidates or candidates[0] == baseline:
        return None
    best = candidates[0]
    rivals = [other for other in (baseline, "i-epoch") if other != best and other in set(overall["method"])]
    verdicts = rows[(rows["method"] == best) & rows["other"].isin(rivals)]["verdict"]
    return best if len(verdicts) and (verdicts == "better").all() else None
