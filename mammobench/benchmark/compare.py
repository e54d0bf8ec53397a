"""`compare`: search methods against each other, replayed on tables or with searches of their own."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mammobench.benchmark.comparing import compare_on_tables
from mammobench.benchmark.comparison import Comparison
from mammobench.benchmark.live.comparing import compare_live
from mammobench.benchmark.replay.methods import EngineMaker, Method
from mammobench.benchmark.replay.search import Asked
from mammobench.benchmark.replay.trace import Budget
from mammobench.benchmark.tables.table import Table
from mammobench.core.errors import ConfigError
from mammobench.space.search_space import SearchSpace
from mammobench.study.record import StudyRecord
from mammobench.tuning.events import Event

SEEDS = 50
LIVE_SEEDS = 5
OUT = Path("reports") / "methods"


def _silent(*_: object) -> None:
    """Show nothing."""


def compare(
    tables: Sequence[str | Path | Table] = (),
    *,
    space: str | Path | SearchSpace | None = None,
    data: str | Path | None = None,
    methods: str | Sequence[str | Method | EngineMaker] = "default",
    seeds: int | None = None,
    out: str | Path = OUT,
    budget: Budget | None = None,
    workers: int = 1,
    answers: Asked = "auto",
    jobs: int | None = None,
    split: str | None = None,
    precision: str = "auto",
    figures: bool = True,
    observe: Callable[[StudyRecord, Event], None] = _silent,
    progress: Callable[..., None] = _silent,
) -> Comparison:
    """Compare search methods, replayed on tables of recorded trainings or with searches of their own.

    Each search is kept as it ends: the same call goes on where it was interrupted, and one with more methods,
    tables or seeds adds theirs.

    Args:
        tables: Folders of tables, or opened ones; none where a space is searched.
        space: Name of a shipped space, a YAML file, or a `SearchSpace`, to be searched with every method.
        data: The image store that it is searched on.
        methods: Names with commas between, ``default``, ``all``; or a list of names and of classes with
            `propose` and `learn`, see `Method.of`.
        seeds: Searches of each method on each table; None for 50 that are replayed, 5 that train.
        out: The comparison's folder.
        budget: Of each search. None, replayed: the seconds of the space's budget of trials, at least 32, at
            the median of a whole training; training: the epochs of that budget.
        workers: Trials at a time, simulated where they are replayed.
        answers: How tables answer proposals: ``auto``, ``exact``, ``nearest`` or ``surrogate``.
        jobs: Processes that replay; None for one a core.
        split: Of searches that train: ``official``, ``grouped`` or ``reference``; None for the space's own.
        precision: Of searches that train, as `mammobench.search` has it.
        figures: Whether to write each figure as PDF and PNG too.
        observe: Told of trials and epochs of searches that train.
        progress: Told of whatever else takes seconds.

    Raises:
        ConfigError: For a wrong argument, or a comparison in `out` that was asked something else.
        DataError: For a table that is missing or damaged, and for a store that cannot be used.
        EngineError: For a method that there is not, and for a package that is not installed.
        SpaceError: For a space that cannot be used.
        TrialError: When the first trainings of a search all fail for one reason.
    """
    if space is None and data is None:
        replayed = SEEDS if seeds is None else seeds
        return compare_on_tables(
            tables, methods=methods, seeds=replayed, out=out, budget=budget, workers=workers, answers=answers,
            jobs=jobs, figures=figures, progress=progress,
        )  # fmt: skip
    if tables or space is None or data is None:
        raise ConfigError(
            "tables are replayed, a space is searched on an image store; one comparison does one of them",
            expected="tables alone, or --space and --data",
            found=", ".join(
                name
                for name, there in (
                    ("tables", tables), ("--space", space is not None), ("--data", data is not None),
                )
                if there
            ),
        )  # fmt: skip
    return compare_live(
        space, data=data, methods=methods, seeds=LIVE_SEEDS if seeds is None else seeds, out=out,
        budget=budget, workers=workers, split=split, precision=precision, figures=figures, observe=observe,
        progress=progress,
    )  # fmt: skip
