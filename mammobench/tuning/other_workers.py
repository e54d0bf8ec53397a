"""`OtherWorkers`: what a search on a shared record has to do with the workers elsewhere."""

import math
import time
from collections.abc import Collection, Iterator

from mammobench.study.record import StudyRecord
from mammobench.study.storage.access import claim_waiting, fail_stale
from mammobench.study.trial_record import TrialRecord
from mammobench.tuning.proposer import Proposer

_NEWS_SECONDS = 3.0


class OtherWorkers:
    """The trials that others run, or have left to be taken up; known from the record alone.

    Args:
        study: The record, in a database.
        proposer: Of this process; its `trials` are the record as it was read last.
    """

    def __init__(self, study: StudyRecord, proposer: Proposer) -> None:
        self._study, self._proposer = study, proposer
        self._next_look = self._next_news = -math.inf
        self._seen: dict[int, tuple[str, int]] = {}

    def claim(self) -> TrialRecord | None:
        """Take up a trial whose worker died or handed it back; None where there is none."""
        if time.monotonic() >= self._next_look:
            fail_stale(self._study.storage, self._study.study_id)
            self._next_look = time.monotonic() + self._study.spec.heartbeat
        claimed = claim_waiting(self._study.storage, self._study.study_id)
        return None if claimed is None else self._study.adopt(claimed)

    def may_leave_more(self, ours: Collection[int]) -> bool:
        """Return whether a trial that is not among the numbers of `ours` runs, or waits to be taken up."""
        return any(
            other.lost or (other.state == "running" and other.number not in ours)
            for other in self._proposer.trials
        )

    def news(self, ours: Collection[int]) -> Iterator[TrialRecord]:
        """Yield trials of others that have got on since the last time, which is some seconds ago."""
        if time.monotonic() < self._next_news:
            return
        self._next_news = time.monotonic() + _NEWS_SECONDS
        self._proposer.catch_up()
        for record in self._proposer.trials:
            news = (record.state, record.epochs)
            if record.number not in ours and self._seen.get(record.number) != news:
                yield record
            self._seen[record.number] = news
