"""A comparison keeps each search as it ends, goes on after an interruption, and says what it will not do."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mammobench
from mammobench.benchmark import filenames
from mammobench.benchmark.comparing import trace_path
from mammobench.benchmark.comparison import FRAMES, Comparison
from mammobench.benchmark.replay.trace import Budget
from mammobench.benchmark.replay.trace_file import digest_of, load_trace, save_trace
from mammobench.benchmark.tables.table import Table
from mammobench.core.errors import ConfigError, DataError, EngineError
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import Engine, Proposal
from tests.recorded_tables import write_made_table

METHODS = "random,asha"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tables")
    return write_made_table(folder / "one").folder, write_made_table(folder / "two", seed=1).folder


@pytest.fixture(scope="module")
def whole(tables: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compare(tables, tmp_path_factory.mktemp("comparison"), figures=True)


def compare(tables: tuple[Path, ...], out: Path, **how: object) -> Comparison:
    asked = {"methods": METHODS, "seeds": 3, "jobs": 1, "figures": False, **how}
    return mammobench.compare(tables, out=out, **asked)  # type: ignore[arg-type]


def digests(out: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((out / filenames.TRACES).rglob("*.npz")):
        trace = load_trace(path)
        assert trace is not None
        yield str(path.relative_to(out)), digest_of(trace)


def test_a_trace_survives_its_file(whole: Comparison, tmp_path: Path) -> None:
    trace = whole.traces[0]
    save_trace(trace, tmp_path / "t.npz")
    read = load_trace(tmp_path / "t.npz")
    assert read is not None
    assert digest_of(read) == digest_of(trace)
    pd.testing.assert_frame_equal(read.trials[trace.trials.columns.tolist()], trace.trials)
    np.testing.assert_array_equal(read.thinking, trace.thinking)


@pytest.mark.parametrize("searches", [1, 11])
def test_an_interrupted_comparison_goes_on_and_comes_to_the_same(
    tables: tuple[Path, Path], whole: Comparison, tmp_path: Path, searches: int
) -> None:
    def interrupt(what: str, done: int, _: int) -> None:
        if what == "Searching" and done == searches:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(tables, tmp_path / "c", progress=interrupt)
    assert len(list(digests(tmp_path / "c"))) == searches
    again = compare(tables, tmp_path / "c")
    assert dict(digests(tmp_path / "c")) == dict(digests(whole.folder))
    pd.testing.assert_frame_equal(again.frame("pairs"), whole.frame("pairs"))


def test_a_half_written_search_is_run_again(
    tables: tuple[Path, Path], whole: Comparison, tmp_path: Path
) -> None:
    shutil.copytree(whole.folder, tmp_path / "c")
    path = trace_path(tmp_path / "c", "one", "asha", 1)
    path.write_bytes(path.read_bytes()[:200])
    compare(tables, tmp_path / "c")
    assert dict(digests(tmp_path / "c")) == dict(digests(whole.folder))


def test_processes_come_to_what_one_process_comes_to(
    tables: tuple[Path, Path], whole: Comparison, tmp_path: Path
) -> None:
    compare(tables, tmp_path / "c", jobs=2)
    assert dict(digests(tmp_path / "c")) == dict(digests(whole.folder))


def test_more_seeds_methods_and_tables_are_added(tables: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "c"
    compare(tables[:1], out, seeds=2, methods="random,asha")
    before = {name: (out / name).stat().st_mtime_ns for name, _ in digests(out)}
    more = compare(tables, out, seeds=3, methods="random,asha,qmc")
    assert {name: (out / name).stat().st_mtime_ns for name in before} == before
    assert len(list(digests(out))) == 2 * 3 * 3
    assert set(more.assessment.methods) == {"random", "asha", "qmc"}


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"budget": Budget(epochs=90)}, "another budget"),
        ({"workers": 2}, "another budget, workers"),
        ({"answers": "nearest"}, "another answers"),
    ],
)
def test_what_was_asked_otherwise_is_refused(
    tables: tuple[Path, Path], whole: Comparison, how: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        compare(tables, whole.folder, **how)


def test_a_table_that_has_changed_is_refused(tables: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "one"
    shutil.copytree(tables[0], folder)
    compare((folder,), tmp_path / "c", seeds=2)
    (folder / filenames.CURVES).write_bytes(b"other")
    with pytest.raises(DataError, match="has changed"):
        compare((folder,), tmp_path / "c", seeds=2)
    shutil.rmtree(folder)
    write_made_table(folder, seed=3)
    with pytest.raises(ConfigError, match="its files have changed"):
        compare((folder,), tmp_path / "c", seeds=2)


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"methods": "tpee"}, EngineError, "did you mean 'tpe'"),
        ({"methods": []}, ConfigError, "no methods"),
        ({"seeds": 0}, ConfigError, "seeds"),
        ({"budget": Budget(seconds=0.5)}, ConfigError, "pays for no whole training"),
        ({"answers": "exact", "methods": "gp"}, EngineError, "gp"),
    ],
)
def test_a_wrong_argument_leaves_nothing_behind(
    tables: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: dict[str, object],
    error: type[Exception],
    said: str,
) -> None:
    real = __import__("importlib.util").util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == "torch" else real(name, *rest)
    )
    with pytest.raises(error, match=said):
        compare(tables, tmp_path / "c", **how)
    assert not (tmp_path / "c").exists()


def test_two_tables_of_one_name_are_refused(tables: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(tables[0], tmp_path / "one")
    with pytest.raises(ConfigError, match="two tables of one name"):
        compare((tables[0], tmp_path / "one"), tmp_path / "c")


class Backwards(Engine):
    """Somebody's own method: the configurations of a finite space from the last to the first."""

    def __init__(self, space: SearchSpace, *, directions: object, seed: int) -> None:
        del directions, seed
        self._all = list(space.configurations())

    def propose(self, number: int) -> Proposal:
        return Proposal(number, self._all[-number])

    def resume(self, proposal: Proposal, curve: object = ()) -> None:
        pass

    def learn(self, outcome: object) -> None:
        pass


def test_ones_own_class_is_compared_in_a_list(tables: tuple[Path, Path], tmp_path: Path) -> None:
    class Local(Backwards):
        """Of no module that another process could import."""

    found = compare(tables[:1], tmp_path / "c", methods=["random", Backwards, Local], seeds=2, jobs=2)
    assert set(found.assessment.methods) == {"random", "Backwards", "Local"}


def test_what_came_of_it_is_frames_figures_a_page_and_json(whole: Comparison) -> None:
    for name in FRAMES:
        assert len(whole.frame(name))
        assert (whole.folder / f"{name}.csv").is_file()
    names = {drawing.name for drawing in whole.figures()}
    assert {path.stem for path in (whole.folder / "figures").iterdir()} == names
    assert whole.figure("regret") is not None
    assert r"\toprule" in (whole.folder / filenames.RANKING).read_text()
    told = json.loads(json.dumps(whole.to_dict(), allow_nan=True))
    assert told["lead"] == whole.lead
    page = whole.page.read_text()
    assert whole.lead.split(":")[0] in page
    assert "Synthetic data" in page
    assert "random" in whole._repr_html_()
    with pytest.raises(ConfigError, match="did you mean 'regret'"):
        whole.figure("regrets")


def test_the_table_of_a_comparison_is_opened_in_python(tables: tuple[Path, Path]) -> None:
    table = mammobench.Table.open(tables[0])
    assert isinstance(table, Table)
    assert "synthetic" in repr(table)


def test_searches_that_another_version_replayed_are_run_again(
    tables: tuple[Path, Path], whole: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(whole.folder, tmp_path / "c")
    path = trace_path(tmp_path / "c", "one", "asha", 1)
    trace = load_trace(path)
    assert trace is not None
    with monkeypatch.context() as patched:
        patched.setattr("mammobench.benchmark.replay.trace_file.made_by", lambda: {"mammobench": "0.1"})
        save_trace(trace, path)
    assert load_trace(path) is None
    compare(tables, tmp_path / "c")
    assert load_trace(path) is not None
