"""Whatever stands in a record where an engine is told of it again: nothing of it runs, and it is told."""

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mammobench.core.errors import MammobenchError, StudyError
from mammobench.data.store.image_store import ImageStore
from mammobench.space.yaml_file import load_space, parse_space
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.result import TrialResult
from mammobench.tuning.proposer import Proposer
from tests.contracts.test_engines import FINITE, Method, parameters, traits_of
from tests.poison import Route, payloads, pickled, replaced, routes
from tests.small_study import small_spec


@pytest.fixture(params=parameters(), scope="module")
def method(request: pytest.FixtureRequest) -> Method:
    chosen: Method = request.param
    return chosen


@pytest.fixture(scope="module")
def folder(method: Method, phantom: ImageStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of a method whose every trial but the last has ended, on a journal."""
    folder = tmp_path_factory.mktemp("sound") / "s"
    space = parse_space(FINITE, "finite") if traits_of(method).only_finite else load_space("quick")
    spec = small_spec("s", phantom).model_copy(
        update={"engine": method[0], "sampler": method[1], "space": space.to_dict()}
    )
    study = StudyRecord.create(folder, spec)
    proposer = Proposer(study, phantom)
    trials = traits_of(method).noted_by
    for number in range(trials + 1):
        record = proposer.next(trials)
        assert isinstance(record, TrialRecord)
        if number < trials:
            study.report_epoch(number, 1, 0.3)
            finish(study, record)
    return folder


def finish(study: StudyRecord, record: TrialRecord) -> None:
    value = 0.5 - abs(record.number - 7) / 100
    result = TrialResult(value, 0.5, 1, 1, 100, {"train": 1.0}, {"threads": 2})
    assert study.finish_trial(record.number, result, start=0.1, total=1.2)


def told_again(lines: list[dict[str, Any]]) -> Iterator[tuple[int, Route]]:
    """Yield what of a record reaches an engine: one trial's lines, that with the most to tell, whole."""
    noted = [
        (len(json.dumps(line["user_attrs"]["asked"]["memo"])), number)
        for number, line in enumerate(lines)
        if line["op_code"] == 4
    ]
    _, entered = max(noted)
    trial = [number for number, line in enumerate(lines) if line["op_code"] == 4].index(entered)
    for number, line in enumerate(lines):
        if number == entered or line.get("trial_id") == trial:
            few = 0
            for route in routes(line):
                # the values that a space does not search are alike
                few += "config" in route
                if "config" not in route or few % 9 == 1 or route[-1] == "config":
                    yield number, route


def go_on(folder: Path, store: ImageStore) -> object:
    """Open the study, tell its engine all of it, and have it propose."""
    study = StudyRecord.open(folder)
    proposer = Proposer(study, store)
    proposer.catch_up()
    return proposer.next(10**6)


@pytest.fixture
def poison(folder: Path, tmp_path: Path) -> Callable[[list[dict[str, Any]]], Path]:
    """Write a copy of the study with other lines, and return its folder."""

    def write(lines: list[dict[str, Any]]) -> Path:
        copy = tmp_path / "inner" / "reports" / "s"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir(parents=True)
        shutil.copyfile(folder / "study.json", copy / "study.json")
        (copy / "study.journal").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return copy

    return write


def read(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "study.journal").read_text().splitlines()]


def outside(tmp_path: Path) -> set[Path]:
    return {path for path in tmp_path.rglob("*") if "reports/s" not in str(path)}


def check_each(
    poison: Callable[[list[dict[str, Any]]], Path],
    lines: list[dict[str, Any]],
    cases: Iterator[tuple[int, Route, Any]],
    store: ImageStore,
    tmp_path: Path,
) -> int:
    poison(lines)
    before, refused = outside(tmp_path), 0
    for number, route, value in cases:
        changed = [*lines[:number], replaced(lines[number], route, value), *lines[number + 1 :]]
        copy = poison(changed)
        try:
            go_on(copy, store)
        except MammobenchError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"line {number}, {route}: {str(value)[:60]!r}") from error
        assert outside(tmp_path) == before, (number, route, value)
    return refused


def test_a_sound_record_is_gone_on_with(
    folder: Path, poison: Callable[[list[dict[str, Any]]], Path], phantom: ImageStore
) -> None:
    assert go_on(poison(read(folder)), phantom) is not None


def test_no_field_that_an_engine_is_told_runs_or_ends_in_a_traceback(
    folder: Path, poison: Callable[[list[dict[str, Any]]], Path], phantom: ImageStore, tmp_path: Path
) -> None:
    lines = read(folder)
    # a pickle everywhere, and the other payloads in turn
    first, *others = payloads(tmp_path / "effect")
    turns = itertools.cycle(others)
    cases = ((number, route, value) for number, route in told_again(lines) for value in (first, next(turns)))
    assert check_each(poison, lines, cases, phantom, tmp_path) > 50


@pytest.mark.slow
def test_no_payload_in_any_field_runs_or_ends_in_a_traceback(
    folder: Path, poison: Callable[[list[dict[str, Any]]], Path], phantom: ImageStore, tmp_path: Path
) -> None:
    lines = read(folder)
    values = payloads(tmp_path / "effect")
    cases = ((number, route, value) for number, route in told_again(lines) for value in values)
    assert check_each(poison, lines, cases, phantom, tmp_path) > 500


@pytest.mark.parametrize(
    "key", ["cma:optimizer:0", "cma:optimizer", "sepcma:optimizer:0", "cmawm:optimizer:0"]
)
@pytest.mark.parametrize("place", ["trial", "study", "system_attrs"])
def test_no_key_that_optuna_unpickles_comes_from_a_record(
    key: str,
    place: str,
    folder: Path,
    poison: Callable[[list[dict[str, Any]]], Path],
    phantom: ImageStore,
    tmp_path: Path,
) -> None:
    lines, effect = read(folder), tmp_path / "effect"
    for line in lines:
        if line["op_code"] == 4:
            memo = line["user_attrs"]["asked"]["memo"]
            target = line["system_attrs"] if place == "system_attrs" else memo.setdefault(place, {})
            target[key] = pickled(effect)
    copy = poison(lines)
    if place == "system_attrs":
        # no engine is told of them
        go_on(copy, phantom)
    else:
        with pytest.raises(StudyError, match=r"damaged trial record.*trial|trial \d+: damaged") as told:
            go_on(copy, phantom)
        assert told.value.remedy
    assert not effect.exists()
