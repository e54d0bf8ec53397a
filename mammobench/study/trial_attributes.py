"""`TrialAttributes`: what the record has of a trial besides Optuna's own, held against what it must be.

The record may be written by others, and damaged. Whatever becomes a path, a number of epochs or a position is
checked here, once, before anything reads it.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mammobench.core.validation import first_fault

Role = Literal["reference", "searched"]
Count = Annotated[int, Field(ge=0, le=2**53)]
Position = Annotated[int, Field(ge=0, le=10**6)]
"""A trial's number, which names its folder."""

Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""SHA-256 of a split, which names its file."""

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e30, le=1e30)]


class TrialAttributes(BaseModel):
    """What was asked of a trial, and what came of it; see `mammobench.study.trial_record.TrialRecord`."""

    model_config = ConfigDict(strict=True, frozen=True)

    role: Role
    seed: Annotated[int, Field(ge=0, lt=2**64)]
    split: Hash
    config: dict[str, Any]
    seconds: dict[str, Number]
    until: Annotated[int, Field(ge=1, le=10_000)] | None = None
    continues: Position | None = None
    memo: dict[str, Any] = {}

    threshold: Number | None = None
    epochs: Count | None = None
    best_epoch: Count = 0
    weights: Count = 0
    environment: dict[str, Any] = {}
    objectives: Annotated[list[Number], Field(min_length=1)] | None = None
    costs: dict[str, Number] = {}
    constraints: list[Number] = []

    reason: str | None = None
    fault: str | None = None
    attempts: Annotated[int, Field(ge=1, le=10**6)] = 1
    deaths: list[Count] = []
    worker: str | None = None


class TrainedAttributes(TrialAttributes):
    """Those of a trial that was trained; older studies have no costs and no constraints."""

    threshold: Number | None
    epochs: Annotated[int, Field(ge=1, le=10_000)]
    best_epoch: Count
    weights: Count
    environment: dict[str, Any]


def check_attributes(attributes: dict[str, Any], *, number: int, trained: bool) -> TrialAttributes:
    """Return a trial's attributes.

    Args:
        attributes: As the record has them.
        number: The trial's place in the study.
        trained: Whether it has a result.

    Raises:
        ValueError: Naming the first that is not what it must be.
    """
    model = TrainedAttributes if trained else TrialAttributes
    try:
        known = model.model_validate(attributes)
    except ValidationError as error:
        raise ValueError(first_fault(error)) from None
    said = attributes.get("number", number)
    if type(said) is not int or said != number:
        raise ValueError(f"number: should be {number}, its place in the study")
    if known.continues is not None and known.continues >= number:
        raise ValueError("continues: should be an earlier trial")
    return known
