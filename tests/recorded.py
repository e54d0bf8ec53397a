"""A study of one hyperparameter, as the tests of the record enter and read it."""

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mammobench.study.storage.access import enter_trial

on_postgres = pytest.mark.xdist_group("postgres")
NAME = "a study"


def new_study(storage: BaseStorage) -> int:
    return storage.create_new_study([StudyDirection.MAXIMIZE], NAME)


def proposed(x: float = 0.5) -> FrozenTrial:
    return optuna.create_trial(
        state=TrialState.RUNNING,
        params={"x": x},
        distributions={"x": FloatDistribution(0, 1)},
        user_attrs={"seed": 7},
    )


def entered(storage: BaseStorage, study_id: int) -> int:
    trial = enter_trial(storage, study_id, proposed)
    assert trial is not None
    return trial._trial_id


def states(storage: BaseStorage, study_id: int) -> list[TrialState]:
    return [trial.state for trial in storage.get_all_trials(study_id)]
