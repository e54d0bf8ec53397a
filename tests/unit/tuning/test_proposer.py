"""A study goes on with the parts and the epochs that it was recorded with."""

from pathlib import Path

import pytest

from mammobench.analysis.doctor.trials import look_at_splits
from mammobench.core.errors import DataError
from mammobench.data.groups import Groups, Recovery
from mammobench.data.groups.model import no_links
from mammobench.data.groups.saved import save_groups
from mammobench.data.splits.split import Split, make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.study.record import StudyRecord
from mammobench.study.trial_entry import new_trial
from mammobench.study.trial_record import TrialRecord
from mammobench.training.task import Trial
from mammobench.tuning.proposer import Proposer, provide_split, restore_split
from tests.pictures import Listed, patients, picture, store_of_pictures
from tests.recorded_study import RESULT, spec, start
from tests.small_study import VALUES, small_spec

DROPOUT = {**VALUES, "model.dropout": 0.1}


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    """Pictures of training again in test: splits of earlier versions differ."""
    again: list[Listed] = [
        (picture(number, 64), label, f"R{number}", "test") for number, label in ((0, 2), (2, 4), (4, 2))
    ]
    listed = [
        *patients(20, "train", "P", start=0, size=64),
        *patients(8, "test", "Q", start=100, size=64),
        *again,
    ]
    return store_of_pictures(tmp_path / "store", listed)


def recorded(tmp_path: Path, store: ImageStore, *, identical: bool) -> tuple[StudyRecord, TrialRecord]:
    """Write a study whose first trial was cut by the rule of now, or by that of earlier versions."""
    study = StudyRecord.create(tmp_path / "study", small_spec("study", store))
    config = study.space.config(DROPOUT)
    split = make_split(store, config.data, identical=identical)
    split.save(study.split_path(split.hash))
    trial = new_trial(
        study.space, DROPOUT, Trial(config=config, seed=7), role="searched", split=split.hash, ask=0.01
    )
    record = study.enter(lambda: trial)
    assert record is not None
    return study, record


@pytest.mark.parametrize("identical", [True, False])
def test_the_next_trial_is_cut_as_those_before_it(
    tmp_path: Path, store: ImageStore, *, identical: bool
) -> None:
    study, first = recorded(tmp_path, store, identical=identical)
    proposed = Proposer(study, store).next(5)
    assert isinstance(proposed, TrialRecord)
    assert proposed.split == first.split
    # another share of the training images, and the same rule
    data = first.config.data.model_copy(update={"training_share": 0.5})
    half = provide_split(study, store, first.config.model_copy(update={"data": data}), study.trials)
    assert half == make_split(store, data, identical=identical).hash
    assert half != make_split(store, data, identical=not identical).hash
    assert Split.load(study.split_path(half)).hash == half


@pytest.mark.parametrize("identical", [True, False])
def test_a_lost_split_is_made_again_as_it_was_recorded(
    tmp_path: Path, store: ImageStore, *, identical: bool
) -> None:
    study, first = recorded(tmp_path, store, identical=identical)
    path = study.split_path(first.split)
    path.unlink()
    _, (finding,) = look_at_splits(study, study.trials, store)
    assert finding.cure is not None
    restore_split(study, store, first)
    assert Split.load(path).hash == first.split
    written = path.stat().st_mtime_ns
    restore_split(study, store, first)
    assert path.stat().st_mtime_ns == written


def test_a_split_that_the_store_no_longer_gives_is_an_error(tmp_path: Path, store: ImageStore) -> None:
    study, first = recorded(tmp_path, store, identical=True)
    study.split_path(first.split).unlink()
    links = no_links()
    links.loc[0] = (0, 20, "same lesion", 12, 0.99, 0, False, 1.0, 0.0, 0.0, 0.9)
    save_groups(store, Groups.join(store.index, links, Recovery(9, 0, 0)))
    restore_split(study, store, first, required=False)
    assert not study.split_path(first.split).exists()
    with pytest.raises(DataError, match="the split of trial 0 is missing") as raised:
        restore_split(study, store, first)
    assert "mammobench data groups" in (raised.value.remedy or "")


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
