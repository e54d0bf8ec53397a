"""What a search is asked: arguments checked, told as a `StudySpec`, matched with a study that exists."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from mammobench.config import TrialConfig, nearest
from mammobench.data.splits import make_split
from mammobench.data.store import ImageStore
from mammobench.errors import ConfigError, DataError, StudyError
from mammobench.metrics import OBJECTIVES
from mammobench.proposer import engine_of, reference_config
from mammobench.runtime import choose_precision, describe
from mammobench.space import SearchSpace
from mammobench.storage_url import redacted
from mammobench.study import StudyRecord, utc_now
from mammobench.study_lock import locked
from mammobench.study_spec import StudySpec, direction_of
from mammobench.trial import COSTS
from mammobench.workers import call_in_process

REPORTS = Path("reports")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A search as it was asked for.

    Attributes:
        space: What to search, its objective and budget as asked.
        given: How the space was named.
        data: The image store as it was named; None for the demonstration set.
        engine: The search library.
        sampler: Its method.
        pruner: What stops trials early.
        objectives: What to optimise; the first is a metric.
        limits: Cost to the most that a configuration may have.
        stop_when_settled: Whether the search may end before its budget.
        seed: Of the search and all its trials.
        precision: ``auto`` or a Keras precision policy.
        folder: Of the study.
        url: Of the database for the record; None for the study's folder.
        artifacts: Where machines share trials' files.
        heartbeat: Seconds between a worker's signs of life.
    """

    space: SearchSpace
    given: str
    data: str | None
    engine: str
    sampler: str
    pruner: str
    objectives: tuple[str, ...]
    limits: dict[str, float]
    stop_when_settled: bool
    seed: int
    precision: str
    folder: Path
    url: str | None
    artifacts: str | None
    heartbeat: int
    split: str | None = None

    def spec(self, store: ImageStore) -> StudySpec:
        """Return the request as a study's description."""
        return StudySpec(
            name=self.folder.name,
            space_name=self.space.name,
            space=self.space.to_dict(),
            objective=self.objectives[0],
            objectives=self.objectives,
            direction=direction_of(self.objectives[0]),
            engine=self.engine,
            sampler=self.sampler,
            pruner=self.pruner,
            limits=self.limits,
            stop_when_settled=self.stop_when_settled,
            seed=self.seed,
            precision=self.precision,
            data=str(store.path.resolve()),
            fingerprint=store.fingerprint,
            store=store.manifest.model_dump(mode="json"),
            storage=None if self.url is None else redacted(self.url),
            artifacts=self.artifacts,
            heartbeat=self.heartbeat,
            versions={key: value for key, value in describe().items() if isinstance(value, str)},
            created=utc_now(),
            command=self.command(),
        )

    def command(self) -> str:
        """Return the command line that asks the same."""
        words = ["mammobench", "search", "--space", self.given]
        if self.data is not None:
            words += ["--data", self.data]
        words += ["--engine", self.engine, "--sampler", self.sampler]
        if self.split is not None:
            words += ["--split", self.split]
        if self.pruner != "none":
            words += ["--pruner", self.pruner]
        for objective in self.objectives:
            words += ["--objective", objective]
        for option, cost in LIMITS.items():
            if cost in self.limits:
                words += [option, f"{self.limits[cost]:g}"]
        if self.stop_when_settled:
            words.append("--stop-when-settled")
        words += ["--trials", str(self.space.budget.trials), "--seed", str(self.seed)]
        if self.url is not None:
            words += ["--storage", redacted(self.url)]
        if self.artifacts is not None:
            words += ["--artifacts", self.artifacts]
        words += ["--study", self.folder.name if self.folder.parent == REPORTS else str(self.folder)]
        return shlex.join(words)


LIMITS = {"--max-parameters": "weights", "--max-latency": "latency_ms"}
"""Options that bound a cost; latency is in milliseconds for one image."""


def asked_space(
    space: SearchSpace, *, objectives: Sequence[str], trials: int | None, split: str | None = None
) -> SearchSpace:
    """Return the space with what the caller asked otherwise.

    Raises:
        ConfigError: For no trials, an objective or a split that there is not, or a split where the space
            searches it.
    """
    if split is not None:
        if any(item.key == "data.split" for item in space.hyperparameters):
            raise ConfigError(
                "the space searches data.split itself",
                where="--split",
                expected="a space that leaves the split to be chosen for it",
                remedy="Leave --split out, or take data.split out of the space's search section",
            )
        space = replace(space, base={**space.base, "data.split": split})
        TrialConfig.from_values(space.fixed)
    if trials is not None and trials < 1:
        raise ConfigError("nothing to search", where="--trials", expected="1 or more", found=trials)
    known = (*OBJECTIVES, *COSTS)
    for objective in objectives:
        if objective not in known:
            raise ConfigError(
                f"unknown objective{nearest(objective, list(known))}",
                where="--objective",
                expected=f"one of {', '.join(known)}",
                found=repr(objective),
            )
    if len(set(objectives)) < len(objectives):
        raise ConfigError("an objective stands twice", where="--objective", found=", ".join(objectives))
    if objectives and objectives[0] in COSTS:
        raise ConfigError(
            "the first objective decides which epoch's weights are kept",
            where="--objective",
            expected=f"first one of {', '.join(OBJECTIVES)}",
            found=repr(objectives[0]),
            remedy=f"Write --objective {space.objective} --objective {objectives[0]}",
        )
    budget = replace(space.budget, trials=trials or space.budget.trials)
    return replace(space, objective=objectives[0] if objectives else space.objective, budget=budget)


def require_positive(**values: float | None) -> None:
    """Refuse numbers that are not above 0.

    Raises:
        ConfigError: With the argument's name.
    """
    for name, value in values.items():
        if value is not None and value <= 0:
            raise ConfigError(
                "wrong value", where=f"--{name.replace('_', '-')}", expected="more than 0", found=value
            )


def require_usable(store: ImageStore, space: SearchSpace) -> None:
    """Refuse a store that cannot serve the space, before anything is written for the study.

    Raises:
        DataError: Where it cannot.
    """
    if space.image_size > store.manifest.image_size:
        raise DataError(
            "the space asks for larger images than the store holds",
            where=store.path,
            expected=f"images of {space.image_size} px or more",
            found=f"{store.manifest.image_size} px",
            remedy="Choose a smaller image_size",
        )
    make_split(store, reference_config(space).data)


@contextmanager
def start_or_continue(request: Request, store: ImageStore) -> Iterator[StudyRecord]:
    """Open the study if it exists and was asked the same, else make it, and hold its lock meanwhile.

    Of several processes that start one study in a folder at once, one gets it and the others are refused. In
    a database, which any number may search, one makes the study; the others are refused while it has no
    study.json in this folder and join it as soon as it has.

    Yields:
        The study. One in a folder is locked for the time of the block.

    Raises:
        StudyError: When it exists and was asked something else, with the differences; when another process
            makes or searches it now; and when the folder has a record whose description is gone.
    """
    spec = request.spec(store)
    if StudyRecord.exists(request.folder):
        record = StudyRecord.open(request.folder)
        with record.lock():
            yield _continued(record, request, spec)
        return
    # a method that cannot do what is asked says so before anything is written
    engine_of(spec, request.space)
    with nullcontext() if request.url is not None else locked(request.folder):
        if StudyRecord.exists(request.folder):
            # whoever had the lock has made it
            yield _continued(StudyRecord.open(request.folder), request, spec)
        else:
            # what `auto` means is seen with TensorFlow loaded
            asked = request.precision
            chosen = call_in_process(choose_precision, asked) if asked == "auto" else choose_precision(asked)
            spec = spec.model_copy(update={"precision": chosen})
            yield StudyRecord.create(request.folder, spec, url=request.url)


def _continued(record: StudyRecord, request: Request, spec: StudySpec) -> StudyRecord:
    """Return a study that exists if it was asked the same."""
    if spec.precision == "auto":
        spec = spec.model_copy(update={"precision": record.spec.precision})
    differences = record.spec.differences(spec)
    if differences:
        told = "; ".join(f"{key}: {old} there, {new} asked" for key, (old, new) in differences.items())
        raise StudyError(
            f"a study of this name exists with another {', '.join(differences)} ({told})",
            where=request.folder,
            remedy="Choose another name with --study, or repeat the search as it was asked: "
            + record.spec.command,
        )
    record.keep_description()
    return record


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


def new_folder(study: str | Path) -> Path:
    """Return where a study of that name or path is or will be."""
    path = Path(study)
    is_name = isinstance(study, str) and path.name == study
    return REPORTS / path if is_name and not StudyRecord.exists(path) else path
