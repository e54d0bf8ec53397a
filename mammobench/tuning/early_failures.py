"""`EarlyFailures`: ends a search whose first trials all fail for one reason."""

import re
from collections.abc import Iterable
from pathlib import Path

from mammobench.core.errors import TrialError
from mammobench.study.filenames import TRIALS
from mammobench.study.trial_record import TrialRecord
from mammobench.training.filenames import LOG

FAILURES_THAT_STOP = 5


class EarlyFailures:
    """The failures in this process, for as long as no searched trial of the study has been trained.

    Args:
        folder: The study's, for the message.
        trials: Those that the study has.
    """

    def __init__(self, folder: Path, trials: Iterable[TrialRecord]) -> None:
        self._folder = folder
        self._reasons: list[str] = []
        self._any_trained = False
        for record in trials:
            if record.state in {"finished", "pruned"}:
                self.trained(record)

    def trained(self, record: TrialRecord) -> None:
        """Take note of a trial that has been trained."""
        # the reference CNN's success says nothing of the configurations that are searched
        self._any_trained = self._any_trained or record.role == "searched"

    def failed(self, reason: str) -> None:
        """Take note of a trial that has failed.

        Raises:
            TrialError: Where this is one too many.
        """
        self._reasons.append(re.sub(r"\d+", "#", reason))
        one_reason = len(set(self._reasons)) == 1
        if len(self._reasons) >= FAILURES_THAT_STOP and one_reason and not self._any_trained:
            raise TrialError(
                f"the first {len(self._reasons)} trials all failed for one reason: {reason.rstrip('.')}",
                where=self._folder,
                remedy=f"Read {TRIALS}/*/{LOG} there, mend the cause, and run the same command again",
            )
