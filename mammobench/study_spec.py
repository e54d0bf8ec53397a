"""`StudySpec`: what was asked of a study, the content of its ``study.json``."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from mammobench.metrics import OBJECTIVES, Direction
from mammobench.trial import COSTS


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
        """Return what two specs ask differently that would change a trial: name to (this, other)."""

        def asked(spec: StudySpec) -> dict[str, Any]:
            told_apart = {"name", "objective", "budget"}
            space = {key: value for key, value in spec.space.items() if key not in told_apart}
            return {
                **{f"space.{key}": value for key, value in space.items()},
                "space.budget.max_epochs": spec.space["budget"]["max_epochs"],
                "objectives": spec.objectives,
                "engine": spec.engine,
                "sampler": spec.sampler,
                "pruner": spec.pruner,
                "limits": spec.limits,
                "seed": spec.seed,
                "precision": spec.precision,
                "data fingerprint": spec.fingerprint,
            }

        mine, theirs = asked(self), asked(other)
        return {key: (mine[key], theirs[key]) for key in mine if mine[key] != theirs[key]}


def direction_of(objective: str) -> Direction:
    """Return the direction of a validation metric or a cost."""
    return "minimize" if objective in COSTS else OBJECTIVES[objective].direction
