"""What a storage that many machines write to can do, known without loading a database's driver."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mammobench.study.storage.heartbeat import Heartbeat

DESCRIPTION = "spec"
"""The user attribute of a study that holds its study.json."""


class DamagedTrial(FrozenTrial):
    """What is left of a trial whose rows in a database cannot be read: its state and attributes.

    An attribute that is no JSON is None. Whoever reads the record of this trial is told of the damage; the
    other trials are as they were.

    Attributes:
        damage: What is wrong with it.
    """

    damage = ""


class SharedStorage(BaseStorage):
    """Optuna's storage, with what several machines do to it in turns; see `storage.access`."""

    @abstractmethod
    def create_study(
        self, name: str, directions: Sequence[StudyDirection], description: Mapping[str, Any]
    ) -> int:
        """Make a study while no other machine makes one."""

    @abstractmethod
    def enter(self, study_id: int, propose: Callable[[], FrozenTrial | None]) -> FrozenTrial | None:
        """Let `propose` make a trial while no other machine does, and start it."""

    @abstractmethod
    def claim_waiting(self, study_id: int) -> int | None:
        """Start the first waiting trial and return its id; None where none waits."""

    @abstractmethod
    def close_trial(
        self,
        trial_id: int,
        state: TrialState,
        values: Sequence[float] | None,
        attributes: Mapping[str, Any],
    ) -> None:
        """End a running trial."""

    @abstractmethod
    def heartbeat(self, trial_id: int) -> Heartbeat:
        """Return the signs of life of a running trial."""

    @abstractmethod
    def fail_stale(self, study_id: int) -> None:
        """Fail the trials whose worker died, and queue those that may run again."""

    @abstractmethod
    def being_run(self, study_id: int) -> int:
        """Return how many trials of a study have a worker that lives, or may live."""

    @abstractmethod
    def delete_unless_run(self, study_id: int) -> bool:
        """Delete a study unless a worker runs one of its trials, and return whether it is gone."""
