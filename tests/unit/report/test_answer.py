from pathlib import Path

from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report.answer import build_answer
from tests.conftest import StudyWriter


def test_a_single_rival_is_called_the_other_one(write_study: StudyWriter, tmp_path: Path) -> None:
    answer = build_answer(build_leaderboard(write_study(tmp_path / "s", trials=2)))
    assert "the other model is " in answer.lead
    assert "1 other models" not in answer.lead
