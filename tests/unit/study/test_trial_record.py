from pathlib import Path

import numpy as np

from tests.conftest import StudyWriter, simulate_split


def test_a_brier_score_above_1_of_several_classes_is_no_damage(
    write_study: StudyWriter, tmp_path: Path
) -> None:
    split = simulate_split("five-class", images=60, leaks=False, grouped=False, seed=0)

    def always_the_first(_: int, part: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.tile(np.eye(5, dtype=np.float32)[0], (len(getattr(split, part)), 1))

    study = write_study(
        tmp_path / "s",
        trials=1,
        task="five-class",
        objective="brier",
        splits=(split,),
        predict=always_the_first,
    )
    assert all(1 < (trial.objective or 0) <= 2 for trial in study.trials)
