import re
from pathlib import Path

import pytest

from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report.answer import build_answer
from tests.conftest import StudyWriter
from tests.varied_studies import Plan, write_varied_study

SIZE = r"difference \+0\.\d{3} \[[^]]*\], corrected p (?:< 0\.001|= 0\.\d{3})"


def test_a_single_rival_is_called_the_other_one(write_study: StudyWriter, tmp_path: Path) -> None:
    answer = build_answer(build_leaderboard(write_study(tmp_path / "s", trials=2)))
    assert "the other model is " in answer.lead
    assert "1 other models" not in answer.lead


@pytest.mark.parametrize(
    ("world", "lead", "support"),
    [
        pytest.param(
            "winner",
            r"all 11 other models are significantly worse; the selected model is significantly better than "
            r"the shortcut baseline\.",
            "It is also the best test F1 of all 12 searched models",
            id="a clear winner",
        ),
        pytest.param(
            "worse than shortcut",
            r"none of the 11 other models is significantly better or worse; the shortcut baseline is "
            r"significantly better than the selected model\.",
            "so there is no evidence that the selected model uses the lesion",
            id="nothing better than the shortcut",
        ),
        pytest.param(
            "better than selected",
            r"of the 11 other models, \d are significantly better "
            rf"\(the best of them, trial 2: {SIZE}\) and \d are not significantly different from it; the "
            r"selected model is not significantly better than the shortcut baseline\.",
            "A better test score does not change the selection",
            id="others significantly better than the selected",
        ),
    ],
)
def test_the_answer_says_first_what_matters(world: str, lead: str, support: str, tmp_path: Path) -> None:
    plan = Plan(world=world, trials=12, images=600, largest=3)
    answer = build_answer(build_leaderboard(write_varied_study(tmp_path / "s", plan)))
    score = r"0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]"
    start = rf"The model of trial \d+, selected on validation, reaches test F1 {score} and AUROC {score}; "
    assert re.match(start + lead + " F1 for comparison: reference CNN ", answer.lead), answer.lead
    assert support in " ".join(answer.support)
