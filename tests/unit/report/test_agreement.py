"""What a page says agrees with the table beside it, in simulated studies of many kinds."""

from collections import Counter
from pathlib import Path

import pytest

from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report import write_report
from tests.agreement import Report
from tests.sentences import answer_faults
from tests.varied_studies import varied_plan, write_varied_study

FEW, MANY = 12, 200
EXPECTED = {
    "_inside", "_picture", "_ranking", "_script", "_slices", "_recall", "_figures", "_confusions",
    "_checklist", "_replicates", "_stress", "lead", "_accuracy", "_reference", "_shortcut", "_constant",
    "_over_seeds", "_trained_once", "_bias", "_gap", "_groups", "_stays",
}  # fmt: skip
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
    faults, compared, verdicts = [], Counter[str](), Counter[str]()
    for seed in range(studies):
        study = write_varied_study(tmp_path / str(seed), varied_plan(seed), seed)
        board = build_leaderboard(study, resamples=RESAMPLES)
        report = Report(write_report(study, out=tmp_path / f"page {seed}" / "index.html", leaderboard=board))
        found = [*report.faults(), *answer_faults(report)]
        faults += [f"study {seed}: {fault}" for fault in found]
        compared += report.compared
        verdicts += Counter(row["verdict"] or "no comparison" for row in report.rows)
    print(f"{studies} studies: {len(faults)} faults; {dict(verdicts)}; {dict(compared)}")
    assert not faults, "\n".join(faults)
    # the studies are of all kinds, and each kind of number and sentence has been compared
    assert set(verdicts) == {"better", "worse", "not significantly different", "no comparison"}
    assert set(compared) >= EXPECTED, EXPECTED - set(compared)
