from pathlib import Path

import pytest

from mammobench.evaluation.pareto import pareto_front
from mammobench.report.html import write_report
from mammobench.study.record import StudyRecord
from tests.conftest import StudyWriter


@pytest.fixture
def study(write_study: StudyWriter, tmp_path: Path) -> StudyRecord:
    return write_study(tmp_path / "s", trials=10, objectives=("f1", "weights"))


def test_no_trial_of_the_front_is_beaten_in_both_objectives_and_every_other_is(study: StudyRecord) -> None:
    values = {trial.number: trial.objectives for trial in study.trials}
    front = {trial.number for trial in pareto_front(study)}

    def beaten(number: int) -> bool:
        f1, weights = values[number] or ()
        return any(
            other_f1 >= f1 and other_weights <= weights and (other_f1, other_weights) != (f1, weights)
            for other_f1, other_weights in filter(None, values.values())
        )

    assert front == {number for number in values if not beaten(number)}


@pytest.mark.slow  # writes a whole page
def test_the_report_draws_the_front_and_lists_it(study: StudyRecord) -> None:
    page = write_report(study).read_text()
    assert "Pareto front: validation F1 and weights" in page
    assert "mathdefault" not in page
    for trial in pareto_front(study):
        assert f"trial {trial.number}" in page


def test_one_objective_has_no_front(simulated_study: StudyRecord) -> None:
    assert pareto_front(simulated_study) == ()
