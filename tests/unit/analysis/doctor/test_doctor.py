import json
from pathlib import Path

import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection

from mammobench.analysis.doctor import Examination, Finding, Holding
from mammobench.analysis.doctor.cures import drop_cut_writes
from mammobench.analysis.doctor.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal of one study with ten attributes, written by Optuna: eleven lines."""
    path = tmp_path / "study.journal"
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = storage.create_new_study([StudyDirection.MAXIMIZE], "s")
    for number in range(10):
        storage.set_study_user_attr(study, f"key {number}", {"op_code": number})
    return path


def attributes(path: Path) -> list[str]:
    """Return what Optuna reads in a journal."""
    storage = JournalStorage(JournalFileBackend(str(path)))
    return list(storage.get_study_user_attrs(storage.get_study_id_from_name("s")))


def test_a_whole_journal_is_read_line_by_line(journal: Path) -> None:
    read = Journal.read(journal)
    assert (len(read.records), read.cut, read.tail, read.unreadable, read.lost) == (11, (), 0, None, ())
    assert b"".join(read.records) == journal.read_bytes()


@pytest.mark.parametrize("kept", [1, 30, -1])
def test_a_cut_last_write_is_dropped(journal: Path, kept: int) -> None:
    *lines, last = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines) + last[:kept])
    assert Journal.read(journal).tail == len(last[:kept])
    drop_cut_writes(journal)
    assert journal.read_bytes() == b"".join(lines)
    assert attributes(journal) == [f"key {number}" for number in range(9)]


def test_blocks_of_zeros_after_a_power_failure_are_dropped(journal: Path) -> None:
    whole = journal.read_bytes()
    journal.write_bytes(whole + b"\0" * 512 + b"\n" + b"\0" * 512)
    assert Journal.read(journal).tail == 1025
    drop_cut_writes(journal)
    assert journal.read_bytes() == whole


@pytest.mark.parametrize("kept", [1, 30, -1])
def test_a_write_that_landed_behind_a_cut_one_is_saved(journal: Path, kept: int) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:5], lines[5][:kept], *lines[6:]]))
    with pytest.raises(ValueError, match=r"Expecting|Extra data|Invalid|Unterminated"):
        attributes(journal)
    assert Journal.read(journal).cut == (6,)
    drop_cut_writes(journal)
    assert journal.read_bytes() == b"".join([*lines[:5], *lines[6:]])
    assert "key 5" in attributes(journal)


def test_what_an_unreadable_line_cuts_off_is_counted(journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[4] = b"not a record\n"
    lines[8] = b'{"op_code":8,"trial_id":2}\n'
    journal.write_bytes(b"".join(lines))
    read = Journal.read(journal)
    assert (len(read.records), read.unreadable, len(read.lost)) == (4, 5, 6)
    assert read.trials_lost() == [2]


def test_an_examination_writes_nothing(journal: Path) -> None:
    storage = JournalStorage(Journal.read(journal).backend())
    with pytest.raises(OSError, match="writes nothing"):
        storage.create_new_study([StudyDirection.MAXIMIZE], "another")


def test_a_mended_file_is_kept_under_a_new_name_each_time(journal: Path) -> None:
    for _ in range(2):
        with journal.open("ab") as file:
            file.write(b'{"op')
        drop_cut_writes(journal)
    assert sorted(path.name for path in journal.parent.glob("*.damaged*")) == [
        "study.journal.damaged-1",
        "study.journal.damaged-2",
    ]


def examination(*findings: Finding) -> Examination:
    return Examination(
        folder=Path("reports/s"),
        spec=None,
        trials={"finished": 3},
        holdings={"trials/*/predictions.npz": Holding(3, 1_234_567), "study.journal": Holding(1, 999)},
        free=5_000_000_000,
        in_use=False,
        findings=findings,
    )


def test_a_healthy_study_is_told_in_one_line() -> None:
    assert examination().lines() == ["reports/s: healthy; trials: 3 finished; 1.2 MB"]


def test_findings_are_told_with_their_place_and_remedy() -> None:
    damage = Finding("it is torn", Path("reports/s/study.journal"), "damage", "Mending drops it", cure=str)
    note = Finding("it is full", Path("/elsewhere"), "note", "Make room")
    told = examination(damage, note)
    assert told.lines() == [
        "reports/s: trials: 3 finished; 1.2 MB, 5.0 GB free on the disk",
        "    1.2 MB  trials/*/predictions.npz (3)",
        "     999 B  study.journal",
        "",
        "damage [can be mended]: study.journal: it is torn.",
        "  Mending drops it.",
        "",
        "note: /elsewhere: it is full.",
        "  Make room.",
        "",
        "2 found; 1 can be mended with --mend.",
    ]
    assert told.damaged
    document = json.loads(json.dumps(told.to_dict()))
    assert document["findings"][0] == {
        "what": "it is torn", "where": "reports/s/study.journal", "severity": "damage",
        "remedy": "Mending drops it", "mendable": True,
    }  # fmt: skip
