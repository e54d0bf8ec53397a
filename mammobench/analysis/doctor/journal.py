"""A journal file line by line: where a write was cut, and what that cost.

Optuna appends one JSON record a line. A crash or a full disk can cut the last write. Optuna then reads the
file as if that write had never been, which is right, but were anything written behind it, it would land on
the same line, and the file could no longer be opened. Both states are mended by dropping the part that was
cut: no process has ever seen it. So are lines with NUL bytes, which a power cut leaves where the file had
grown and its content was not on the disk yet.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from mammobench.study.storage.journal_lines import LineChecker

_RECORD_START = b'{"op_code":'


@dataclass(frozen=True)
class Journal:
    """What a journal file holds.

    Attributes:
        path: The file.
        records: The whole records, each with its line end, in order, up to the first line without one.
        lines: Lines in the file.
        cut: Lines, from 1, that begin with a cut write and end with a whole record, or hold zeros alone.
        tail: Bytes after the last whole record: a write that was cut.
        unreadable: The first line, from 1, that no record can be taken from though records follow, or that
            holds another than Optuna writes.
        lost: The records after that line, which cannot be replayed without it.
    """

    path: Path
    records: tuple[bytes, ...]
    lines: int
    cut: tuple[int, ...]
    tail: int
    unreadable: int | None
    lost: tuple[bytes, ...]

    @classmethod
    def read(cls, path: Path) -> "Journal":
        """Read a journal file, whatever its state.

        Raises:
            OSError: When it cannot be read at all.
        """
        with path.open("rb") as file:
            lines = list(file)
        whole = [_whole_record(line) for line in lines]
        while whole and whole[-1] is None:
            whole.pop()
        # a block of zeros is a write that nobody has seen
        zeros = [record is None and b"\0" in line for record, line in zip(whole, lines, strict=False)]
        unreadable = _first_unsound(whole, zeros)
        records = [record for record in whole[:unreadable] if record]
        return cls(
            path=path,
            records=tuple(records),
            lines=len(lines),
            cut=tuple(
                place + 1
                for place, record in enumerate(whole[:unreadable])
                if len(record or b"") < len(lines[place])
            ),
            tail=sum(map(len, lines[len(whole) :])),
            unreadable=None if unreadable is None else unreadable + 1,
            lost=() if unreadable is None else tuple(record for record in whole[unreadable:] if record),
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        """The records as Optuna wrote them."""
        return [json.loads(record) for record in self.records]

    def backend(self, events: Sequence[Mapping[str, Any]] | None = None) -> BaseJournalBackend:
        """Return `records`, or some `events` of them, for Optuna's JournalStorage; nothing can be written."""
        return _Records(self.events if events is None else events)

    def trials_lost(self) -> list[int]:
        """Return the storage numbers of the trials that the lost records speak of."""
        events = [json.loads(record) for record in self.lost]
        named = [event.get("trial_id") for event in events if isinstance(event, dict)]
        return sorted({trial for trial in named if isinstance(trial, int)})


class _Records(BaseJournalBackend):
    """Records that are read and never added to."""

    def __init__(self, events: Sequence[Mapping[str, Any]]) -> None:
        self._events = events

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the records from a number on."""
        return map(dict, self._events[log_number_from:])

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Refuse: an examination writes nothing."""
        raise io.UnsupportedOperation(f"an examination writes nothing, not even {len(logs)} records")


def _first_unsound(records: Sequence[bytes | None], passed_over: Sequence[bool]) -> int | None:
    """Return the index of the first that is missing, or that is none that Optuna writes."""
    # what names a trial that is not there is judged by `Strays`
    checker = LineChecker(references=False)
    for index, record in enumerate(records):
        if passed_over[index]:
            continue
        try:
            checker.check(json.loads(record or b""))
        except ValueError:
            return index
    return None


def _whole_record(line: bytes) -> bytes | None:
    """Return the record that a line ends with; None where its end is missing, or there is none."""
    start = 0
    while line.endswith(b"\n") and start >= 0:
        try:
            event = json.loads(line[start:])
        except (ValueError, RecursionError):
            start = line.find(_RECORD_START, start + 1)
            continue
        # JSON from end to end is no cut write, whatever it says
        return line[start:] if not start or (isinstance(event, dict) and "op_code" in event) else None
    return None
