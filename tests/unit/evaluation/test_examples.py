"""Which test images are shown: the most confident predictions of each kind, by rule."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mammobench.core.errors import StudyError
from mammobench.data.splits.split import Split
from mammobench.evaluation.examples import KINDS, confident_examples
from mammobench.evaluation.predictions import open_test
from mammobench.study.record import StudyRecord

StudyWriter = Callable[..., StudyRecord]


def test_the_surest_of_each_kind_are_chosen(simulated_study: StudyRecord) -> None:
    trial = simulated_study.trial(1)
    split = Split.load(simulated_study.split_path(trial.split))
    assert trial.threshold is not None
    chosen = confident_examples(trial.folder, split, trial.threshold, each=3)
    probability, positive = open_test(trial.folder), split.test.targets == 1
    called = probability >= trial.threshold
    for kind, mask, highest in zip(
        KINDS,
        (positive & called, ~positive & called, positive & ~called, ~positive & ~called),
        (True, True, False, False),
        strict=True,
    ):
        found = [example for example in chosen if example.kind == kind]
        best = np.sort(probability[mask])
        expected = best[::-1][:3] if highest else best[:3]
        assert [example.probability for example in found] == expected.tolist()
        for example in found:
            (place,) = np.flatnonzero(split.test.rows == example.row)
            assert mask[place]
            assert (example.target, example.answer) == (int(positive[place]), int(called[place]))


def test_of_many_classes_the_surest_right_and_wrong_are_chosen(
    write_study: StudyWriter, tmp_path: Path
) -> None:
    study = write_study(tmp_path / "five", trials=1, images=60, task="five-class")
    trial = study.trial(1)
    chosen = confident_examples(trial.folder, Split.load(study.split_path(trial.split)), None, each=2)
    assert [example.kind for example in chosen] == ["right", "right", "wrong", "wrong"]
    assert all((example.target == example.answer) == (example.kind == "right") for example in chosen)
    assert chosen[0].probability >= chosen[1].probability


def test_missing_predictions_are_an_error(simulated_study: StudyRecord, tmp_path: Path) -> None:
    split = Split.load(simulated_study.split_path(simulated_study.trial(1).split))
    with pytest.raises(StudyError, match="predictions are missing"):
        confident_examples(tmp_path, split, 0.5)
