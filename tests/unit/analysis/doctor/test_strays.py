"""Journals as two starts of one new study at once left them up to 0.2, mended without losing a trial."""

import json
from pathlib import Path

import pytest

from mammobench.analysis.doctor import examine, mend
from mammobench.data.store.image_store import ImageStore
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.tuning.proposer import Proposer
from tests.small_study import finish, write_small_study

# the entries of the search whose journal was removed, behind those that were removed with it: of its first
# trial, of its second one, and how the new journal of the other start stands among them
STATES = {
    "the first trial's result": "N 0 E1 e0",
    "a study made twice": "N N 0 E1 e0",
    "the end of the first trial's result": "N end0 E1 e0",
    "the study in between": "end0 N E1 e0",
    "the second trial's result": "N 1 E2 1 E2 e1",
    "its own entry of the first trial": "E0 N",
}


@pytest.fixture
def study(tmp_path: Path, phantom: ImageStore) -> StudyRecord:
    """A study of the reference CNN and two searched trials, all finished."""
    study = write_small_study(tmp_path / "s", phantom, finished=0)
    proposer = Proposer(study, phantom)
    for _ in range(3):
        record = proposer.next(9)
        assert isinstance(record, TrialRecord)
        finish(study, record)
    return study


def damage(study: StudyRecord, state: str) -> None:
    """Write the journal that is left of a healthy one."""
    path = study.folder / "study.journal"
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    made = {**entries[0], "worker_id": "the-other-start"}
    enters = [entry for entry in entries if entry["op_code"] == 4]
    of_trial = [[entry for entry in entries if entry.get("trial_id") == number] for number in range(3)]
    pieces = {
        "N": [made], **{f"E{number}": [enter] for number, enter in enumerate(enters)},
        **{str(number): told for number, told in enumerate(of_trial)},
        **{f"e{number}": told[:1] for number, told in enumerate(of_trial)},
        **{f"end{number}": told[1:] for number, told in enumerate(of_trial)},
    }  # fmt: skip
    left = [entry for name in state.split() for entry in pieces[name]]
    path.write_text("".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in left))


@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_a_search_goes_on_where_two_starts_had_left_a_broken_record(
    study: StudyRecord, phantom: ImageStore, state: str
) -> None:
    whole = {trial.number: trial for trial in study.trials}
    damage(study, state)
    examination = examine(study.folder)
    finding = examination.findings[0]
    assert (finding.severity, finding.where.name) == ("damage", "study.journal")
    assert "two starts of one new study" in finding.what
    mend(examination)
    assert (study.folder / "study.journal.damaged-1").exists()
    assert not examine(study.folder).damaged

    again = StudyRecord.open(study.folder)
    proposer = Proposer(again, phantom)
    for trial in again.trials:
        if trial.state == "running":
            finish(again, trial)
    while not proposer.enough(2):
        record = proposer.next(2)
        if isinstance(record, TrialRecord):
            finish(again, record)
        proposer.catch_up()
    assert [trial.number for trial in again.trials] == [0, 1, 2]
    for trial in again.trials:
        before = whole[trial.number]
        assert (trial.config, trial.seed, trial.role) == (before.config, before.seed, before.role)
        assert trial.state == "finished"


def test_results_that_the_record_tells_of_are_kept(study: StudyRecord) -> None:
    whole = study.trials
    damage(study, "N end0 E1 e0")
    mend(examine(study.folder))
    first, second = StudyRecord.open(study.folder).trials
    assert (first.state, first.role, first.objective) == ("finished", "reference", whole[0].objective)
    assert (first.threshold, first.seconds, first.curve) == (
        whole[0].threshold, whole[0].seconds, (0.4, 0.5),
    )  # fmt: skip
    assert (second.number, second.state) == (1, "running")
