"""A search from what was asked to its report, and what one more worker does for it."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from mammobench.analysis.replication import FINALISTS, replicate_study
from mammobench.analysis.retraining import Progress
from mammobench.core.errors import DataError, StudyError
from mammobench.core.signs import Pace
from mammobench.data.images.phantom import make_phantom
from mammobench.data.store.image_store import ImageStore
from mammobench.report.html import write_report
from mammobench.report.write import provide_baselines_from
from mammobench.space.one_split import require_one_split
from mammobench.space.search_space import SearchSpace
from mammobench.space.yaml_file import load_space
from mammobench.study.options import RUN_OPTIONS, STUDY_OPTIONS, RunOptions
from mammobench.study.paths import folder_named, new_folder, study_folder
from mammobench.study.record import StudyRecord, utc_now
from mammobench.training.process import StepEnd, TrialEnd
from mammobench.training.runtime import describe
from mammobench.tuning.arguments import asked_space, checked_options, require_positive, require_usable
from mammobench.tuning.engines.making import check_engine
from mammobench.tuning.events import Event, TrialStart
from mammobench.tuning.loop import run_search
from mammobench.tuning.opening import planned_trials, require_trials, start_or_continue
from mammobench.tuning.request import Request
from mammobench.tuning.trial_files import fetch_artifacts

DEMONSTRATION_IMAGES = 2000
DEMONSTRATION_DIFFICULTY = 0.35  # so that nine epochs tell good configurations from bad ones


def _silent(*_: object) -> None:
    """Show nothing."""


def search_and_report(
    space: str | Path | SearchSpace = "quick",
    *,
    data: str | Path | None = None,
    split: str | None = None,
    engine: str = "optuna",
    sampler: str | None = None,
    pruner: str = "none",
    objective: str | Sequence[str] | None = None,
    max_parameters: float | None = None,
    max_latency: float | None = None,
    stop_when_settled: bool | None = None,
    trials: int | None = None,
    workers: int = 1,
    timeout: float | None = None,
    trial_timeout: float | None = None,
    seed: int = 0,
    precision: str = "auto",
    study: str | Path | None = None,
    storage: str | None = None,
    artifacts: str | Path | None = None,
    heartbeat: int | None = None,
    share_devices: bool = False,
    tensorboard: bool = False,
    replicates: int = 0,
    finalists: int = FINALISTS,
    launch: Callable[[StudyRecord], object] | None = None,
    observe: Callable[[StudyRecord, Event], None] = _silent,
    progress: Progress = _silent,
) -> StudyRecord:
    """Search a space, or continue a study that exists, and write its report.

    A study that exists goes on as it stands where `trials`, `precision`, `storage`, `artifacts`, `heartbeat`
    and `stop_when_settled` are left out. Whatever is asked otherwise is refused, but for more `trials`.

    Args:
        space: Name of a shipped space, a YAML file, or a `SearchSpace`.
        data: An image store; without it a synthetic phantom set is made once and used.
        split: ``official``, ``grouped`` or ``reference``; None for the space's own.
        engine: ``optuna`` or ``keras-tuner``.
        sampler: A method of the engine; None for its default.
        pruner: What stops trials early, of Optuna's.
        objective: A validation metric, or several, with costs behind the first; None for the space's own.
        max_parameters: Weights that a model may have; larger ones are not trained.
        max_latency: Milliseconds that a model may take for one image; slower ones are not trained.
        stop_when_settled: Whether Optuna's terminator may end the search; None for no.
        trials: Configurations to try in all; None for the space's budget.
        workers: Trials at a time.
        timeout: Seconds after which no trial is started any more.
        trial_timeout: Seconds after which a trial fails.
        seed: Of the search and all its trials.
        precision: ``auto``, ``float32``, ``mixed_bfloat16`` or ``mixed_float16``.
        study: Name under ``reports/`` or a path; None for the space's name.
        storage: URL of a PostgreSQL database for a study that many machines search.
        artifacts: Folder or ``s3://bucket/prefix`` for its files.
        heartbeat: Seconds between a worker's signs of life (10); six missed, and its trial runs again.
        share_devices: Whether two trials may use one GPU.
        tensorboard: Whether trials write TensorBoard logs.
        replicates: Seeds to train each finalist with when the search has ended.
        finalists: How many of the best by validation those are; the reference CNN comes on top.
        launch: Called with the study instead of searching it here, to have it searched by workers elsewhere.
        observe: Told of trials and epochs.
        progress: Told of whatever else takes seconds.

    Returns:
        The study, its report written unless it was launched.

    Raises:
        SpaceError: For a space that cannot be used.
        ConfigError: For a wrong argument.
        EngineError: For a method that cannot do what is asked.
        DataError: For a store that cannot be used.
        StudyError: When the study exists and was asked something else, or is being searched.
        TrialError: When the first trials all fail for one reason.
    """
    arguments = locals()  # among them every option that is declared, by its name
    options = checked_options(STUDY_OPTIONS, arguments)
    run = RunOptions(**checked_options(RUN_OPTIONS, arguments))
    require_positive(max_parameters=max_parameters, max_latency=max_latency)
    given = space.name if isinstance(space, SearchSpace) else str(space)
    names = () if objective is None else (objective,) if isinstance(objective, str) else tuple(objective)
    space = space if isinstance(space, SearchSpace) else load_space(space)
    space = asked_space(space, objectives=names, trials=trials, split=split)
    options["sampler"] = check_engine(engine, sampler, pruner=pruner, objectives=max(1, len(names)))
    limits = {"weights": max_parameters, "latency_ms": max_latency}
    request = Request(
        space=space,
        given=given,
        data=None if data is None else str(data),
        options=options,
        objectives=names or (space.objective,),
        limits={cost: limit for cost, limit in limits.items() if limit is not None},
        folder=new_folder(study) if study is not None else folder_named(space.name, where="the space's name"),
        split=split,
        trials=trials,
    )
    store = ImageStore.open(Path(data)) if data is not None else demonstration_store(progress)
    for warning in require_usable(store, space):
        progress(warning.rstrip("."), 0, 0)
    progress("Loading TensorFlow", 0, 1)
    with start_or_continue(request, store) as record:
        progress("Loading TensorFlow", 1, 1)
        if launch is not None:
            launch(record)
            return record
        early = run_search(
            record,
            store,
            trials=planned_trials(record, trials, space),
            options=run,
            observe=lambda event: observe(record, event),
        )
        if early is not None:
            progress(f"The search ends before its budget of trials: {early}", 0, 0)
        fetch_artifacts(record)
        if replicates:
            replicate_study(record, replicates=replicates, top=finalists, data=store.path, progress=progress)
        progress("Writing the report", 0, 1)
        provide_baselines_from(record, store)
        write_report(record)
        progress("Writing the report", 1, 1)
    return record


def work_on(
    study: str | Path,
    *,
    storage: str | None = None,
    data: str | Path | None = None,
    workers: int = 1,
    trials: int | None = None,
    timeout: float | None = None,
    trial_timeout: float | None = None,
    share_devices: bool = False,
    observe: Callable[[StudyRecord, Event], None] = _silent,
) -> StudyRecord:
    """Be one more worker for a study, on this or any other machine, until it has all its trials.

    Args:
        study: Name of the study, under ``reports/`` here and in the database, or the path of its folder.
        storage: URL of the database that has its record; None where the folder here names it.
        data: The image store on this machine; None where it lies at the place that the study names.
        workers: Trials at a time on this machine.
        trials: Searched trials in all; None for what the study was asked.
        timeout: Seconds after which no trial is started any more.
        trial_timeout: Seconds after which a trial fails.
        share_devices: Whether two trials may use one GPU.
        observe: Told of trials and epochs.

    Raises:
        StudyError: When the database knows no such study, or the study lies in a folder alone.
        SpaceError: When the study searches what decides its split, as earlier versions let it.
        DataError: For a store that is missing here or holds other images.
    """
    require_positive(workers=workers, timeout=timeout, trial_timeout=trial_timeout, trials=trials)
    if storage is None:
        record = StudyRecord.open(study_folder(study))
    else:
        folder = new_folder(study, where="STUDY")
        record = StudyRecord.join(folder, folder.name, url=storage)
    require_one_split(record.space)
    if record.spec.storage is None:
        raise StudyError(
            "the study lies in a folder, which one process searches",
            where=record.folder,
            remedy="Use `mammobench search --workers N` there, or start a study with --storage postgresql://...",
        )
    require_trials(record, trials)
    store = ImageStore.open(Path(data if data is not None else record.spec.data))
    if store.fingerprint != record.spec.fingerprint:
        raise DataError(
            "these are not the study's images",
            where=store.path,
            expected=f"fingerprint {record.spec.fingerprint[:12]}",
            found=store.fingerprint[:12],
            remedy="Prepare the same source with the same version, or copy the store",
        )
    run_search(
        record,
        store,
        trials=trials or record.space.budget.trials,
        options=RunOptions(
            workers=workers, timeout=timeout, trial_timeout=trial_timeout, share_devices=share_devices
        ),
        observe=lambda event: observe(record, event),
    )
    return record


def print_event(study: StudyRecord, event: Event) -> None:
    """Write an event of a search as a line on standard output, for the logs of workers."""
    if isinstance(event, TrialStart):
        print(f"{utc_now()} {study.spec.name}: trial {event.record.number} starts", flush=True)  # noqa: T201
    elif isinstance(event, TrialEnd):
        told = event.reason or ("over a limit" if event.result is None else f"{event.result.objective:.3f}")
        print(f"{utc_now()} {study.spec.name}: trial {event.number} ends: {told}", flush=True)  # noqa: T201
    elif isinstance(event, StepEnd) and _pace().due():
        told = f"epoch {event.epoch}, step {event.step:,} of {event.steps:,}"
        print(f"{utc_now()} {study.spec.name}: trial {event.number} runs: {told}", flush=True)  # noqa: T201


@cache
def _pace() -> Pace:
    # a process has one log
    return Pace()


def demonstration_store(progress: Progress = _silent) -> ImageStore:
    """Return the synthetic phantom set that a search without data uses, made once for each version."""
    cache = user_cache_path("mammobench", ensure_exists=True)
    name = f"phantom-{describe()['mammobench']}-{DEMONSTRATION_IMAGES}-{DEMONSTRATION_DIFFICULTY}"
    folder = cache / name
    with FileLock(cache / "phantom.lock"):
        if folder.exists():
            try:
                return ImageStore.open(folder)
            except DataError as error:
                raise DataError(
                    f"the cached phantom set is damaged ({error.problem})",
                    where=folder,
                    remedy="Delete that folder",
                ) from None
        return make_phantom(
            folder,
            images=DEMONSTRATION_IMAGES,
            difficulty=DEMONSTRATION_DIFFICULTY,
            progress=lambda done, total: progress("Making synthetic phantom images", done, total),
        )
