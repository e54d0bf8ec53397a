"""The one place that reads stored predictions, and the only one that breaks the seal of the test split.

The search sees validation alone. Test probabilities are written when a trial ends and read here, by
evaluation and reports; an architecture test keeps every other module away from `open_test`.
"""

from pathlib import Path

import numpy as np

from mammobench.data.splits import Part, Split
from mammobench.errors import StudyError
from mammobench.metrics import Floats

FILE = "predictions.npz"


def open_validation(trial_folder: Path) -> Floats:
    """Return a trial's probabilities on validation, float64 (n,) or (n, classes), in the split's order.

    Raises:
        StudyError: If the file is missing or damaged, or holds values that are not probabilities.
    """
    return _open(trial_folder, "validation_probability")


def open_test(trial_folder: Path) -> Floats:
    """Break the seal: return a trial's probabilities on test; shape and errors as in `open_validation`."""
    return _open(trial_folder, "test_probability")


def check_length(probabilities: Floats, part: Part, split: Split, trial_folder: Path) -> None:
    """Check that there is one prediction for each image of a part of the split, with the right classes.

    Raises:
        StudyError: If not.
    """
    classes = len(split.class_names)
    expected = (len(part.targets),) if classes == 2 else (len(part.targets), classes)  # noqa: PLR2004 - two classes
    if probabilities.shape != expected:
        raise StudyError(
            "predictions do not belong to this split",
            expected=f"shape {expected}",
            found=str(probabilities.shape),
            where=trial_folder / FILE,
        )


def _open(trial_folder: Path, name: str) -> Floats:
    path = trial_folder / FILE
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
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
