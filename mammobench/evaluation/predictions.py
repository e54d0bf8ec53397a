"""The one place that reads stored predictions, and the only one that breaks the seal of the test split.

The search sees validation alone. Test probabilities are written when a trial ends and read here, by
evaluation and reports; an architecture test keeps every other module away from `open_test`. Every opening
is logged (`mammobench.evaluation.openings`).
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mammobench.core.errors import StudyError
from mammobench.core.metrics import Floats
from mammobench.data.splits.split import Part, Split
from mammobench.evaluation.openings import log_opening
from mammobench.training.filenames import EPOCHS, PREDICTIONS, STRESS
from mammobench.training.predict import UNCHANGED

_TEST = "test_probability"


@dataclass(frozen=True, eq=False)
class StressedPredictions:
    """What a trial predicts under conditions, the first of which is ``unchanged``.

    Attributes:
        conditions: Their names.
        validation: Probabilities, float64 (conditions, n) or (conditions, n, classes).
        test: The same of the test split, its seal broken.
    """

    conditions: tuple[str, ...]
    validation: Floats
    test: Floats


def open_validation(trial_folder: Path) -> Floats:
    """Return a trial's probabilities on validation, float64 (n,) or (n, classes), in the split's order.

    Raises:
        StudyError: If the file is missing or damaged, or holds values that are not probabilities.
    """
    return _open(trial_folder / PREDICTIONS, "validation_probability")


def open_test(trial_folder: Path) -> Floats:
    """Break the seal: return a trial's probabilities on test; shape and errors as in `open_validation`."""
    return _open(trial_folder / PREDICTIONS, _TEST)


def open_predictions(trial_folder: Path, split: Split) -> tuple[Floats, Floats]:
    """Break the seal: return a trial's probabilities on validation and on test.

    Raises:
        StudyError: If they are missing, damaged, or not those of the split's images.
    """
    validation, test = open_validation(trial_folder), open_test(trial_folder)
    check_length(validation, split.validation, split, trial_folder)
    check_length(test, split.test, split, trial_folder)
    return validation, test


def open_epochs(trial_folder: Path) -> dict[str, Floats]:
    """Break the seal: return what a recorded trial predicted after each epoch; see `EpochPredictions`.

    Returns:
        The arrays of its file by name; none where it kept nothing.

    Raises:
        StudyError: If the file is damaged.
    """
    path = trial_folder / EPOCHS
    log_opening(path)
    try:
        with np.load(path, allow_pickle=False) as saved:
            return {name: saved[name] for name in saved.files}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise StudyError(f"damaged predictions ({error})", where=path) from None


def open_stressed(trial_folder: Path, split: Split) -> StressedPredictions | None:
    """Break the seal: return a trial's predictions under conditions; None where none were made.

    Raises:
        StudyError: If the file is damaged, or its predictions are not those of the split's images.
    """
    path = trial_folder / STRESS
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            names = tuple(map(str, stored["conditions"].tolist()))
    except Exception as error:  # a damaged zip raises what its bytes happen to look like
        raise StudyError(
            "predictions under stress cannot be read", expected="names of conditions", found=str(error),
            where=path, remedy="`mammobench stress` makes them again",
        ) from error  # fmt: skip
    found = [_open(path, f"{part}_probability") for part in ("validation", "test")]
    if names[:1] != (UNCHANGED,) or any(len(values) != len(names) for values in found):
        raise StudyError(
            "predictions under stress are incomplete", expected=f"{UNCHANGED} and one row a condition",
            found=f"conditions {', '.join(names)}", where=path,
        )  # fmt: skip
    for values, part in zip(found, (split.validation, split.test), strict=True):
        check_length(values[0], part, split, path)
    return StressedPredictions(names, found[0], found[1])


def check_length(probabilities: Floats, part: Part, split: Split, where: Path) -> None:
    """Check that there is one prediction for each image of a part of the split, with the right classes.

    Raises:
        StudyError: If not.
    """
    images, classes = len(part.targets), len(split.class_names)
    expected = (images,) if split.binary else (images, classes)
    if probabilities.shape != expected:
        raise StudyError(
            "predictions do not belong to this split",
            expected=f"shape {expected}",
            found=str(probabilities.shape),
            where=where,
        )


def _open(path: Path, name: str) -> Floats:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if name == _TEST:
                log_opening(path)
            values = np.asarray(stored[name], np.float64)
    except FileNotFoundError:
        raise StudyError(
            "predictions are missing", expected="the file of a finished trial", where=path
        ) from None
    except Exception as error:  # a damaged zip raises what its bytes happen to look like
        raise StudyError(
            "predictions cannot be read", expected=f"an array {name!r}", found=str(error), where=path
        ) from error
    if not np.isfinite(values).all():
        raise StudyError("predictions are damaged", expected="finite probabilities", found="NaN", where=path)
    return values
