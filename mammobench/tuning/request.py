"""What a search is asked: arguments checked, told as a `StudySpec`, matched with a study that exists."""

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mammobench.core.errors import ConfigError, DataError, StudyError
from mammobench.core.invocation import as_started
from mammobench.core.metrics import OBJECTIVES
from mammobench.data.splits.recorded_shares import share_warnings
from mammobench.data.splits.split import make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import TrialConfig, nearest
from mammobench.space.one_split import require_one_split
from mammobench.space.search_space import SearchSpace
from mammobench.study.artifacts import require_place, whole_place
from mammobench.study.lock import locked
from mammobench.study.paths import word_for
from mammobench.study.record import StudyRecord, utc_now
from mammobench.study.spec import StudySpec, direction_of
from mammobench.study.storage.url import VARIABLE, redacted
from mammobench.training.process import call_in_process
from mammobench.training.result import COSTS
from mammobench.training.runtime import choose_precision, describe
from mammobench.tuning.proposer import engine_of, reference_config


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
        stop_when_settled: Whether the search may end before its budget; None for as it stands, else no.
        seed: Of the search and all its trials.
        precision: ``auto`` or a Keras precision policy.
        folder: Of the study.
        url: Of the database for the record; None for the study's folder.
        artifacts: Where machines share trials' files.
        heartbeat: Seconds between a worker's signs of life; None for as it stands, else 10.
        split: As asked, if at all.
        trials: As asked, if at all.
    """

    space: SearchSpace
    given: str
    data: str | None
    engine: str
    sampler: str
    pruner: str
    objectives: tuple[str, ...]
    limits: dict[str, float]
    stop_when_settled: bool | None
    seed: int
    precision: str
    folder: Path
    url: str | None
    artifacts: str | None
    heartbeat: int | None
    split: str | None = None
    trials: int | None = None

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
            stop_when_settled=bool(self.stop_when_settled),
            seed=self.seed,
            precision=self.precision,
            data=str(store.path.resolve()),
            fingerprint=store.fingerprint,
            store=store.manifest.model_dump(mode="json"),
            storage=None if self.url is None else redacted(self.url),
            artifacts=None if self.artifacts is None else whole_place(self.artifacts),
            heartbeat=self.heartbeat or HEARTBEAT,
            versions={key: value for key, value in describe().items() if isinstance(value, str)},
            created=utc_now(),
            command=self.command(),
        )

    def command(self) -> str:
        """Return the command line that asks the same."""
        options: list[tuple[str, object]] = [
            ("--space", self.given),
            ("--data", self.data),
            ("--engine", self.engine),
            ("--sampler", self.sampler),
            ("--split", self.split),
            ("--pruner", None if self.pruner == "none" else self.pruner),
            *(("--objective", objective) for objective in self.objectives),
            *((option, f"{self.limits[cost]:g}") for option, cost in LIMITS.items() if cost in self.limits),
            ("--stop-when-settled", self.stop_when_settled or None),
            ("--trials", self.space.budget.trials),
            ("--seed", self.seed),
            ("--precision", None if self.precision == "auto" else self.precision),
            ("--storage", None if self.url is None else redacted(self.url)),
            ("--artifacts", self.artifacts),
            ("--heartbeat", self.heartbeat),
            ("--study", word_for(self.folder)),
        ]
        words = [
            word
            for option, value in options
            if value is not None
            for word in ((option,) if value is True else (option, str(value)))
        ]
        return shlex.join(["mammobench", "search", *words])

    def as_it_stands(self, there: StudySpec) -> dict[str, Any]:
        """Return the fields of a study that exists on which this request says nothing."""
        said = {
            "precision": self.precision != "auto",
            "stop_when_settled": self.stop_when_settled is not None,
            "storage": self.url is not None,
            "artifacts": self.artifacts is not None and not _same_place(self.artifacts, there.artifacts),
            "heartbeat": self.heartbeat is not None,
        }
        return {name: getattr(there, name) for name, is_said in said.items() if not is_said}


def _same_place(asked: str, there: str | None) -> bool:
    return there is not None and whole_place(asked) == whole_place(there)


HEARTBEAT: int = StudySpec.model_fields["heartbeat"].default

LIMITS = {"--max-parameters": "weights", "--max-latency": "latency_ms"}
"""Options that bound a cost; latency is in milliseconds for one image."""


def asked_space(
    space: SearchSpace, *, objectives: Sequence[str], trials: int | None, split: str | None = None
) -> SearchSpace:
    """Return the space with what the caller asked otherwise.

    Raises:
        ConfigError: For no trials, an objective or a split that there is not, or a split where the space
            searches it.
        SpaceError: For a space that searches what decides the split.
    """
    require_one_split(space)
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


def require_usable(store: ImageStore, space: SearchSpace) -> tuple[str, ...]:
    """Refuse a store that cannot serve the space, before anything is written for the study.

    Returns:
        What to warn of: parts of the split that are far from the shares that were asked for.

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
    data = reference_config(space).data
    return share_warnings(make_split(store, data), data)


@contextmanager
def start_or_continue(request: Request, store: ImageStore) -> Iterator[StudyRecord]:
    """Open the study if it exists and was asked the same, else make it, and hold its lock meanwhile.

    Of several processes that start one study in a folder at once, one gets it and the others are refused. In
    a database, which any number may search, one makes the study; the others are refused while it has no
    study.json in this folder and join it as soon as it has.

    Yields:
        The study. One in a folder is locked for the time of the block.

    Raises:
        StudyError: When it exists and was asked something else, with the differences; when it has more trials
            than asked; when the place of its artifacts cannot be used; when another process makes or searches
            it now; and when the folder has a record whose description is gone.
    """
    spec = request.spec(store)
    if request.url is not None:
        StudyRecord.finish_creation(request.folder, request.url)
    if StudyRecord.exists(request.folder):
        record = _existing(request, spec)
        with record.lock():
            record.keep_description()
            yield record
        return
    # what cannot do what is asked says so before anything is written
    engine_of(spec, request.space)
    with nullcontext() if request.url is not None else locked(request.folder):
        if StudyRecord.exists(request.folder):
            # whoever had the lock has made it
            record = _existing(request, spec)
            record.keep_description()
            yield record
        else:
            # what `auto` means is seen with TensorFlow loaded
            asked = request.precision
            chosen = call_in_process(choose_precision, asked) if asked == "auto" else choose_precision(asked)
            spec = spec.model_copy(update={"precision": chosen})
            if spec.artifacts is not None:
                require_place(spec.artifacts, request.folder)
            yield StudyRecord.create(request.folder, spec, url=request.url)


def _existing(request: Request, spec: StudySpec) -> StudyRecord:
    """Return the study that exists if it was asked the same; nothing is written."""
    record = StudyRecord.open(request.folder)
    spec = spec.model_copy(update=request.as_it_stands(record.spec))
    differences = record.spec.differences(spec)
    if differences:
        told = "; ".join(f"{key}: {old} there, {new} asked" for key, (old, new) in differences.items())
        asked_by = f", unset {VARIABLE}" if "storage" in differences and VARIABLE in os.environ else ""
        raise StudyError(
            f"a study of this name exists with another {', '.join(differences)} ({told})",
            where=request.folder,
            remedy=f"Choose another name with --study{asked_by}, or repeat the search as it was asked: "
            + as_started(record.spec.command),
        )
    require_trials(record, request.trials)
    return record


def require_trials(record: StudyRecord, trials: int | None) -> None:
    """Refuse to go on to fewer searched trials than a study has.

    Raises:
        StudyError: With how many it has.
    """
    there = sum(trial.role == "searched" for trial in record.trials)
    if trials is not None and trials < there:
        raise StudyError(
            "the study has more trials already, and none is taken away",
            where=record.folder,
            expected=f"--trials of {there} or more",
            found=trials,
            remedy="Leave --trials out, or choose another name with --study for a smaller search",
        )


def planned_trials(record: StudyRecord, asked: int | None, space: SearchSpace) -> int:
    """Return how many searched trials a study goes on to: as asked now, else the most that was asked."""
    return asked or max(space.budget.trials, record.space.budget.trials)
