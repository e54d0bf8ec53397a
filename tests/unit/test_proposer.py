from pathlib import Path

from mammobench.data.store import ImageStore
from mammobench.proposer import Proposer
from mammobench.study import StudyRecord
from tests.unit.test_study import RESULT, spec, start


def test_a_training_that_begins_again_is_not_stopped_by_what_is_known_of_a_later_epoch(
    phantom: ImageStore, tmp_path: Path
) -> None:
    """Its search was killed after it had recorded an epoch, before that epoch's checkpoint was written."""
    study = StudyRecord.create(tmp_path / "s", spec(pruner="median"))
    for number in range(7):
        assert start(study) == number
        for epoch, objective in ((1, 0.3), (2, 0.4), (3, 0.8)):
            study.report_epoch(number, epoch, objective)
        study.finish_trial(number, RESULT, start=0.1, total=2.2)
    last = start(study)
    for epoch in (1, 2, 3):
        # above the median until the third epoch
        study.report_epoch(last, epoch, 0.5)
    proposer = Proposer(study, phantom)
    assert [proposer.should_stop(last, epoch) for epoch in (1, 2, 3)] == [False, False, True]
