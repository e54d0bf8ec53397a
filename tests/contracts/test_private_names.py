"""What mammobench uses of Optuna's and KerasTuner's private names: ten or fewer, in one file each.

A library may change them in any version. Each test below says in its message what mammobench loses then, and
where to look; the tables at the head of the two files name the public call that would do instead.
"""

import ast
import importlib
import inspect
import json
import re
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import CmaEsSampler, TPESampler
from optuna.storages import RDBStorage, get_storage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

import mammobench
from mammobench.study.storage.journal import JOURNAL, open_journal
from mammobench.study.storage.journal_lines import Operation
from mammobench.tuning.engines import optuna_cmaes

PACKAGE = Path(mammobench.__file__).parent
LIBRARIES = ("optuna", "keras_tuner", "keras")
HOMES = {"study/optuna_private.py", "tuning/engines/keras_tuner_private.py"}
MOST = 10

PRIVATE: dict[tuple[type, str], tuple[str, ...]] = {
    (RDBStorage, "_get_stale_trial_ids"): ("self", "study_id"),
    (TPESampler, "_get_internal_repr"): ("self", "trials", "search_space", "study"),
    (CmaEsSampler, "_init_optimizer"): ("self", "trans", "direction"),
    (CmaEsSampler, "_restore_optimizer"): ("self", "completed_trials"),
    (CmaEsSampler, "_split_optimizer_str"): ("self", "optimizer_str"),
    (keras_tuner.Oracle, "_random_values"): ("self",),
    (keras_tuner.oracles.BayesianOptimizationOracle, "_get_hp_bounds"): ("self",),
    (keras_tuner.oracles.HyperbandOracle, "_get_size"): ("self", "bracket_num", "round_num"),
}
"""The methods and their parameters; the one attribute is `FrozenTrial._trial_id`."""

# of the standard library or Python's own, and none of a library's insides
STANDARD = {"_exit", "_fields", "_config", "_repr_html_"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def own_names() -> set[str]:
    """Return the private names that the package itself defines."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    found.add(name)
                case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                    found.add(name)
                case _:
                    pass
    return found


def private_names_used(source: str, own: set[str]) -> list[str]:
    """Return the private names of other packages that a module imports or looks up."""
    used: list[str] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name) if is_private(name):
                if name not in own | STANDARD:
                    used.append(name)
            case ast.ImportFrom(module=str(module), names=names):
                parts = [*module.split("."), *(each.name for each in names)]
                inside = parts[0] in LIBRARIES and any(is_private(part) or part == "src" for part in parts)
                used += [f"{module}.{parts[-1]}"] * inside
            case ast.Import(names=names):
                used += [
                    each.name
                    for each in names
                    if each.name.split(".")[0] in LIBRARIES
                    and any(is_private(part) or part == "src" for part in each.name.split("."))
                ]
            case _:
                pass
    return used


def test_no_other_file_looks_into_a_library() -> None:
    own = own_names() - {name for _, name in PRIVATE}
    found = {
        path.relative_to(PACKAGE).as_posix(): names
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).as_posix() not in HOMES
        and (names := private_names_used(path.read_text("utf-8"), own))
    }
    assert found == {}, f"private names belong into {HOMES}"


@pytest.mark.parametrize(
    "source",
    [
        "from optuna.storages._rdb import models",
        "from optuna.storages import _CachedStorage",
        "import keras.src.backend",
        "from keras_tuner.src.engine import oracle",
        "trial._trial_id",
        "self._populate_next.append(1)",
        "super()._get_size(1, 2)",
    ],
)
def test_the_check_sees_every_way_to_a_private_name(source: str) -> None:
    assert private_names_used(source, own_names() - {name for _, name in PRIVATE})


def classes() -> Iterator[type]:
    """Yield the classes of the package that derive from one of a library's."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text("utf-8")
        if re.search(
            rf"^\s*(import|from) ({'|'.join(LIBRARIES)})\b|engines\.keras_tuner_", text, re.MULTILINE
        ):
            dotted = ".".join(["mammobench", *path.relative_to(PACKAGE).with_suffix("").parts])
            module = importlib.import_module(dotted.removesuffix(".__init__"))
            members = inspect.getmembers(module, inspect.isclass)
            yield from (each for _, each in members if each.__module__ == module.__name__)


def test_no_class_takes_the_place_of_a_librarys_private_name_by_accident() -> None:
    clashes = []
    for each in classes():
        parents = [parent for parent in each.__mro__ if parent.__module__.split(".")[0] in LIBRARIES]
        ours = set(re.findall(r"self\.(_[a-z]\w*)", inspect.getsource(each)))
        ours |= {name for name in vars(each) if re.match(r"_[a-z]", name) and not name.startswith("_abc")}
        theirs = {
            name
            for parent in parents
            for name in [*vars(parent), *re.findall(r"self\.(_[a-z]\w*)", inspect.getsource(parent))]
        }
        path = Path(inspect.getfile(each)).relative_to(PACKAGE).as_posix()
        clashes += [(path, each.__name__, name) for name in sorted(ours & theirs) if path not in HOMES]
    assert clashes == []


def test_there_are_ten_or_fewer() -> None:
    used: set[str] = set()
    for home in HOMES:
        tree = ast.parse((PACKAGE / home).read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.Attribute):
                used.add(node.name if isinstance(node, ast.FunctionDef) else node.attr)
    used = {name for name in used if is_private(name)} - {"_in_use"}
    assert used == {"_trial_id", *(name for _, name in PRIVATE)}
    assert len(used) <= MOST


@pytest.mark.parametrize(("owner", "name"), PRIVATE, ids=lambda each: getattr(each, "__name__", each))
def test_a_private_method_is_there_and_takes_what_it_took(owner: type, name: str) -> None:
    method: Any = getattr(owner, name, None)
    told = f"{owner.__name__}.{name} of {owner.__module__.split('.')[0]}"
    assert method is not None, f"{told} is gone: see the table in the file where it stands"
    taken = tuple(inspect.signature(method).parameters)
    assert taken == PRIVATE[owner, name], f"{told} takes other arguments now"


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


def hyperparameters() -> keras_tuner.HyperParameters:
    known = keras_tuner.HyperParameters()
    known.Float("x", 0.0, 1.0)
    known.Int("n", 1, 64, sampling="log")
    return known


@pytest.mark.parametrize(
    "oracle",
    [
        keras_tuner.oracles.RandomSearchOracle,
        keras_tuner.oracles.BayesianOptimizationOracle,
        keras_tuner.oracles.HyperbandOracle,
    ],
)
def test_an_oracle_draws_by_random_values(oracle: type) -> None:
    made = type("Watched", (oracle,), {"_random_values": lambda _: {"x": 0.25, "n": 7}})(
        objective=keras_tuner.Objective("o", "max"), hyperparameters=hyperparameters(), seed=1
    )
    values = made.populate_space("0")["values"]
    told = f"{oracle.__name__} draws otherwise than by _random_values: configurations are proposed twice"
    assert (values["x"], values["n"]) == (0.25, 7), told


def completed(trial_id: str, x: float) -> Any:
    known = hyperparameters()
    known.values = {"x": x, "n": 1 + int(60 * x)}
    trial = keras_tuner.engine.trial.Trial(known, trial_id, "COMPLETED")
    trial.score = x
    return trial


def test_the_bayesian_oracle_searches_between_its_bounds() -> None:
    class Watched(keras_tuner.oracles.BayesianOptimizationOracle):
        def _get_hp_bounds(self) -> Any:
            assert super()._get_hp_bounds().tolist() == [[0, 1], [0, 1]]
            return np.array([[0.4, 0.41], [0.0, 1.0]])

    made = Watched(
        objective=keras_tuner.Objective("o", "max"), hyperparameters=hyperparameters(), seed=1,
        num_initial_points=3,
    )  # fmt: skip
    made.trials = {str(number): completed(str(number), number / 5) for number in range(4)}
    x = made.populate_space("9")["values"]["x"]
    told = "the Bayesian oracle takes its bounds from elsewhere: whole numbers come out beyond their range"
    assert 0.4 <= x <= 0.41, told


def test_hyperbands_rounds_are_as_large_as_get_size_says_and_its_state_holds_its_brackets() -> None:
    class Watched(keras_tuner.oracles.HyperbandOracle):
        def _get_size(self, bracket_num: int, round_num: int) -> int:
            assert super()._get_size(bracket_num, round_num) >= 1
            return 1

    made = Watched(
        objective=keras_tuner.Objective("o", "max"), max_epochs=9, hyperparameters=hyperparameters(), seed=1
    )
    state = made.get_state()
    assert {"brackets", "current_bracket", "current_iteration"} <= state.keys()
    (bracket,) = state["brackets"]
    assert bracket == {"bracket_num": 2, "rounds": [[], [], []]}
    told = "HyperbandOracle._get_size does not make a round's size: a round waits for trials that cannot be"
    for number in ("0", "1"):
        made.populate_space(number)
        made.trials[number] = completed(number, 0.5)
        made.trials[number].status = "RUNNING"
    # the same dictionary that the oracle writes to, or what a trial noted could not be told
    assert bracket["rounds"] == [[{"past_id": None, "id": "0"}], [], []], told
    assert len(made.get_state()["brackets"]) == 2, told


def test_the_grid_goes_on_from_the_first_trial_that_an_oracle_has() -> None:
    made = keras_tuner.oracles.GridSearchOracle(
        objective=keras_tuner.Objective("o", "max"), hyperparameters=hyperparameters(), seed=1
    )
    made.trials["4"] = completed("4", 0.5)
    made.trials["4"].hyperparameters.values = dict(made.populate_space("4")["values"])
    made.start_order = ["4"]
    told = "GridSearchOracle does not go on from the trial that it began with: the grid begins again"
    assert made.populate_space("5")["values"] != made.trials["4"].hyperparameters.values, told
