"""The test images to explain: the most confident predictions of each kind, chosen by rule."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mammobench.core.metrics import Ints, predicted_classes
from mammobench.data.splits.split import Split
from mammobench.evaluation.predictions import check_length, open_test

EACH = 4
KINDS = ("true positive", "false positive", "false negative", "true negative")
KINDS_OF_MANY = ("right", "wrong")


@dataclass(frozen=True)
class Example:
    """A test image and its prediction.

    Attributes:
        kind: One of `KINDS`, or for more than two classes of `KINDS_OF_MANY`.
        row: Of the store.
        probability: Of class 1, or for more than two classes of the predicted class.
        target: The true class.
        answer: The predicted class.
    """

    kind: str
    row: int
    probability: float
    target: int
    answer: int


def confident_examples(
    trial_folder: Path, split: Split, threshold: float | None, *, each: int = EACH
) -> tuple[Example, ...]:
    """Return the test images that a trial predicts with the highest confidence, correct and wrong.

    Positives by the highest probability, negatives by the lowest; for more than two classes by the highest
    probability of the predicted class. Equal ones come in the split's order.

    Args:
        trial_folder: Of a finished trial.
        split: Its split.
        threshold: Chosen on validation; None for more than two classes.
        each: How many of each kind at most.

    Raises:
        StudyError: If the predictions are missing, damaged or another split's.
    """
    predicted = open_test(trial_folder)
    check_length(predicted, split.test, split, trial_folder)
    targets = split.test.targets
    answers = np.asarray(predicted_classes(predicted, threshold), np.int64)
    binary = predicted.ndim == 1
    probability = predicted if binary else predicted[np.arange(len(answers)), answers]
    # the most confident prediction first, whichever class it is
    doubt = np.where(answers == 0, probability, -probability) if binary else -probability
    ranked = np.argsort(doubt, kind="stable")
    kinds = _kinds(targets, answers, binary=binary)
    return tuple(
        Example(kind, int(split.test.rows[place]), float(probability[place]), *_both(targets, answers, place))
        for kind in (KINDS if binary else KINDS_OF_MANY)
        for place in [place for place in ranked if kinds[place] == kind][:each]
    )


def _both(targets: Ints, answers: Ints, place: int) -> tuple[int, int]:
    return int(targets[place]), int(answers[place])


def _kinds(targets: Ints, answers: Ints, *, binary: bool) -> list[str]:
    if not binary:
        return ["right" if right else "wrong" for right in targets == answers]
    return [
        f"{'true' if target == answer else 'false'} {'positive' if answer else 'negative'}"
        for target, answer in zip(targets, answers, strict=True)
    ]
