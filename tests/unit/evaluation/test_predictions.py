from pathlib import Path

import numpy as np
import pytest

from mammobench.core.errors import StudyError
from mammobench.evaluation.predictions import open_test, open_validation
from mammobench.training.filenames import PREDICTIONS


def test_the_parts_come_back_as_they_were_written(tmp_path: Path) -> None:
    np.savez(
        tmp_path / PREDICTIONS,
        validation_probability=np.array([0.25], np.float32),
        test_probability=np.array([0.5, 1], np.float32),
    )
    assert open_validation(tmp_path).tolist() == [0.25]
    assert open_test(tmp_path).tolist() == [0.5, 1]


def test_missing_predictions_name_their_file(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"predictions\.npz: predictions are missing"):
        open_test(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_damaged_predictions_are_a_study_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / PREDICTIONS).write_bytes(content)
    with pytest.raises(StudyError, match="cannot be read"):
        open_test(tmp_path)


def test_a_missing_part_is_a_study_error(tmp_path: Path) -> None:
    np.savez(tmp_path / PREDICTIONS, validation_probability=np.array([0.25], np.float32))
    with pytest.raises(StudyError, match="expected an array 'test_probability'"):
        open_test(tmp_path)


def test_predictions_that_are_not_numbers_are_a_study_error(tmp_path: Path) -> None:
    np.savez(tmp_path / PREDICTIONS, validation_probability=np.array([np.nan], np.float32))
    with pytest.raises(StudyError, match="expected finite probabilities"):
        open_validation(tmp_path)
