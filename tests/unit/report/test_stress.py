import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.evaluation.predictions import open_test, open_validation
from mammobench.report import write_report
from mammobench.report.stress import stress_tables
from mammobench.study.record import StudyRecord

StudyWriter = Callable[..., StudyRecord]


def test_the_report_shows_leaders_under_each_condition_and_only_if_there_are_any(
    write_study: StudyWriter, tmp_path: Path
) -> None:
    study = write_study(tmp_path / "stressed", trials=2, images=60)
    assert stress_tables(build_leaderboard(study, resamples=20)) == ()
    for number, names in ((0, ["unchanged", "gamma 2"]), (1, ["unchanged", "border only"])):
        folder = study.trial_folder(number)
        np.savez(
            folder / "stress.npz", conditions=np.array(names),
            validation_probability=np.stack([open_validation(folder)] * 2),
            test_probability=np.stack([open_test(folder), 0 * open_test(folder)]),
        )  # fmt: skip
    board = build_leaderboard(study)
    f1, accuracy = stress_tables(board)
    assert f1.heads == ("condition", *(trial.name for trial in board.stress))
    assert {row[0] for row in f1.rows} == {"unchanged", "gamma 2", "border only"}
    gamma = next(row for row in f1.rows if row[0] == "gamma 2")
    cells = dict(zip(f1.heads, gamma, strict=True))
    # everything is called negative, and the other trial has not seen this condition
    assert re.fullmatch(r"0\.000 \(.0\.\d{3} \[.0\.\d{3}, .0\.\d{3}\]\)", cells["reference CNN"])
    assert cells["trial 1"] == "–"  # noqa: RUF001 - an en dash
    page = write_report(study).read_text("utf-8")
    for words in ("Stress tests", f1.title, accuracy.title, "Worst under stress", *accuracy.notes):
        assert words in page
