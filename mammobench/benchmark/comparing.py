"""`compare_on_tables`: searches of methods on tables, each kept as it ends, and what they come to."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

from mammobench.benchmark import filenames
from mammobench.benchmark.asked import chosen_methods, continued, require_counts
from mammobench.benchmark.comparison import Comparison
from mammobench.benchmark.replay.methods import EngineMaker, Method
from mammobench.benchmark.replay.search import (
    Asked,
    answering,
    trials_within,
    whole_seconds,
)
from mammobench.benchmark.replay.trace import Budget
from mammobench.benchmark.replay.trace_file import load_trace
from mammobench.benchmark.searching import Search, search_all
from mammobench.benchmark.statistics.assessment import assess
from mammobench.benchmark.tables.observed import Observed, read_observed
from mammobench.benchmark.tables.sealed import read_sealed
from mammobench.benchmark.tables.table import Table
from mammobench.core.errors import ConfigError, DataError
from mammobench.core.files import write_json
from mammobench.study.lock import locked
from mammobench.training.runtime import usable_cores

FEWEST_TRIALS = 32
"""The default budget is that of the space, but at least so many whole trainings."""


def compare_on_tables(
    tables: Sequence[str | Path | Table],
    *,
    methods: str | Sequence[str | Method | EngineMaker],
    seeds: int,
    out: str | Path,
    budget: Budget | None,
    workers: int,
    answers: Asked,
    jobs: int | None,
    figures: bool,
    progress: Callable[..., None],
) -> Comparison:
    """Replay search methods on tables of recorded trainings, and compare them.

    The arguments are those of `mammobench.benchmark.compare.compare`.

    Raises:
        ConfigError: For a wrong argument, or a comparison in `out` that was asked something else.
        DataError: For a table that is missing or damaged.
        EngineError: For a method that there is not, and for a package that is not installed.
    """
    chosen = chosen_methods(methods)
    require_counts(seeds=seeds, workers=workers, jobs=jobs)
    opened = [table if isinstance(table, Table) else Table.open(table) for table in tables]
    if not opened:
        raise ConfigError("no tables to compare on", expected="one table or more")
    names = [table.name for table in opened]
    if len(set(names)) < len(names):
        raise ConfigError("two tables of one name", found=", ".join(names), remedy="Rename a table's folder")
    observed = {table.name: read_observed(table) for table in opened}
    sealed = {table.name: read_sealed(table) for table in opened}
    budgets = {name: budget or default_budget(each, workers) for name, each in observed.items()}
    for name, each in observed.items():
        trials_within(each, budgets[name], workers)
        for method in chosen:
            if method.heavy:
                # it takes seconds to load, and its name has been checked
                continue
            # what cannot search says so before anything is written
            method.engine(each.space, direction=each.direction, seed=0,
                          constraints=int((each.status == "infeasible").any()))  # fmt: skip
    out = Path(out)
    asked = {
        table.name: {
            "table": str(table.folder),
            "digest": table.digest,
            "budget": {key: value for key, value in asdict(budgets[table.name]).items() if value is not None},
            "workers": workers,
            "answers": answering(observed[table.name], answers),
            "synthetic": bool(table.metadata["data"]["synthetic"]),
            "source": table.metadata["data"]["source"],
            "citations": table.metadata["data"]["citations"],
            "description": table.metadata.get("description", ""),
        }
        for table in opened
    }
    with locked(out):
        known = continued(out, asked)
        searches = [
            Search(
                table.folder,
                table.name,
                table.digest,
                method,
                seed,
                budgets[table.name],
                workers,
                answers,
                trace_path(out, table.name, method.name, seed),
            )
            for seed in range(seeds)
            for table in opened
            for method in chosen
        ]
        write_json(out / filenames.COMPARISON, {"format": filenames.FORMAT, "tables": known})
        search_all(searches, jobs or usable_cores(), progress)
        traces = []
        for search in searches:
            trace = load_trace(search.path)
            if trace is None:
                raise DataError("a search was kept and cannot be read", where=search.path,
                                remedy="Remove the file, and run the same command again")  # fmt: skip
            traces.append(trace)
        progress("Comparing", 0, 1)
        assessment = assess([(observed[name], sealed[name]) for name in names], traces)
        comparison = Comparison(
            folder=out,
            assessment=assessment,
            asked={name: asked[name] for name in names},
            observed=observed,
            traces=tuple(traces),
        )
        comparison.report(figures=figures)
        progress("Comparing", 1, 1)
    return comparison


def default_budget(table: Observed, workers: int) -> Budget:
    """Return the simulated seconds that a search gets unless it is asked otherwise."""
    trainings = max(FEWEST_TRIALS, table.space.budget.trials)
    return Budget(seconds=trainings * whole_seconds(table) / workers)


def trace_path(out: Path, table: str, method: str, seed: int) -> Path:
    """Return where the trace of a search is kept."""
    return out / filenames.TRACES / table / quote(method, safe="+") / f"{seed:04d}.npz"
