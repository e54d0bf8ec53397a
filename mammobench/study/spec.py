"""`StudySpec`: what was asked of a study, the content of its ``study.json``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from mammobench.core.errors import SpaceError, StudyError
from mammobench.core.names import require_one_folder
from mammobench.core.objectives import OBJECTIVES, Direction
from mammobench.core.validation import first_fault
from mammobench.space.yaml_file import parse_space
from mammobench.study.design import Design
from mammobench.study.options import StudyOptions
from mammobench.training.result import COSTS

FORMAT = 2
"""The newest format that this version reads, and the one that it writes."""

_WRITTEN = (
    "format", "name", "space_name", "space", "objective", "objectives", "direction", "engine", "sampler",
    "pruner", "limits", "stop_when_settled", "seed", "precision", "data", "fingerprint", "store", "storage",
    "artifacts", "heartbeat", "versions", "created", "command",
)  # fmt: skip
"""The order in which ``study.json`` has had its fields so far; newer ones follow."""

_LONGEST_PATH = 4096
"""PATH_MAX of Linux."""


class StoreFacts(BaseModel):
    """What a study keeps of the manifest of its image store; older stores said less."""

    model_config = ConfigDict(frozen=True, strict=True)

    synthetic: bool
    image_size: Annotated[int, Field(ge=1, le=2**16)] | None = None
    source: str | None = None
    licence: str | None = None
    counts: dict[str, Annotated[int, Field(ge=0, le=2**53)]] = {}
    citations: list[str] = []
    warnings: list[str] = []


MAY_DIFFER = {
    "format": "how the description is written; every version reads the older ones",
    "name": "the folder's, by which the study was found, and which may have been renamed",
    "space_name": "what a file calls the space; what the space holds is compared",
    "objective": "the first of the objectives, and those are compared",
    "direction": "follows from the objectives",
    "data": "where the images lie on a machine; their fingerprint is compared",
    "store": "what is said of the images; their fingerprint is compared",
    "versions": "of the machine that started the study; a trial has its own",
    "created": "when",
    "command": "how it was asked",
    "design": "a table may grow; a smaller one is refused where it goes on",
}
"""Fields in which two requests for one study may differ, and why; any other one makes it another study."""

SPACE_MAY_DIFFER = {
    "name": "as space_name",
    "objective": "as objective",
    "budget": "its parts are compared one by one",
    "budget.trials": "a study may go on to more; fewer than it has are refused where it goes on",
}
"""The same for the parts of a space."""

_TITLES = {"fingerprint": "data fingerprint"}


class StudySpec(StudyOptions, BaseModel):
    """What was asked of a study: its options, and the space, objectives, limits and images.

    The options' values are those in use: the sampler and the precision by their names, no password in the
    storage's URL.

    Attributes:
        format: 1 had one objective, no pruner, no limits, and its storage in the folder.
        objective: The metric that training watches, the first of `objectives`.
        objectives: Validation metrics and costs to optimise.
        limits: Cost to the most that a configuration may have.
        design: The plan of a recorded table of trainings; None for a search.
        keep_epochs: Whether trials keep what they predict after each epoch, test sealed; those of a design
            do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Annotated[int, Field(ge=1, le=FORMAT)] = FORMAT
    name: Annotated[str, Field(max_length=255)]
    space_name: str
    space: dict[str, Any]
    objective: str
    objectives: tuple[str, ...] = ()
    direction: Literal["maximize", "minimize"]
    design: Design | None = None
    keep_epochs: bool = False
    limits: dict[Literal["weights", "flops", "latency_ms"], Annotated[float, Field(gt=0)]] = {}
    data: str
    fingerprint: str
    store: dict[str, Any]
    versions: dict[str, str]
    created: str
    command: str

    @field_validator("name")
    @classmethod
    def _of_one_folder(cls, name: str) -> str:
        return require_one_folder(name)

    @field_validator("data", "storage", "artifacts")
    @classmethod
    def _of_a_place(cls, text: str | None) -> str | None:
        if text is not None and ("\0" in text or len(text) > _LONGEST_PATH):
            raise ValueError("should be a path or a URL")
        return text

    @model_serializer(mode="wrap")
    def _in_order(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = dump(self)
        return {**{name: values[name] for name in _WRITTEN if name in values}, **values}

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        if not self.objectives:
            object.__setattr__(self, "objectives", (self.objective,))
        known = (*OBJECTIVES, *COSTS)
        if self.objective not in OBJECTIVES or self.objectives[0] != self.objective:
            raise ValueError(f"objective: should be one of {', '.join(OBJECTIVES)}, and the first objective")
        if not set(self.objectives) <= set(known) or len(set(self.objectives)) < len(self.objectives):
            raise ValueError(f"objectives: should be some of {', '.join(known)}, each once")
        if self.direction != direction_of(self.objective):
            raise ValueError(f"direction: should be {direction_of(self.objective)} for {self.objective}")
        StoreFacts.model_validate(self.store)
        return self

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The direction of each objective."""
        return tuple(direction_of(name) for name in self.objectives)

    def differences(self, other: "StudySpec") -> dict[str, tuple[Any, Any]]:
        """Return what two specs ask differently: name to (this, other).

        Every field is compared but those of `MAY_DIFFER`, and every part of the space but those of
        `SPACE_MAY_DIFFER`.
        """
        mine, theirs = _compared(self), _compared(other)
        names = dict.fromkeys([*mine, *theirs])
        return {key: (mine.get(key), theirs.get(key)) for key in names if mine.get(key) != theirs.get(key)}


def read_spec_file(path: Path) -> StudySpec:
    """Read a ``study.json``; see `read_spec`.

    Raises:
        StudyError: Where it is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise StudyError(f"damaged study description ({error})", where=path) from None
    return read_spec(text, path)


def read_spec(document: str | Mapping[str, Any], where: str | Path) -> StudySpec:
    """Read a study's description, its search space included.

    Args:
        document: The text of a ``study.json``, or what a database has in its place.
        where: Names it in errors.

    Raises:
        StudyError: Where something is missing there, unknown, or not what it must be.
    """
    remedy = "Restore it from a copy; `mammobench doctor` says what else is there"
    try:
        if isinstance(document, str):
            spec = StudySpec.model_validate_json(document)
        else:
            spec = StudySpec.model_validate(document)
    except ValidationError as error:
        problem = f"damaged study description ({first_fault(error)})"
        raise StudyError(problem, where=where, remedy=remedy) from None
    try:
        parse_space(json.dumps(spec.space), "space", recorded=True)
    except (SpaceError, ValueError, RecursionError) as error:
        problem = f"damaged study description ({str(error).rstrip('.')})"
        raise StudyError(problem, where=where, remedy=remedy) from None
    return spec


def direction_of(objective: str) -> Direction:
    """Return the direction of a validation metric or a cost."""
    return "minimize" if objective in COSTS else OBJECTIVES[objective].direction


def _compared(spec: StudySpec) -> dict[str, Any]:
    values = spec.model_dump(exclude={"space", *MAY_DIFFER})
    space = {**spec.space, **{f"budget.{key}": value for key, value in spec.space["budget"].items()}}
    return {
        **{f"space.{key}": value for key, value in space.items() if key not in SPACE_MAY_DIFFER},
        **{_TITLES.get(key, key): value for key, value in values.items()},
    }
