"""All that mammobench uses of Optuna's private names; tests/contracts/test_private_names.py holds them to it.

| name | why | the public call that would replace it |
|---|---|---|
| `FrozenTrial._trial_id` | every call of a storage names a trial by it | a property `FrozenTrial.trial_id` |
| `RDBStorage._get_stale_trial_ids` | `fail_stale_trials` fails them too | a call that only names them |
| `CmaEsSampler._init_optimizer` | the optimizer whose state is noted | a hook that names the optimizer |
| `CmaEsSampler._restore_optimizer` | it unpickles what a record holds | a hook that restores a state |
| `CmaEsSampler._split_optimizer_str` | it pickles into a record | a hook that stores a state |
| `TPESampler._get_internal_repr` | converts each trial anew at each draw | Optuna's own cache of them |
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import CmaEsSampler, TPESampler
from optuna.storages import RDBStorage
from optuna.study import Study
from optuna.trial import FrozenTrial

Columns = dict[str, np.ndarray]
"""Name of a hyperparameter to its value in each trial, float64, shape (trials,)."""


def trial_id_of(trial: FrozenTrial) -> int:
    """Return what the calls of a trial's storage name it by.

    `get_trial_id_from_study_id_trial_number` asks the storage for it, once more for each trial.
    """
    return trial._trial_id


def stale_trial_ids(record: RDBStorage, study_id: int) -> list[int]:
    """Return the running trials of a study whose last heartbeat is older than the grace period."""
    return record._get_stale_trial_ids(study_id)


class ConvertingTpe(TPESampler):
    """TPE whose trials' values may be converted to its arrays by `convert`, such as with a cache."""

    @abstractmethod
    def convert(
        self,
        trials: list[FrozenTrial],
        space: dict[str, BaseDistribution],
        by_optuna: Callable[[list[FrozenTrial]], Columns],
    ) -> Columns:
        """Return the values of the trials that have all hyperparameters of the space, as `by_optuna` does."""

    def _get_internal_repr(
        self, trials: list[FrozenTrial], search_space: dict[str, BaseDistribution], study: Study
    ) -> Columns:
        by_optuna = super()._get_internal_repr
        return self.convert(trials, search_space, lambda some: by_optuna(some, search_space, study))


class NotingCmaEs(CmaEsSampler):
    """CMA-ES whose optimizer goes into a trial's system attributes, and comes back, as a subclass says."""

    _in_use: Any = None

    @abstractmethod
    def note(self, optimizer: Any) -> dict[str, Any]:  # noqa: ANN401 - a class of cmaes, which Optuna loads when it is used
        """Return the system attributes of the trial that an optimizer's new generation begins with."""

    @abstractmethod
    def restore(self, attributes: Mapping[str, Any]) -> Any | None:  # noqa: ANN401 - the same
        """Return the optimizer that a trial's system attributes hold, or None where they hold none."""

    def _init_optimizer(self, *arguments: Any) -> Any:  # noqa: ANN401 - the same
        self._in_use = super()._init_optimizer(*arguments)
        return self._in_use

    def _restore_optimizer(self, completed_trials: Sequence[FrozenTrial]) -> Any | None:  # noqa: ANN401 - the same
        restored = (self.restore(trial.system_attrs) for trial in reversed(completed_trials))
        self._in_use = next((optimizer for optimizer in restored if optimizer is not None), None)
        return self._in_use

    def _split_optimizer_str(self, optimizer_str: str) -> dict[str, Any]:  # noqa: ARG002 - a pickle, left aside
        return self.note(self._in_use)
