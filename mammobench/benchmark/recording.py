"""`record_table`: a study of a design, and the table that is made of it."""

from collections.abc import Callable
from pathlib import Path

from mammobench.benchmark.exporting import recorded_design, recorded_search
from mammobench.benchmark.filenames import STUDY, SUMS
from mammobench.benchmark.merging import merged
from mammobench.benchmark.tables.recorded import Recorded
from mammobench.benchmark.tables.table import Table
from mammobench.benchmark.tables.writing import write_table
from mammobench.benchmark.whole_trainings import whole_trainings
from mammobench.core.errors import ConfigError, DataError, StudyError
from mammobench.core.names import RULE, is_plain
from mammobench.data.store.image_store import ImageStore
from mammobench.space.search_space import SearchSpace
from mammobench.space.yaml_file import load_space
from mammobench.study.design import Design
from mammobench.study.filenames import SPEC
from mammobench.study.options import RUN_OPTIONS, STUDY_OPTIONS, RunOptions
from mammobench.study.paths import new_folder
from mammobench.study.record import StudyRecord
from mammobench.tuning.arguments import asked_space, checked_options, require_positive, require_usable
from mammobench.tuning.engines.design import DesignEngine
from mammobench.tuning.events import Event
from mammobench.tuning.loop import run_search
from mammobench.tuning.opening import start_or_continue
from mammobench.tuning.proposer import engine_of
from mammobench.tuning.request import Request
from mammobench.tuning.trial_files import fetch_artifacts

CONFIGURATIONS = 128
SEEDS = 3


def _silent(*_: object) -> None:
    """Show nothing."""


def record_table(
    space: str | Path | SearchSpace,
    *,
    data: str | Path,
    out: str | Path,
    configurations: int = CONFIGURATIONS,
    seeds: int = SEEDS,
    split: str | None = None,
    max_parameters: float | None = None,
    seed: int = 0,
    description: str = "",
    precision: str = "auto",
    storage: str | None = None,
    artifacts: str | Path | None = None,
    heartbeat: int | None = None,
    workers: int = 1,
    timeout: float | None = None,
    trial_timeout: float | None = None,
    share_devices: bool = False,
    observe: Callable[[StudyRecord, Event], None] = _silent,
    progress: Callable[..., None] = _silent,
) -> Table | None:
    """Record trainings of a space's configurations into a table, or go on with one that exists.

    Each configuration is trained for the whole budget of epochs, without early stopping, once for each
    training seed; a table that exists gets more configurations or seeds. The study that trains them lies in
    the table's folder, ``study/``, and goes on after an interruption as every study does.

    Args:
        space: Name of a shipped space, a YAML file, or a `SearchSpace`.
        data: The image store.
        out: The table's folder, whose name is the table's.
        configurations: Of the space: the default one, and points of a scrambled Sobol' sequence. The
            reference CNN comes on top.
        seeds: Training seeds of each.
        split: ``official``, ``grouped`` or ``reference``; None for the space's own.
        max_parameters: Weights that a model may have; a larger one is recorded as infeasible.
        seed: Of the design and all its trainings.
        description: A sentence or more for the table's card.
        precision: As `search` has it, as are the arguments that follow.
        storage: URL of a PostgreSQL database, for a table that many machines record.
        artifacts: Folder or ``s3://bucket/prefix`` for its files.
        heartbeat: Seconds between a worker's signs of life.
        workers: Trainings at a time.
        timeout: Seconds after which none is started any more.
        trial_timeout: Seconds after which a training fails.
        share_devices: Whether two trainings may use one GPU.
        observe: Told of trainings and epochs.
        progress: Told of whatever else takes seconds.

    Returns:
        The table; None where the time was over before its first configuration was whole.

    Raises:
        SpaceError: For a space that cannot be used.
        ConfigError: For a wrong argument.
        DataError: For a store that cannot be used, or a table that is damaged or another's.
        StudyError: When the table's study was asked something else, or is being recorded.
        TrialError: When the first trainings all fail for one reason.
    """
    arguments = locals() | {"engine": "design", "sampler": "sobol"}
    options = checked_options(STUDY_OPTIONS, arguments)
    run = RunOptions(**checked_options(RUN_OPTIONS, arguments))
    require_positive(configurations=configurations, seeds=seeds, max_parameters=max_parameters)
    out = Path(out)
    if not is_plain(out.resolve().name):
        raise ConfigError("not a name that a table can have", where="--out", expected=RULE, found=out.name)
    given = space.name if isinstance(space, SearchSpace) else str(space)
    loaded = space if isinstance(space, SearchSpace) else load_space(space)
    loaded = whole_trainings(asked_space(loaded, objectives=(), trials=None, split=split))
    store = ImageStore.open(Path(data))
    there = Table.open(out) if (out / SUMS).is_file() else None
    study = out / STUDY / out.resolve().name
    design = Design(configurations=configurations, seeds=seeds, there=_there(there, study, seed=seed))
    if there is not None:
        _require_no_smaller(there, configurations, seeds)
        _require_same(there, loaded, store)
    request = Request(
        space=loaded,
        given=given,
        data=str(data),
        options=options,
        objectives=(loaded.objective,),
        limits={} if max_parameters is None else {"weights": max_parameters},
        folder=new_folder(study, where="--out"),
        split=split,
        design=design,
    )
    for warning in require_usable(store, loaded):
        progress(warning.rstrip("."), 0, 0)
    progress("Loading TensorFlow", 0, 1)
    with start_or_continue(request, store) as begun:
        progress("Loading TensorFlow", 1, 1)
        record = _grown(begun, design)
        engine = engine_of(record.spec, record.space)
        if not isinstance(engine, DesignEngine):
            raise TypeError(f"the engine of a table is a design, found {type(engine).__name__}")
        run_search(
            record,
            store,
            trials=engine.planned,
            options=run,
            observe=lambda event: observe(record, event),
        )
        fetch_artifacts(record)
        recorded = recorded_design(
            record, name=out.resolve().name, description=description, progress=progress
        )
        _write(out, recorded, there, record)
    return Table.open(out) if (out / SUMS).is_file() else None


def export_table(
    study: StudyRecord,
    out: str | Path,
    *,
    description: str = "",
    progress: Callable[..., None] = _silent,
) -> Table:
    """Write a study's whole curves as a table.

    Args:
        study: A search, or the study of a design.
        out: The table's folder, whose name is the table's.
        description: A sentence or more for the table's card.
        progress: Told of the trainings that are read.

    Raises:
        DataError: Where the study has no whole curves, or `out` holds a table.
    """
    out = Path(out)
    if (out / SUMS).is_file():
        raise DataError(
            "there is a table already", where=out, remedy="Choose another folder with --out, or remove it"
        )
    take = recorded_design if study.spec.design is not None else recorded_search
    recorded = take(study, name=out.resolve().name, description=description, progress=progress)
    if recorded is None:
        raise DataError(
            "no configuration of the design is whole",
            where=study.folder,
            remedy="Let `mammobench record` go on",
        )
    write_table(out, recorded)
    return Table.open(out)


def _there(table: Table | None, study: Path, *, seed: int) -> tuple[int, int]:
    """Return the configurations and training seeds that a table has from elsewhere."""
    if (study / SPEC).is_file():
        known = StudyRecord.open(study).spec.design
        return (0, 0) if known is None else known.there
    if table is None:
        return 0, 0
    if table.metadata.get("seed") != seed or table.metadata.get("design") is None:
        raise DataError(
            "the table's design has another seed, or it is a search's",
            where=table.folder,
            expected=f"--seed {table.metadata.get('seed')}",
            found=f"--seed {seed}",
            remedy="Record into another folder with --out",
        )
    return len(table.configs), int(table.facts()["training_seeds"])


def _require_no_smaller(table: Table, configurations: int, seeds: int) -> None:
    facts = table.facts()
    recorded = facts["configurations"] - 1, facts["training_seeds"]
    if configurations < min(recorded[0], table.recorded.space.size) or seeds < recorded[1]:
        raise ConfigError(
            "the table has more already, and nothing is taken away",
            where=table.folder,
            expected=f"--configurations of {recorded[0]} or more and --seeds of {recorded[1]} or more",
            found=f"{configurations} and {seeds}",
        )


def _require_same(table: Table, space: SearchSpace, store: ImageStore) -> None:
    mine, theirs = ({**each.to_dict(), "name": "", "budget": each.budget.max_epochs} for each in (
        space, table.recorded.space))  # fmt: skip
    faults = [key for key in mine if mine[key] != theirs.get(key)]
    if table.metadata["data"].get("fingerprint") != store.fingerprint:
        faults.append("data")
    if faults:
        raise DataError(
            f"the table is of another {', '.join(faults)}",
            where=table.folder,
            remedy="Record into another folder with --out",
        )


def _grown(record: StudyRecord, design: Design) -> StudyRecord:
    """Return the study with the design that is asked now."""
    known = record.spec.design
    if known is None:
        raise StudyError("the study records no table", where=record.folder)
    if design.configurations < known.configurations or design.seeds < known.seeds:
        raise StudyError(
            "the recording has begun with more, and nothing is taken away",
            where=record.folder,
            expected=f"--configurations of {known.configurations} or more, --seeds of {known.seeds} or more",
            found=f"{design.configurations} and {design.seeds}",
        )
    return record if design == known else record.redesign(design)


def _write(out: Path, recorded: Recorded | None, there: Table | None, record: StudyRecord) -> None:
    """Write what is recorded, unless the table there has more."""
    design = record.spec.design
    if recorded is None or design is None:
        return
    if design.there != (0, 0) and there is not None:
        recorded = merged(there.recorded, recorded)
        if recorded is None:
            return
    elif there is not None and len(recorded.runs) < len(there.runs):
        return
    write_table(out, recorded)
