"""What a page says agrees with the table beside it, in simulated studies of many kinds."""

from pathlib import Path

import pytest

from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report import write_report
from tests.agreement import Report
from tests.sentences import answer_faults
from tests.varied_studies import varied_plan, write_varied_study

FEW, MANY = 12, 200
RESAMPLES = 200


@pytest.mark.parametrize(
    "studies",
    [
        pytest.param(FEW, id="few"),
        pytest.param(MANY, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_sentences_agree_with_the_table_and_numbers_that_stand_twice_are_the_same(
    studies: int, tmp_path: Path
) -> None:
    faults, sentences, said = [], 0, dict.fromkeys(("better", "worse", "not significantly different", ""), 0)
    for seed in range(studies):
        study = write_varied_study(tmp_path / str(seed), varied_plan(seed), seed)
        board = build_leaderboard(study, resamples=RESAMPLES)
        report = Report(write_report(study, out=tmp_path / f"page {seed}" / "index.html", leaderboard=board))
        found = [*report.faults(), *answer_faults(report)]
        faults += [f"study {seed}: {fault}" for fault in found]
        sentences += 1 + len(report.page.support)
        for row in report.rows:
            said[row["verdict"]] += 1
    print(f"{studies} studies, {sentences} sentences, verdicts {said}, {len(faults)} faults")
    assert not faults, "\n".join(faults)
    # the studies are of all kinds
    assert all(said.values())
