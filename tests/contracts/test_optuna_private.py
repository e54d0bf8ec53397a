"""What mammobench relies on in Optuna beyond its documentation; each message says what is lost."""

import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import CmaEsSampler, TPESampler
from optuna.storages import RDBStorage, get_storage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from mammobench.study.filenames import JOURNAL
from mammobench.study.storage.journal import open_journal
from mammobench.study.storage.journal_lines import Operation
from mammobench.tuning.engines import optuna_cmaes


def trial_of(number: int, x: float) -> FrozenTrial:
    return optuna.create_trial(
        params={"x": x}, distributions={"x": FloatDistribution(0, 1)}, value=x * number
    )


def test_a_trials_id_is_what_its_storage_calls_it() -> None:
    study = optuna.create_study()
    study.add_trial(trial_of(1, 0.5))
    storage = get_storage(None)
    study_id = storage.create_new_study([StudyDirection.MINIMIZE], "s")
    trial_id = storage.create_new_trial(study_id, trial_of(1, 0.5))
    told = "FrozenTrial._trial_id is not the trial's id any more: no trial of a study is found in its record"
    assert storage.get_trial(trial_id)._trial_id == trial_id, told
    assert storage.get_trial_id_from_study_id_trial_number(study_id, 0) == trial_id


def test_a_running_trial_without_a_new_heartbeat_is_stale(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        storage = RDBStorage(f"sqlite:///{tmp_path / 's.db'}", heartbeat_interval=1, grace_period=1)
    study_id = storage.create_new_study([StudyDirection.MINIMIZE], "s")
    first, second, never = (storage.create_new_trial(study_id) for _ in range(3))
    storage.record_heartbeat(first)
    # SQLite's clock counts whole seconds
    time.sleep(3.1)
    storage.record_heartbeat(second)
    stale = storage._get_stale_trial_ids(study_id)
    assert stale == [first], "RDBStorage names other trials as stale: dead workers are not taken over rightly"
    assert never not in stale
    # what PostgreSQL's record is made of beside the calls of every storage
    assert storage.get_heartbeat_interval() == 1
    for name in ("engine", "scoped_session", "grace_period"):
        assert hasattr(storage, name), (
            f"RDBStorage.{name} is gone: no lock can be held while a trial is entered"
        )
    assert type(get_storage(storage)) is not RDBStorage, (
        "get_storage wraps no cache: each read reads all trials"
    )
    storage.remove_session()
    storage.engine.dispose()


def test_tpe_asks_for_its_trials_as_arrays() -> None:
    asked: list[int] = []

    class Watched(TPESampler):
        def _get_internal_repr(self, trials: list[FrozenTrial], *others: Any) -> dict[str, np.ndarray]:
            asked.append(len(trials))
            found = super()._get_internal_repr(trials, *others)
            assert [*found] == ["x"]
            assert found["x"].tolist() == [trial.params["x"] for trial in trials], "in another order or form"
            return found

    study = optuna.create_study(sampler=Watched(seed=0, multivariate=True, n_startup_trials=2))
    study.add_trials([trial_of(number, number / 8) for number in range(1, 5)])
    study.ask({"x": FloatDistribution(0, 1)})
    told = "TPESampler asks no _get_internal_repr: it converts all trials at every draw, and that is slow"
    assert sum(asked) >= 4, told


def two_numbers() -> dict[str, BaseDistribution]:
    return {"x": FloatDistribution(0, 1), "y": FloatDistribution(1e-3, 1, log=True)}


def test_cmaes_goes_to_and_from_its_state_by_the_three() -> None:
    called: list[str] = []

    class Watched(CmaEsSampler):
        def _init_optimizer(self, *given: Any) -> Any:
            called.append("init")
            return super()._init_optimizer(*given)

        def _restore_optimizer(self, *given: Any) -> Any:
            called.append("restore")
            return super()._restore_optimizer(*given)

        def _split_optimizer_str(self, optimizer_str: str) -> dict[str, str]:
            called.append("split")
            return super()._split_optimizer_str(optimizer_str)

    study = optuna.create_study(sampler=Watched(seed=0, popsize=5))
    space: dict[str, BaseDistribution] = {
        "x": FloatDistribution(0, 1),
        "y": FloatDistribution(1e-3, 1, log=True),
    }
    for _ in range(12):
        trial = study.ask(space)
        study.tell(trial, trial.params["x"])
    told = "CmaEsSampler keeps its state another way: a pickle may get into the record, and be loaded from it"
    assert {"init", "restore", "split"} <= set(called), told
    assert called.index("restore") < called.index("init"), told
    assert called.count("split") == sum("cma:optimizer:0" in each.system_attrs for each in study.trials), told


def test_cmaes_begins_as_a_recorded_state_is_held_against() -> None:
    begun: list[Any] = []

    class Watched(CmaEsSampler):
        def _init_optimizer(self, *given: Any) -> Any:
            begun.append(optuna_cmaes._plain(super()._init_optimizer(*given)))
            return super()._init_optimizer(*given)

    study = optuna.create_study(sampler=Watched(seed=0))
    space: dict[str, BaseDistribution] = {
        "x": FloatDistribution(0, 1),
        "y": FloatDistribution(1e-3, 1, log=True),
    }
    for _ in range(3):
        study.tell(study.ask(space), 0.5)
    expected = optuna_cmaes._plain(optuna_cmaes._new_optimizer(2))
    told = "CmaEsSampler begins otherwise than optuna_cmaes._new_optimizer: its sound states are refused"
    assert begun[0].keys() == expected.keys(), told
    assert all(optuna_cmaes._is_close(value, expected[name]) for name, value in begun[0].items()), told


def test_a_journals_operations_have_their_numbers(tmp_path: Path) -> None:
    storage = open_journal(tmp_path)
    gone = storage.create_new_study([StudyDirection.MINIMIZE], "gone")
    storage.delete_study(gone)
    study_id = storage.create_new_study([StudyDirection.MINIMIZE], "s")
    storage.set_study_user_attr(study_id, "a", 1)
    storage.set_study_system_attr(study_id, "a", 1)
    trial_id = storage.create_new_trial(study_id)
    storage.set_trial_param(trial_id, "x", 0.5, FloatDistribution(0, 1))
    storage.set_trial_user_attr(trial_id, "a", 1)
    storage.set_trial_system_attr(trial_id, "a", 1)
    storage.set_trial_intermediate_value(trial_id, 1, 0.5)
    storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5])
    codes = [json.loads(line)["op_code"] for line in (tmp_path / JOURNAL).read_text("utf-8").splitlines()]
    expected = [
        Operation.CREATE_STUDY, Operation.DELETE_STUDY, Operation.CREATE_STUDY,
        Operation.SET_STUDY_USER_ATTR, Operation.SET_STUDY_SYSTEM_ATTR, Operation.CREATE_TRIAL,
        Operation.SET_TRIAL_PARAM, Operation.SET_TRIAL_USER_ATTR, Operation.SET_TRIAL_SYSTEM_ATTR,
        Operation.SET_TRIAL_INTERMEDIATE_VALUE, Operation.SET_TRIAL_STATE_VALUES,
    ]  # fmt: skip
    assert codes == expected, "Optuna writes its journal otherwise: journal_lines refuses what is sound"
