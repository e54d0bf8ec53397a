"""Every table that is shipped opens, holds what its card says, and all of them are small."""

from pathlib import Path

import numpy as np
import pytest

from mammobench.benchmark.filenames import CARD, STUDY
from mammobench.benchmark.replay.methods import parse_method
from mammobench.benchmark.replay.search import replay
from mammobench.benchmark.replay.trace import Budget
from mammobench.benchmark.statistics.scale import scale_of
from mammobench.benchmark.tables.observed import read_observed
from mammobench.benchmark.tables.sealed import read_sealed
from mammobench.benchmark.tables.table import Table
from mammobench.space.yaml_file import load_space

TABLES = Path(__file__).resolve().parents[2] / "reports" / "tables"
MOST_BYTES = 10 * 2**20


@pytest.fixture(params=sorted(path.name for path in TABLES.iterdir()))
def table(request: pytest.FixtureRequest) -> Table:
    return Table.open(TABLES / str(request.param))


def test_the_tables_are_small() -> None:
    files = [path for path in TABLES.rglob("*") if path.is_file() and STUDY not in path.parts]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


def test_a_table_is_of_a_shipped_space_and_says_whether_it_is_synthetic(table: Table) -> None:
    space = load_space(table.recorded.space.name)
    assert {item.key for item in table.recorded.space.hyperparameters} == {
        item.key for item in space.hyperparameters
    }
    card = (table.folder / CARD).read_text()
    assert ("Synthetic data" in card) == table.metadata["data"]["synthetic"]
    assert str(len(table.configs)) in card


def test_a_table_gives_a_scale_and_a_method_searches_it(table: Table) -> None:
    observed, sealed = read_observed(table), read_sealed(table)
    scale = scale_of(observed, sealed)
    assert 0 <= scale.target < 1
    assert np.isfinite(sealed.test).any()
    trace = replay(observed, parse_method("tpe+median"), seed=0, budget=Budget(trials=6))
    assert len(trace.trials) == 7
