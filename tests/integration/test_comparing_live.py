"""`mammobench compare` with searches of its own: kills, budgets, one's own method, bad input."""

import time
from pathlib import Path

import numpy as np
import pytest

import mammobench
from mammobench.benchmark import filenames
from mammobench.benchmark.comparison import Comparison
from mammobench.benchmark.replay.trace import Budget
from mammobench.data.store.image_store import ImageStore
from mammobench.space.search_space import SearchSpace
from mammobench.space.yaml_file import load_space
from mammobench.study.filenames import TRIALS
from mammobench.study.record import StudyRecord
from mammobench.tuning.engines.base import Engine, Proposal
from tests.integration.command_line import CommandLine, make_command_line
from tests.integration.watching import family, require_gone

BUDGET = ["--budget-epochs", "9", "--seeds", "2"]
METHODS = "random,tpe+asha,asha"


def words(line: CommandLine, out: str, *more: str) -> list[str]:
    return ["compare", "--space", "tiny.yaml", "--data", str(line.store), "--methods", METHODS, *BUDGET,
            "--out", out, *more]  # fmt: skip


@pytest.fixture(scope="module")
def whole(module_command_line: CommandLine) -> dict[str, object]:
    return module_command_line.run_json(*words(module_command_line, "whole"))


def trials_in(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return what each search of a comparison tried, and what that came to."""
    return {
        str(study.relative_to(folder)): [
            (record.number, record.state, str(dict(record.hyperparameters)), record.curve, record.continues)
            for record in StudyRecord.open(study).trials
        ]
        for study in sorted(path.parent for path in folder.rglob("study.json"))
    }


def test_every_method_searches_and_the_page_says_that_it_trained(
    module_command_line: CommandLine, whole: dict[str, object]
) -> None:
    folder = module_command_line.folder / "whole"
    page = (folder / "index.html").read_text()
    assert "Every search trained its own models" in page
    assert "Synthetic data" in page
    assert "nothing was trained" not in page
    assert len(trials_in(folder)) == 3 * 2
    overall = whole["overall"]
    assert isinstance(overall, list)
    assert {row["method"] for row in overall} == {"random", "tpe+asha", "asha"}


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("whole")
def test_kills_lose_and_double_nothing(module_command_line: CommandLine) -> None:
    """Killed with the whole family in the first search and in a later one."""
    line = module_command_line
    folder = line.folder / "killed"
    for begun in (2, 9):
        with line.start(*words(line, "killed")) as process:
            deadline = time.monotonic() + 240
            while len(list(folder.rglob(f"{TRIALS}/*"))) < begun and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            members = family(process)
            process.kill()
            process.communicate()
        require_gone(members)
    line.run(*words(line, "killed"))
    assert trials_in(folder) == trials_in(line.folder / "whole")


class Backwards(Engine):
    """Somebody's own method, which proposes smaller and smaller learning rates."""

    def __init__(self, space: SearchSpace, *, directions: object, seed: int) -> None:
        del directions, seed
        self._space = space

    def propose(self, number: int) -> Proposal:
        values = {item.key: item.at(1 / (number + 1)) for item in self._space.hyperparameters}
        return Proposal(number, values)

    def resume(self, proposal: Proposal, curve: object = ()) -> None:
        pass

    def learn(self, outcome: object) -> None:
        pass


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, phantom: ImageStore) -> Comparison:
    line = make_command_line(tmp_path_factory.mktemp("own"), phantom)
    return mammobench.compare(
        space=load_space(line.folder / "tiny.yaml"), data=phantom.path,
        methods=["random", "random*2", Backwards], seeds=1, budget=Budget(trials=2), workers=2,
        out=line.folder / "c", figures=False,
    )  # fmt: skip


def test_ones_own_class_searches(own: Comparison) -> None:
    assert set(own.assessment.methods) == {"random", "random*2", "Backwards"}
    # one search of each shows nothing
    assert set(own.frame("pairs")["verdict"]) == {"undecided"}


def test_a_search_is_told_on_the_clock_of_a_replay(own: Comparison) -> None:
    """Two trials at most at a time, events within their trials, a double budget at double speed."""
    counts = {}
    for trace in own.traces:
        trials, events = trace.trials, trace.events
        counts[trace.method] = len(trials) - 1
        assert events["seconds"].is_monotonic_increasing
        assert set(trials["worker"]) <= {0, 1}
        for _, shift in trials.groupby("worker"):
            ordered = shift.sort_values("started")
            assert (ordered["started"].to_numpy()[1:] >= ordered["ended"].to_numpy()[:-1] - 1e-9).all()
        joined = events.merge(trials, on="trial")
        assert (joined["seconds"] > joined["started"]).all()
        assert (joined["seconds"] < joined["ended"]).all()
        epochs = events.groupby("trial")["epoch"].agg(list)
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in epochs)
    assert counts == {"random": 2, "random*2": 4, "Backwards": 2}
    fast = next(trace for trace in own.traces if trace.method == "random*2")
    study = StudyRecord.open(own.folder / filenames.STUDIES / "random%2A2" / "0000")
    record = study.trial(0)
    taken = fast.trials["ended"][0] - fast.trials["started"][0]
    beside = {"ask", "write", "sealed", "other"}
    parts = sum(seconds for name, seconds in record.seconds.items() if name not in beside)
    np.testing.assert_allclose(2 * taken, parts, rtol=1e-3)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--methods", "tpee"], "did you mean 'tpe'"),
        (["--budget-epochs", "2"], "pays for no whole training"),
        (["--data", "nowhere"], "no image store"),
        (["--space", "tinny"], "unknown search space"),
        (["some-table"], "one comparison does one of them"),
    ],
)
def test_a_comparison_that_cannot_be_leaves_nothing(
    command_line: CommandLine, more: list[str], said: str
) -> None:
    _, err = command_line.run(*words(command_line, "c"), *more, status=2)
    assert said in " ".join(err.split())
    assert not (command_line.folder / "c").exists()


@pytest.mark.usefixtures("whole")
def test_another_budget_is_refused(module_command_line: CommandLine) -> None:
    asked = words(module_command_line, "whole")
    asked[asked.index("9")] = "12"
    _, err = module_command_line.run(*asked, status=2)
    assert "another budget" in err
