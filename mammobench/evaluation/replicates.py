"""The variance between seeds: a configuration's test scores when it is retrained with other seeds.

An interval over patients says how far the score may be off for other patients; it leaves out the
variance by initial weights, the order of batches and dropout. Bouthillier et al. 2021, arXiv:2103.03098.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mammobench.core.errors import StudyError
from mammobench.core.metrics import predicted_classes, scores
from mammobench.data.splits.split import Split
from mammobench.evaluation.predictions import check_length, open_test
from mammobench.training.filenames import REPLICATE, REPLICATES

METRICS = ("f1", "accuracy")


@dataclass(frozen=True)
class Replicated:
    """A configuration trained with several seeds, the searched one not among them.

    Attributes:
        trial: The trial's number.
        name: As the leaderboard names it.
        seeds: Of each replicate.
        test: Test scores of each, by metric (`METRICS`), each at its own threshold from validation.
        validation: The objective of each on validation.
        guesses: Predicted test classes of each, int8 (n, seeds).
    """

    trial: int
    name: str
    seeds: tuple[int, ...]
    test: dict[str, tuple[float, ...]]
    validation: tuple[float, ...]
    guesses: npt.NDArray[np.int8] = field(repr=False, compare=False)

    @property
    def columns(self) -> dict[str, Any]:
        """The leaderboard's columns: mean, standard deviation (NaN for one), lowest and highest."""
        columns: dict[str, Any] = {"replicates": len(self.seeds)}
        for metric, values in self.test.items():
            spread = float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
            columns |= {
                f"replicate_{metric}_mean": float(np.mean(values)),
                f"replicate_{metric}_sd": spread,
                f"replicate_{metric}_lowest": float(np.min(values)),
                f"replicate_{metric}_highest": float(np.max(values)),
            }
        return columns


def replicates_folder(trial_folder: Path) -> Path:
    """Return where a trial's replicates are kept, each in a folder named by its number, from 1."""
    return trial_folder / REPLICATES


def missing_replicates(trial_folder: Path, split: Split, wanted: int) -> tuple[int, ...]:
    """Return which of the first `wanted` replicates of a trial are not there, or cannot be used."""
    return tuple(
        number for number in range(1, wanted + 1) if _usable_replicate(trial_folder, number, split) is None
    )


def replicated(trial_folder: Path, split: Split, *, trial: int, name: str) -> Replicated | None:
    """Score a trial's replicates on test; None where it has none that can be used.

    Args:
        trial_folder: The trial's.
        split: Its split.
        trial: Its number.
        name: As the leaderboard names it.
    """
    folder = replicates_folder(trial_folder)
    numbers = sorted(int(path.name) for path in folder.glob("*") if path.name.isdecimal())
    found = [each for each in (_usable_replicate(trial_folder, number, split) for number in numbers) if each]
    if not found:
        return None
    by_metric = {metric: tuple(each.test[metric] for each in found) for metric in METRICS}
    return Replicated(
        trial, name, tuple(each.seed for each in found), by_metric,
        tuple(each.objective for each in found), np.stack([each.guesses for each in found], axis=1),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Replicate:
    """One training of a configuration with a seed of its own.

    Attributes:
        seed: Its seed.
        objective: On validation.
        test: Every test score, at its own threshold from validation.
        guesses: Predicted test classes, int8 (n,).
    """

    seed: int
    objective: float
    test: dict[str, float]
    guesses: npt.NDArray[np.int8]


def open_replicate(folder: Path, split: Split) -> Replicate:
    """Return a replicate with its scores on test.

    Raises:
        StudyError: If it is damaged, or its predictions are not those of the split's images.
    """
    try:
        result = json.loads((folder / REPLICATE).read_text(encoding="utf-8"))
        seed, objective, threshold = int(result["seed"]), float(result["objective"]), result["threshold"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(
            "a replicate cannot be read", found=repr(error), where=folder,
            remedy="`mammobench replicate` makes it again",
        ) from None  # fmt: skip
    probabilities = open_test(folder)
    check_length(probabilities, split.test, split, folder)
    guesses = predicted_classes(probabilities, threshold).astype(np.int8)
    return Replicate(seed, objective, scores(split.test.targets, probabilities, threshold), guesses)


def _usable_replicate(trial_folder: Path, number: int, split: Split) -> Replicate | None:
    try:
        return open_replicate(replicates_folder(trial_folder) / str(number), split)
    except StudyError:
        # not needed for a ranking, and made again by the command that made it
        return None
