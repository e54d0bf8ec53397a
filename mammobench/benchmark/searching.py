"""Searches of methods on tables, in several processes, each kept as it ends."""

import itertools
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mammobench.benchmark.replay.methods import Method
from mammobench.benchmark.replay.search import Asked, answers_of, replay
from mammobench.benchmark.replay.trace import Budget
from mammobench.benchmark.replay.trace_file import load_trace, save_trace
from mammobench.benchmark.tables.observed import Observed, read_observed
from mammobench.benchmark.tables.table import Table
from mammobench.core.errors import DataError
from mammobench.core.files import sweep
from mammobench.tuning.engines.plugins import Plugin

LOADED = "mammobench.benchmark.replay.preload"
"""What the server of processes has loaded for all of them."""


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


def search_all(searches: Sequence[Search], jobs: int, progress: Callable[..., None]) -> None:
    """Run the searches that are not kept yet."""
    for folder in {search.path.parent for search in searches}:
        sweep(folder, seconds=0)
    left = [search for search in searches if load_trace(search.path) is None]
    done = len(searches) - len(left)
    progress("Searching", done, len(searches))
    together = [search for search in left if _travels(search.method)]
    alone = [search for search in left if not _travels(search.method)]
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
    context.set_forkserver_preload([LOADED])
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
    """Return whether another process can make the method's engine, and is not too large with it.

    A class of a notebook cannot be imported there; with KerasTuner a process is as large as three.
    """
    made = method.make
    if method.heavy:
        return False
    if made is None or isinstance(made, Plugin):
        return True
    module, name = getattr(made, "__module__", "__main__"), getattr(made, "__qualname__", "")
    return module != "__main__" and getattr(sys.modules.get(module), name, None) is made
