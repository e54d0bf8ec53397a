"""From a study to the contents of a table: a recorded design, or any search whose curves are whole."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.benchmark.tables.recorded import CURVE_COLUMNS, Recorded, Status, to_column
from mammobench.core.errors import DataError
from mammobench.core.metrics import best_threshold, scores
from mammobench.data.splits.split import Split
from mammobench.evaluation.predictions import open_epochs, open_predictions
from mammobench.space.search_space import SearchSpace, encode
from mammobench.study.design import Design
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.filenames import HISTORY
from mammobench.tuning.engines.design import Planned, default_values, planned_of

_STATUS: Mapping[str | None, Status] = {
    "diverged": "diverged",
    "memory": "out of memory",
    "killed": "out of memory",
    "time limit": "timeout",
}
_BEFORE = ("start", "data", "build", "costs", "trace")
_ENDED = ("finished", "failed", "infeasible")
_VALIDATION = "validation_"

Array = npt.NDArray[Any]


def _silent(*_: object) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class _Training:
    """One training on its way into a table."""

    planned: Planned
    record: TrialRecord


def recorded_design(
    study: StudyRecord, *, name: str, description: str = "", progress: Callable[..., None] = _silent
) -> Recorded | None:
    """Return what a study that records a design has so far; None while no configuration is whole.

    A configuration is whole when each of its training seeds has ended; those up to the first that is not are
    taken.

    Args:
        study: The study.
        name: Of the table.
        description: For its card.
        progress: Told of the trainings that are read.
    """
    design = study.spec.design or Design(configurations=study.space.budget.trials, seeds=1)
    ended: dict[Planned, _Training] = {}
    for record in study.trials:
        planned = Planned(0, 0) if record.number == 0 else planned_of(record.memo)
        if planned is not None and record.state in _ENDED and not design.is_there(*planned):
            ended[planned] = _Training(planned, record)
    taken: list[_Training] = []
    for config in range(design.configurations + 1):
        wanted = [
            Planned(config, replicate)
            for replicate in range(design.seeds)
            if not design.is_there(config, replicate)
        ]
        if not all(planned in ended for planned in wanted):
            break
        taken += [ended[planned] for planned in wanted]
    if not taken:
        return None
    return _recorded(study, taken, name=name, description=description, progress=progress)


def recorded_search(
    study: StudyRecord, *, name: str, description: str = "", progress: Callable[..., None] = _silent
) -> Recorded:
    """Return the trainings of a search that went the whole way, a training seed each.

    Test scores are known of the epoch whose weights predicted, and null elsewhere.

    Args:
        study: The study.
        name: Of the table.
        description: For its card.
        progress: Told of the trainings that are read.

    Raises:
        DataError: Where no searched training went the whole way, or the reference CNN has not ended.
    """
    taken: list[_Training] = []
    seen: set[str] = set()
    for record in study.trials:
        told = json.dumps(record.hyperparameters, sort_keys=True, default=encode)
        whole = record.state != "finished" or record.epochs == study.space.budget.max_epochs
        if record.state in _ENDED and whole and record.continues is None and told not in seen:
            seen.add(told)
            taken.append(_Training(Planned(len(taken), 0), record))
    if len(taken) <= 1 or taken[0].record.role != "reference":
        raise DataError(
            "the study has no whole curves to export",
            where=study.folder,
            expected="the reference CNN and searched trials that trained all "
            f"{study.space.budget.max_epochs} epochs",
            found=f"{max(0, len(taken) - 1)} such trials",
            remedy="Search without a pruner, and with training.patience: 0 in the space",
        )
    return _recorded(study, taken, name=name, description=description, progress=progress)


def _recorded(
    study: StudyRecord,
    trainings: list[_Training],
    *,
    name: str,
    description: str,
    progress: Callable[..., None],
) -> Recorded:
    splits: dict[str, Split] = {}
    curves, runs, configs = [], [], dict[int, dict[str, Any]]()
    for place, training in enumerate(trainings):
        progress("Reading trainings", place, len(trainings))
        record = training.record
        if record.split not in splits:
            splits[record.split] = Split.load(study.split_path(record.split))
        curve, kept = history_of(record, training.planned), open_epochs(record.folder)
        runs.append(run_of(record, training.planned, curve, kept))
        curves.append(with_test_scores(curve, record, splits[record.split], kept))
        configs.setdefault(training.planned.config, _config(training, study.space))
    progress("Reading trainings", len(trainings), len(trainings))
    space = study.space
    return Recorded(
        configs=pd.DataFrame(list(configs.values())),
        curves=pd.concat([curve for curve in curves if len(curve)] or curves, ignore_index=True),
        runs=pd.DataFrame(runs),
        space=space,
        metadata=metadata_of(study, trainings[-1].record, list(splits.values()), name, description),
    )


def metadata_of(
    study: StudyRecord, last: TrialRecord, splits: list[Split], name: str, description: str
) -> dict[str, Any]:
    """Return what a table's ``metadata.json`` says.

    Args:
        study: What recorded it.
        last: One of its trials.
        splits: All that its trials were trained on.
        name: Of the table.
        description: For its card.
    """
    spec, split, environment = study.spec, splits[0], last.environment or study.trials[0].environment
    return {
        "name": name,
        "description": description,
        "task": spec.space["task"],
        "class_names": list(split.class_names),
        "objective": spec.objective,
        "direction": spec.direction,
        "weights": last.config.training.weights,
        "seed": spec.seed,
        "design": None if spec.design is None else {"engine": spec.engine, "sampler": spec.sampler},
        "data": {
            "fingerprint": spec.fingerprint,
            **{key: spec.store.get(key) for key in ("source", "synthetic", "licence")},
            "citations": list(spec.store.get("citations", [])),
            "warnings": [*dict.fromkeys([*spec.store.get("warnings", []), *split.warnings])],
        },
        "images": {part: len(getattr(split, part)) for part in ("train", "validation", "test")},
        "independent_test_groups": len(np.unique(split.test.groups)),
        "split": split.name,
        "splits": [each.hash for each in splits],
        "training_share": last.config.data.training_share,
        "precision": spec.precision,
        "threads": environment.get("threads", 1),
        "processor": environment.get("processor", "an unknown processor"),
        "gpu": environment.get("gpu"),
        "versions": {
            key: environment[key]
            for key in ("python", "mammobench", "keras", "tensorflow", "numpy")
            if key in environment
        },
        "created": spec.created,
        "command": spec.command,
    }


def _config(training: _Training, space: SearchSpace) -> dict[str, Any]:
    values = dict(training.record.hyperparameters)
    if training.planned.config == 0:
        values = values or space.values_of(training.record.config) or {}
        origin = "reference"
    elif training.record.memo.get("config") is None:
        origin = "searched"
    else:
        origin = "default" if values == default_values(space) else "sobol"
    columns = {
        item.key: to_column(item, values[item.key]) if item.key in values else None
        for item in space.hyperparameters
    }
    return {"config": training.planned.config, "origin": origin, **columns}


def history_of(record: TrialRecord, planned: Planned) -> pd.DataFrame:
    """Return the epochs of a training as `Recorded.curves` has them, one row each, without test scores.

    Args:
        record: The trial that trained it, or the last that went on with it.
        planned: Its ``config`` and ``training_seed``.
    """
    try:
        history = pd.read_csv(record.folder / HISTORY)
    except (OSError, ValueError):
        # a training that failed in its first epoch wrote none
        history = pd.DataFrame(columns=["epoch", "train_seconds", "validation_seconds"])
    kept = [name for name in history if name in CURVE_COLUMNS or str(name).startswith(_VALIDATION)]
    curve = history[kept].copy()
    curve.insert(0, "config", planned.config)
    curve.insert(1, "training_seed", planned.replicate)
    return curve


def with_test_scores(
    curve: pd.DataFrame, record: TrialRecord, split: Split, kept: Mapping[str, Array]
) -> pd.DataFrame:
    """Return a training's epochs with ``test_*`` of each, NaN for those that kept no predictions.

    Args:
        curve: As `history_of` returns it.
        record: The trial.
        split: Of its images.
        kept: What it predicted after each epoch, as `open_epochs` returns it.
    """
    if not len(curve):
        return curve
    rows: list[dict[str, float]] = [{} for _ in range(len(curve))]
    if kept:
        pairs = zip(kept["validation"], kept["test"], strict=True)
        for row, (validation, test) in zip(rows, pairs, strict=False):
            row.update(_scores(validation, test, split))
    elif record.state == "finished":
        rows[record.best_epoch - 1] |= _scores(*open_predictions(record.folder, split), split)
    return pd.concat([curve, pd.DataFrame(rows).add_prefix("test_")], axis=1)


def _scores(
    validation: npt.NDArray[np.floating], test: npt.NDArray[np.floating], split: Split
) -> dict[str, float]:
    threshold = best_threshold(split.validation.targets, validation) if split.binary else None
    return scores(split.test.targets, test, threshold)


def run_of(
    record: TrialRecord, planned: Planned, curve: pd.DataFrame, kept: Mapping[str, Array]
) -> dict[str, Any]:
    """Return a training's row as `Recorded.runs` has it.

    Args:
        record: The trial.
        planned: Its ``config`` and ``training_seed``.
        curve: As `history_of` returns it.
        kept: What `open_epochs` returns; none where that is still sealed.
    """
    parts = record.seconds
    epochs = float(curve[["train_seconds", "validation_seconds"]].to_numpy(np.float64).sum())
    start = sum(parts.get(name, 0.0) for name in _BEFORE)
    end = parts.get("predict", 0.0)
    if record.state == "failed":
        # what of it was before the first epoch is known where there was one
        spent = parts.get("start", 0.0) + parts.get("other", 0.0)
        before = parts.get("start", 0.0) + float(kept["start_seconds"]) if kept else spent - epochs
        start = max(0.0, before)
        end = max(0.0, spent - start - epochs)
    return {
        "config": planned.config,
        "training_seed": planned.replicate,
        "status": status_of(record),
        "epochs": len(curve),
        "seconds": start + epochs + end,
        "start_seconds": start,
        "end_seconds": end,
        "weights": record.weights or record.costs.get("weights") or None,
        "flops": record.costs.get("flops", math.nan),
        "peak_memory": int(kept["peak_memory"]) if kept else None,
        "reason": record.reason or "",
    }


def status_of(record: TrialRecord) -> Status:
    """Return how a training ended, as a table says it; one that was pruned went well."""
    if record.state in {"finished", "pruned"}:
        return "ok"
    if record.state == "infeasible":
        return "infeasible"
    return _STATUS.get(record.fault, "error")
