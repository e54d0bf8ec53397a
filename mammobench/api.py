"""What the commands do, as functions with the same words, for scripts and notebooks.

::

    study = mammobench.search(space="quick")
    study.leaderboard()
    study.report()
    study.reproduce()
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from filelock import FileLock
from platformdirs import user_cache_path

from mammobench.config import nearest
from mammobench.data.phantom import make_phantom
from mammobench.data.sources import prepare
from mammobench.data.splits import make_split
from mammobench.data.store import ImageStore
from mammobench.engines import check_engine
from mammobench.errors import ConfigError, DataError, StudyError
from mammobench.evaluation.leaderboard import Leaderboard, build_leaderboard
from mammobench.metrics import OBJECTIVES
from mammobench.report.html import write_report
from mammobench.reproduce import Reproduction, reproduce_trial
from mammobench.runtime import choose_precision, describe
from mammobench.search import Event, reference_config, run_search
from mammobench.space import SearchSpace
from mammobench.space_file import load_space
from mammobench.study import StudyRecord, utc_now
from mammobench.study_spec import StudySpec
from mammobench.trial_record import TrialRecord
from mammobench.workers import call_in_process

__all__ = [
    "Reproduction",
    "Study",
    "load_space",
    "make_phantom",
    "prepare",
    "reproduce",
    "search",
    "write_report",
]

REPORTS = Path("reports")
DEMONSTRATION_IMAGES = 2000
DEMONSTRATION_DIFFICULTY = 0.35  # so that nine epochs tell good configurations from bad ones
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and the total."""


def _silent(*_: object) -> None:
    """Show nothing."""


@dataclass(frozen=True, repr=False)
class Study:
    """A search and its results; shows itself as its ranking in a notebook.

    Args:
        record: The opened study folder.
    """

    record: StudyRecord

    @classmethod
    def open(cls, name_or_path: str | Path) -> "Study":
        """Open a study by its name under ``reports/`` or by its path.

        Raises:
            StudyError: Where there is none, with the nearest name.
        """
        return cls(StudyRecord.open(study_folder(name_or_path)))

    @property
    def folder(self) -> Path:
        """The study's folder."""
        return self.record.folder

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Every trial, by number; 0 is the reference CNN."""
        return self.record.trials

    def ranking(self) -> Leaderboard:
        """Rank the finished trials: scores on test, each with its interval, and what was left out."""
        return build_leaderboard(self.record)

    def leaderboard(self) -> pd.DataFrame:
        """Return the ranking as a table; see `mammobench.Leaderboard` for its columns."""
        return self.ranking().frame

    def report(self, out: Path | None = None) -> Path:
        """Write the HTML report, and ``leaderboard.csv`` beside it; return its path."""
        return write_report(self.record, out=out)

    def reproduce(self, trial: int | None = None, *, data: str | Path | None = None) -> Reproduction:
        """Train the selected trial (or that of a number) again, compare, and export the model.

        Raises:
            ReproductionError: When it comes out differently.
        """
        return reproduce_trial(self.record, number=trial, data=None if data is None else Path(data))

    def __repr__(self) -> str:
        finished = sum(record.state == "finished" for record in self.trials)
        return f"Study({str(self.folder)!r}, {finished} of {len(self.trials)} trials finished)"

    def _repr_html_(self) -> str:
        return self.ranking()._repr_html_()


def search(
    space: str | Path | SearchSpace = "quick",
    *,
    data: str | Path | None = None,
    engine: str = "optuna",
    sampler: str | None = None,
    objective: str | None = None,
    trials: int | None = None,
    workers: int = 1,
    timeout: float | None = None,
    seed: int = 0,
    precision: str = "auto",
    study: str | Path | None = None,
    observe: Callable[[StudyRecord, Event], None] = _silent,
    progress: Progress = _silent,
) -> Study:
    """Search a space, or continue a study that exists, and write its report.

    Args:
        space: Name of a shipped space, a YAML file, or a `SearchSpace`.
        data: An image store; without it a synthetic phantom set is made once and used.
        engine: ``optuna``.
        sampler: ``tpe`` or ``random``; None for the engine's default.
        objective: A validation metric; None for the space's own.
        trials: Configurations to try in all; None for the space's budget.
        workers: Trials at a time.
        timeout: Seconds after which no trial is started any more.
        seed: Of the search and all its trials.
        precision: ``auto``, ``float32``, ``mixed_bfloat16`` or ``mixed_float16``.
        study: Name under ``reports/`` or a path; None for the space's name.
        observe: Told of trials and epochs.
        progress: Told of whatever else takes seconds.

    Returns:
        The study, its report written.

    Raises:
        SpaceError: For a space that cannot be used.
        ConfigError: For a wrong argument.
        DataError: For a store that cannot be used.
        StudyError: When the study exists with another space, data or seed, or is being searched.
        TrialError: When the first trials all fail for one reason.
    """
    given = space.name if isinstance(space, SearchSpace) else str(space)
    space = space if isinstance(space, SearchSpace) else load_space(space)
    space = _asked(space, objective=objective, trials=trials)
    for name, value in (("workers", workers), ("timeout", timeout)):
        if value is not None and value <= 0:
            raise ConfigError("wrong value", where=name, expected="more than 0", found=value)
    sampler = check_engine(engine, sampler)
    folder = _folder(study if study is not None else space.name)
    store = ImageStore.open(Path(data)) if data is not None else demonstration_store(progress)
    _require_usable(store, space)
    spec = StudySpec(
        name=folder.name,
        space_name=space.name,
        space=space.to_dict(),
        objective=space.objective,
        direction=OBJECTIVES[space.objective].direction,
        engine=engine,
        sampler=sampler,
        seed=seed,
        precision=precision,
        data=str(store.path.resolve()),
        fingerprint=store.fingerprint,
        store=store.manifest.model_dump(mode="json"),
        versions={key: value for key, value in describe().items() if isinstance(value, str)},
        created=utc_now(),
        command=_command(given, space, folder, data, engine, sampler, seed),
    )
    if StudyRecord.exists(folder):
        record = _continued(folder, spec)
    else:
        progress("Loading TensorFlow", 0, 1)
        chosen = call_in_process(choose_precision, precision)
        progress("Loading TensorFlow", 1, 1)
        record = StudyRecord.create(folder, spec.model_copy(update={"precision": chosen}))
    with record.lock():
        run_search(
            record,
            store,
            trials=space.budget.trials,
            workers=workers,
            timeout=timeout,
            observe=lambda event: observe(record, event),
        )
    progress("Writing the report", 0, 1)
    write_report(record)
    progress("Writing the report", 1, 1)
    return Study(record)


def reproduce(study: str | Path, trial: int | None = None, *, data: str | Path | None = None) -> Reproduction:
    """Train a study's selected trial (or that of a number) again; see `Study.reproduce`."""
    return Study.open(study).reproduce(trial, data=data)


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


def study_folder(name_or_path: str | Path) -> Path:
    """Return the folder of a study that exists, given its name under ``reports/`` or its path.

    Raises:
        StudyError: Where there is none, with the nearest name.
    """
    for folder in (Path(name_or_path), REPORTS / name_or_path):
        if StudyRecord.exists(folder):
            return folder
    known = [path.parent.name for path in sorted(REPORTS.glob("*/study.json"))]
    raise StudyError(
        f"no study {str(name_or_path)!r}{nearest(str(name_or_path), known)}",
        expected="the name of a folder under reports/ with a study.json, or its path",
        found=f"studies {', '.join(known)}" if known else "no studies under reports/",
        remedy="`mammobench search --space quick` makes one",
    )


def _folder(study: str | Path) -> Path:
    """Return where a study of that name or path is or will be."""
    path = Path(study)
    is_name = isinstance(study, str) and path.name == study
    return REPORTS / path if is_name and not StudyRecord.exists(path) else path


def _asked(space: SearchSpace, *, objective: str | None, trials: int | None) -> SearchSpace:
    """Return the space with what the caller asked otherwise."""
    if trials is not None and trials < 1:
        raise ConfigError("nothing to search", where="--trials", expected="1 or more", found=trials)
    if objective is not None and objective not in OBJECTIVES:
        raise ConfigError(
            f"unknown objective{nearest(objective, OBJECTIVES)}",
            where="--objective",
            expected=f"one of {', '.join(OBJECTIVES)}",
            found=repr(objective),
        )
    budget = replace(space.budget, trials=trials or space.budget.trials)
    return replace(space, objective=objective or space.objective, budget=budget)


def _require_usable(store: ImageStore, space: SearchSpace) -> None:
    """Refuse a store that cannot serve the space, before anything is written for the study."""
    if space.image_size > store.manifest.image_size:
        raise DataError(
            "the space asks for larger images than the store holds",
            where=store.path,
            expected=f"images of {space.image_size} px or more",
            found=f"{store.manifest.image_size} px",
            remedy="Choose a smaller image_size",
        )
    make_split(store, reference_config(space).data)


def _continued(folder: Path, spec: StudySpec) -> StudyRecord:
    record = StudyRecord.open(folder)
    if spec.precision == "auto":
        spec = spec.model_copy(update={"precision": record.spec.precision})
    differences = record.spec.differences(spec)
    if differences:
        told = "; ".join(f"{key}: {old} there, {new} asked" for key, (old, new) in differences.items())
        raise StudyError(
            f"a study of this name exists with another {', '.join(differences)} ({told})",
            where=folder,
            remedy="Choose another name with --study, or repeat the search as it was asked: "
            + record.spec.command,
        )
    return record


def _command(
    given: str,
    space: SearchSpace,
    folder: Path,
    data: str | Path | None,
    engine: str,
    sampler: str,
    seed: int,
) -> str:
    words = ["mammobench", "search", "--space", given]
    if data is not None:
        words += ["--data", str(data)]
    words += ["--engine", engine, "--sampler", sampler, "--objective", space.objective]
    words += ["--trials", str(space.budget.trials), "--seed", str(seed)]
    words += ["--study", folder.name if folder.parent == REPORTS else str(folder)]
    return shlex.join(words)
