"""What live searches come to, told as replays on a table are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.benchmark.exporting import status_of, with_test_scores
from mammobench.benchmark.live.clock import Timed, places
from mammobench.benchmark.replay.answers import key_of
from mammobench.benchmark.replay.methods import Method
from mammobench.benchmark.replay.trace import Budget, Trace
from mammobench.benchmark.tables.observed import Observed
from mammobench.benchmark.tables.sealed import Sealed, seal
from mammobench.core.errors import DataError
from mammobench.data.splits.split import Split
from mammobench.evaluation.predictions import open_epochs
from mammobench.space.search_space import SearchSpace
from mammobench.study.record import StudyRecord
from mammobench.study.spec import direction_of

Floats = npt.NDArray[np.float64]

_AT_RANDOM = ("random", "none")


@dataclass(frozen=True)
class Searched:
    """One live search that has ended.

    Attributes:
        method: How it searched.
        seed: Of the search.
        study: Its record.
        trials: What its trials took.
    """

    method: Method
    seed: int
    study: StudyRecord
    trials: Sequence[Timed]


def told(
    searches: Sequence[Searched], space: SearchSpace, *, name: str, budget: Budget, workers: int
) -> tuple[Observed, Sealed, tuple[Trace, ...]]:
    """Return what is known of the trainings, their test scores, and each search on its clock.

    Every training is a configuration of one training seed. Regret 0 is the best of them; regret 1 and the
    target follow from those of random search, where that is among the methods. The spread between training
    seeds is that of the reference CNN, which each search trains anew.

    Args:
        searches: All of them.
        space: What was searched.
        name: Of what stands for a table.
        budget: When each ended.
        workers: Trials at a time.

    Raises:
        DataError: Where no training went well.
    """
    trainings = [
        (search, timed, max((each for each in search.trials if each.training == timed.training),
                            key=lambda each: (len(each.curve), each.record.number)))
        for search in searches for timed in search.trials if timed.training == timed.record.number
    ]  # fmt: skip
    place = {(id(search), timed.training): config for config, (search, timed, _) in enumerate(trainings)}
    curves = [_curve(search, last) for search, _, last in trainings]
    metric = space.objective
    shape = (len(trainings), 1, space.budget.max_epochs)
    objective, test, seconds = (np.full(shape, np.nan) for _ in range(3))
    for config, curve in enumerate(curves):
        epochs = len(curve)
        if epochs:
            objective[config, 0, :epochs] = curve[f"validation_{metric}"].to_numpy(np.float64)
            test[config, 0, :epochs] = curve[f"test_{metric}"].to_numpy(np.float64)
            seconds[config, 0, :epochs] = curve[["train_seconds", "validation_seconds"]].sum(axis=1)
    if not np.isfinite(objective[:, 0, -1]).any():
        raise DataError("no training of the searches went the whole way", where=name)
    observed = Observed(
        name=name,
        space=space,
        direction=direction_of(metric),
        weights=searches[0].trials[0].record.config.training.weights,
        proposals=tuple(
            dict(timed.record.hyperparameters) if timed.record.in_space else None for _, timed, _ in trainings
        ),
        reference=0,
        objective=objective,
        epoch_seconds=seconds,
        start_seconds=np.array([[timed.start] for _, timed, _ in trainings], np.float64),
        end_seconds=np.array([[last.end] for _, _, last in trainings], np.float64),
        epochs=np.array([[len(curve)] for curve in curves], np.int64),
        status=np.array([[status_of(last.record)] for _, _, last in trainings], np.str_),
    )
    references = np.array([timed.record.role == "reference" for _, timed, _ in trainings], bool)
    at_random = [
        (search.method.sampler, search.method.pruner) == _AT_RANDOM and not reference
        for (search, _, _), reference in zip(trainings, references, strict=True)
    ]
    sealed = seal(
        metric,
        test,
        observed,
        at_random=np.flatnonzero(at_random) if any(at_random) else None,
        replicates=np.flatnonzero(references),
    )
    traces = tuple(_trace(search, place, name=name, budget=budget, workers=workers) for search in searches)
    return observed, sealed, traces


def _curve(search: Searched, last: Timed) -> pd.DataFrame:
    """Return a training's epochs with the test scores of each, whose seal is broken here."""
    split = Split.load(search.study.split_path(last.record.split))
    return with_test_scores(last.curve, last.record, split, open_epochs(last.record.folder))


def _trace(
    search: Searched, place: Mapping[tuple[int, int], int], *, name: str, budget: Budget, workers: int
) -> Trace:
    """Return a search on its clock, cut where its budget was spent."""
    speed = search.method.speed
    laid = places(search.trials, workers)
    metric = f"validation_{search.study.space.objective}"
    events = pd.DataFrame(
        [
            (at, timed.record.number, timed.begun + own + 1, value)
            for timed, where in zip(search.trials, laid, strict=True)
            for own, (at, value) in enumerate(
                zip(
                    where.started + timed.start + np.cumsum(timed.epoch_seconds),
                    timed.curve[metric][timed.begun :] if len(timed.curve) else (),
                    strict=True,
                )
            )
        ],
        columns=["seconds", "trial", "epoch", "value"],
    ).astype({"seconds": "float64", "trial": "int64", "epoch": "int64", "value": "float64"})
    events = events.sort_values(["seconds", "trial"], kind="stable", ignore_index=True)
    events["seconds"] /= speed
    over = budget.seconds if budget.seconds is not None else np.inf
    if budget.epochs is not None and len(events) >= round(budget.epochs * speed):
        events = events.iloc[: round(budget.epochs * speed)]
        over = min(over, float(events["seconds"].iloc[-1]))
    events = events[events["seconds"] <= over].reset_index(drop=True)
    rows = []
    for timed, where in zip(search.trials, laid, strict=True):
        record = timed.record
        if where.started / speed > over:
            break
        done = where.ended / speed <= over
        rows.append(
            {
                "trial": record.number,
                "config": place[id(search), timed.training],
                "training_seed": 0,
                "continues": -1 if record.continues is None else record.continues,
                "until": record.trial.last_epoch,
                "worker": where.worker,
                "started": where.started / speed,
                "ended": where.ended / speed if done else np.nan,
                "epochs": len(timed.curve) if done
                else timed.begun + int((events["trial"] == record.number).sum()),
                "distance": 0.0,
                "status": record.state if done else "running",
                "values": key_of(record.hyperparameters),
            }
        )  # fmt: skip
    return Trace(
        table=name,
        method=search.method.name,
        seed=search.seed,
        trials=pd.DataFrame(rows),
        events=events,
        budget=budget,
        thinking=np.array([timed.record.seconds.get("ask", 0.0) for timed in search.trials], np.float64),
        speed=speed,
    )
