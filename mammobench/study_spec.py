"""`StudySpec`: what was asked of a study, the content of its ``study.json``."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from mammobench.metrics import OBJECTIVES, Direction
from mammobench.study_name import require_one_folder
from mammobench.trial import COSTS

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


class StudySpec(BaseModel):
    """What was asked of a study.

    Attributes:
        format: 1 had one objective, no pruner, no limits, and its storage in the folder.
        objective: The metric that training watches, the first of `objectives`.
        objectives: Validation metrics and costs to optimise.
        limits: Cost to the most that a configuration may have.
        storage: URL of the database that holds the record, without a password; None for the folder's journal.
        artifacts: Folder or ``s3://bucket/prefix`` through which machines share trials' files.
        heartbeat: Seconds between the signs of life of a worker; six without one, and its trial is run again.
        stop_when_settled: Whether Optuna's terminator may end the search.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 2
    name: str
    space_name: str
    space: dict[str, Any]
    objective: str
    objectives: tuple[str, ...] = ()
    direction: Literal["maximize", "minimize"]
    engine: str
    sampler: str
    pruner: str = "none"
    limits: dict[str, float] = {}
    stop_when_settled: bool = False
    seed: int
    precision: str
    data: str
    fingerprint: str
    store: dict[str, Any]
    storage: str | None = None
    artifacts: str | None = None
    heartbeat: int = 10
    versions: dict[str, str]
    created: str
    command: str

    @field_validator("name")
    @classmethod
    def _of_one_folder(cls, name: str) -> str:
        return require_one_folder(name)

    @model_validator(mode="after")
    def _of_one_objective(self) -> Self:
        if not self.objectives:
            object.__setattr__(self, "objectives", (self.objective,))
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
