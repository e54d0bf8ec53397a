"""Warnings at the top of a report: synthetic data, leaking splits."""

from collections.abc import Iterable
from dataclasses import dataclass

from mammobench.evaluation.leaderboard import Leaderboard
from mammobench.study.record import StudyRecord


@dataclass(frozen=True)
class Notice:
    """A warning at the top of a report; `kind` is ``synthetic`` or ``leak``."""

    kind: str
    head: str
    body: str


def notices_of(studies: Iterable[StudyRecord], board: Leaderboard) -> tuple[Notice, ...]:
    """Return the warnings of studies that are reported together."""
    notices = [
        Notice("leak", f"The {split.name} split leaks", " ".join(split.warnings))
        for split in board.splits.values()
        if split.leaks
    ]
    if any(study.spec.store.get("synthetic") for study in studies):
        body = "Phantom images. These figures say nothing about real mammograms."
        notices.append(Notice("synthetic", "Synthetic data", body))
    return tuple(notices)
