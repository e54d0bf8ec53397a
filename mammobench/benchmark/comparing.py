"""`compare_on_tables`: searches of methods on tables, each kept as it ends, and what they come to."""

import itertools
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mammobench.benchmark import filenames
from mammobench.benchmark.comparison import Comparison
from mammobench.benchmark.replay.methods import EngineMaker, Method, methods_named
from mammobench.benchmark.replay.search import (
    Asked,
    answering,
    answers_of,
    replay,
    trials_within,
    whole_seconds,
)
from mammobench.benchmark.replay.trace import Budget
from mammobench.benchmark.replay.trace_file import load_trace, save_trace
from mammobench.benchmark.statistics.assessment import assess
from mammobench.benchmark.tables.observed import Observed, read_observed
from mammobench.benchmark.tables.sealed import read_sealed
from mammobench.benchmark.tables.table import Table
from mammobench.core.errors import ConfigError, DataError
from mammobench.core.files import sweep, write_json
from mammobench.study.lock import locked
from mammobench.training.runtime import usable_cores
from mammobench.tuning.engines.plugins import Plugin

FEWEST_TRIALS = 32
"""The default budget is that of the space, but at least so many whole trainings."""

FORMAT = 1
HEAVY = "mammobench.benchmark.replay.preload"
"""What the server of processes has loaded where a method is KerasTuner's."""

SEEDS = 50


def _silent(*_: object) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Search:
    """One search that a comparison needs.

    Attributes:
        folder: Of the table.
        table: Its name.
        digest: Of its files.
        method: How it searches.
        seed: Of the search.
        budget: When it ends.
        workers: Trials at a time.
        answers: How the table answers.
        path: Where its trace is kept.
    """

    folder: Path
    table: str
    digest: str
    method: Method
    seed: int
    budget: Budget
    workers: int
    answers: Asked
    path: Path


def compare_on_tables(
    tables: Sequence[str | Path | Table],
    *,
    methods: str | Sequence[str | Method | EngineMaker] = "default",
    seeds: int = SEEDS,
    out: str | Path = Path("reports") / "methods",
    budget: Budget | None = None,
    workers: int = 1,
    answers: Asked = "auto",
    jobs: int | None = None,
    figures: bool = True,
    progress: Callable[..., None] = _silent,
) -> Comparison:
    """Replay search methods on tables of recorded trainings, and compare them.

    Each search is kept as it ends: the same call goes on where it was interrupted, and one with more methods,
    tables or seeds adds theirs.

    Args:
        tables: Folders of tables, or opened ones.
        methods: Names with commas between, ``default``, ``all``; or a list of names and of classes with
            `propose` and `learn`, see `Method.of`.
        seeds: Searches of each method on each table.
        out: The comparison's folder.
        budget: Of each search; None for the seconds of the space's budget of trials, at least
            `FEWEST_TRIALS`, at the median of a whole training.
        workers: Simulated workers.
        answers: How tables answer proposals; see `replay`.
        jobs: Processes; None for one a core.
        figures: Whether to write each figure as PDF and PNG too.
        progress: Told of searches done, and of their total.

    Raises:
        ConfigError: For a wrong argument, or a comparison in `out` that was asked something else.
        DataError: For a table that is missing or damaged.
        EngineError: For a method that there is not, and for a package that is not installed.
    """
    chosen = _methods(methods)
    if seeds < 1 or workers < 1 or (jobs is not None and jobs < 1):
        raise ConfigError("wrong number", expected="seeds, workers and jobs of 1 or more",
                          found=f"{seeds}, {workers} and {jobs}")  # fmt: skip
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
                # its processes load it once between them, and its name has been checked
                continue
            # what cannot search says so before anything is written
            method.engine(each.space, direction=each.direction, seed=0,
                          constraints=int((each.status == "infeasible").any()))  # fmt: skip
    out = Path(out)
    asked = {
        table.name: {
            "table": str(table.folder.resolve()),
            "digest": table.digest,
            "budget": {key: value for key, value in asdict(budgets[table.name]).items() if value is not None},
            "workers": workers,
            "answers": answering(observed[table.name], answers),
            "synthetic": bool(table.metadata["data"]["synthetic"]),
            "source": table.metadata["data"]["source"],
            "description": table.metadata.get("description", ""),
            "facts": table.facts(),
        }
        for table in opened
    }
    with locked(out):
        known = _continued(out, asked)
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
        write_json(out / filenames.COMPARISON, {"format": FORMAT, "tables": known})
        _search_all(searches, jobs or usable_cores(), progress)
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


def _methods(given: str | Sequence[str | Method | EngineMaker]) -> tuple[Method, ...]:
    if isinstance(given, str):
        return methods_named(given)
    found: dict[str, Method] = {}
    for each in given:
        several = methods_named(each) if isinstance(each, str) else (Method.of(each),)
        found |= {method.name: method for method in several}
    if not found:
        raise ConfigError("no methods to compare", expected="one method or more")
    return tuple(found.values())


def _continued(out: Path, asked: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what the comparison has been asked of each table, with what is asked now.

    Raises:
        ConfigError: Where a table is asked otherwise than before.
    """
    path = out / filenames.COMPARISON
    known: dict[str, Any] = {}
    if path.is_file():
        try:
            known = dict(json.loads(path.read_text(encoding="utf-8"))["tables"])
        except (ValueError, KeyError, TypeError):
            raise DataError(
                "damaged comparison", where=path, remedy="Remove it, or choose another --out"
            ) from None
    for name, each in asked.items():
        before = known.get(name, each)
        differing = [
            key for key in ("digest", "budget", "workers", "answers") if before.get(key) != each[key]
        ]
        if differing:
            told = {"digest": "table: its files have changed"}
            raise ConfigError(
                "the comparison there was asked another "
                f"{', '.join(told.get(key, key) for key in differing)}",
                where=f"{path}, {name}",
                expected=", ".join(f"{key} {before.get(key)}" for key in differing),
                found=", ".join(f"{key} {each[key]}" for key in differing),
                remedy="Choose another folder with --out",
            )
    return known | asked


def _search_all(searches: Sequence[Search], jobs: int, progress: Callable[..., None]) -> None:
    """Run the searches that are not kept yet."""
    for folder in {search.path.parent for search in searches}:
        sweep(folder, seconds=0)
    left = [search for search in searches if load_trace(search.path) is None]
    done = len(searches) - len(left)
    progress("Searching", done, len(searches))
    # a class of a notebook cannot go to another process
    alone = [search for search in left if not _travels(search.method)]
    together = [search for search in left if _travels(search.method)]
    for _ in _run(together, jobs if len(together) > 1 else 1):
        done += 1
        progress("Searching", done, len(searches))
    for search in alone:
        run_search_on_table(search)
        done += 1
        progress("Searching", done, len(searches))


def _run(searches: Sequence[Search], jobs: int) -> Iterator[None]:
    if jobs == 1:
        for search in searches:
            run_search_on_table(search)
            yield
        return
    # a server that has the libraries loaded, so that processes share their memory
    context = multiprocessing.get_context("forkserver")
    heavy = any(search.method.heavy for search in searches)
    context.set_forkserver_preload([HEAVY if heavy else __name__])
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_end_with_parent)
    queue = iter(searches)
    running: set[Future[None]] = set()
    try:
        while True:
            for search in itertools.islice(queue, 2 * jobs - len(running)):
                running.add(pool.submit(run_search_on_table, search))
            if not running:
                return
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                future.result()
                yield
    finally:
        # a search in its midst takes seconds at most, and is kept
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """End this process as soon as the one that started it is gone, however that ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="mammobench-parent", daemon=True).start()


def run_search_on_table(search: Search) -> None:
    """Run one search and keep its trace."""
    observed, answers = _open(search.folder, search.digest, search.answers)
    trace = replay(
        observed,
        search.method,
        seed=search.seed,
        budget=search.budget,
        workers=search.workers,
        answers=answers,
    )
    save_trace(trace, search.path)


@lru_cache(maxsize=16)
def _open(folder: Path, digest: str, answers: Asked) -> tuple[Observed, Any]:
    # a process opens each table once
    table = Table.open(folder)
    if table.digest != digest:
        raise DataError("the table changed while it was compared on", where=folder)
    observed = read_observed(table)
    return observed, answers_of(observed, answers)


def _travels(method: Method) -> bool:
    """Return whether another process can import what makes the method's engine."""
    made = method.make
    if made is None or isinstance(made, Plugin):
        return True
    module, name = getattr(made, "__module__", "__main__"), getattr(made, "__qualname__", "")
    return module != "__main__" and getattr(sys.modules.get(module), name, None) is made
