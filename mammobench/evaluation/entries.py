"""The rows of a leaderboard in the making: the predictions of each configuration and its point scores."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mammobench.core.metrics import Floats, ZeroDivision, predicted_classes
from mammobench.data.splits.split import Part, Split
from mammobench.data.store.labels import Label
from mammobench.evaluation.points import f1_at_half, point_scores
from mammobench.evaluation.predictions import open_predictions
from mammobench.evaluation.shortcut import Shortcut
from mammobench.space.search_space import encode
from mammobench.study.trial_record import TrialRecord

LESION_TYPES = ("calcification", "mass")


@dataclass(frozen=True, eq=False)
class Answers:
    """A configuration's predictions of one part's images.

    Attributes:
        guesses: Predicted classes, int8 (n,).
        probabilities: Of the positive class, float32 (n,); None for more than two classes.
    """

    guesses: npt.NDArray[np.int8]
    probabilities: npt.NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class Entry:
    """One row in the making.

    Attributes:
        row: Column to value.
        answers: By part, ``validation`` and ``test``.
        folder: The trial's; None for a baseline.
    """

    row: dict[str, Any]
    answers: Mapping[str, Answers]
    folder: Path | None = None


def trial_entry(
    trial: TrialRecord,
    split: Split,
    hyperparameters: Mapping[str, Any],
    *,
    zero_division: ZeroDivision = "nan",
) -> Entry:
    """Open a finished trial's predictions and score them.

    Args:
        trial: A finished trial.
        split: Its split.
        hyperparameters: Dotted key to value, for the hyperparameter columns.
        zero_division: The precision of a class that is never predicted.

    Raises:
        StudyError: If the predictions are missing or damaged.
    """
    validation, test = open_predictions(trial.folder, split)
    row = {
        "trial": trial.number,
        "name": "reference CNN" if trial.role == "reference" else f"trial {trial.number}",
        "role": trial.role,
        "objective": trial.objective,
        "threshold": trial.threshold,
        "weights": trial.weights,
        "epochs": trial.epochs,
        "best_epoch": trial.best_epoch,
        "seconds": sum(trial.seconds.values()),
        **split_columns(split),
        **{key: encode(value) for key, value in hyperparameters.items()},
    }
    return _entry(row, validation, test, trial.threshold, split, trial.folder, zero_division=zero_division)


def constant_entries(split: Split, *, zero_division: ZeroDivision = "nan") -> list[Entry]:
    """Score constant predictions: for two classes always each of them, else the majority class.

    The F1 of always predicting the positive class is the lowest that a useful network may have.
    """
    classes = len(split.class_names)
    answers = [0, 1] if split.binary else [int(np.bincount(split.train.targets).argmax())]
    entries = []
    for answer in answers:
        always = np.array(float(answer)) if split.binary else np.eye(classes)[answer]
        validation, test = (
            np.tile(always, (len(part), *(1,) * always.ndim)) for part in (split.validation, split.test)
        )
        row = {"name": f"always {split.class_names[answer]}", "role": "constant", **split_columns(split)}
        threshold = 0.5 if split.binary else None
        entries.append(_entry(row, validation, test, threshold, split, zero_division=zero_division))
    return entries


def shortcut_entries(
    split: Split, shortcuts: Iterable[Shortcut], *, zero_division: ZeroDivision = "nan"
) -> list[Entry]:
    """Score the classifiers of image statistics alone."""
    entries = []
    for shortcut in shortcuts:
        row = {
            "name": f"shortcut: {shortcut.method}",
            "role": "shortcut",
            "threshold": shortcut.threshold,
            **split_columns(split),
        }
        answers = shortcut.validation, shortcut.test
        entries.append(_entry(row, *answers, shortcut.threshold, split, zero_division=zero_division))
    return entries


def split_columns(split: Split) -> dict[str, Any]:
    """Return the columns that name a row's split."""
    return {"split": split.name, "split_hash": split.hash, "leaks": split.leaks}


def positives_by_lesion_type(part: Part, split: Split) -> dict[str, npt.NDArray[np.bool_]]:
    """Return masks (n,) of a part's positive images of each lesion type, where the task mixes the types.

    Empty for tasks with more than two classes and for the task lesion-type, where recall by type is recall
    and specificity.
    """
    if not split.binary or tuple(split.class_names) == LESION_TYPES:
        return {}
    kinds = np.array([label.lesion_type for label in Label])[part.labels]
    return {kind: (part.targets == 1) & (kinds == kind) for kind in LESION_TYPES}


def _entry(
    row: dict[str, Any],
    validation: Floats,
    test: Floats,
    threshold: float | None,
    split: Split,
    folder: Path | None = None,
    *,
    zero_division: ZeroDivision,
) -> Entry:
    answers = {}
    for name, part, probabilities in (
        ("validation", split.validation, validation), ("test", split.test, test)
    ):  # fmt: skip
        measured = point_scores(part.targets, probabilities, threshold, zero_division=zero_division)
        row |= {f"{name}_{metric}": value for metric, value in measured.items()}
        binary = probabilities.ndim == 1
        answers[name] = Answers(
            predicted_classes(probabilities, threshold).astype(np.int8),
            probabilities.astype(np.float32) if binary else None,
        )
    row["test_f1_at_half"] = f1_at_half(split.test.targets, test)
    for kind, positive in positives_by_lesion_type(split.test, split).items():
        found = answers["test"].guesses[positive] == 1
        row[f"test_recall_{kind}"] = float(found.mean()) if found.size else np.nan
    return Entry(row, answers, folder)
