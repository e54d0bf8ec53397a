"""What a terminal or a log says of one trial of a search."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from mammobench.core.aliases import FieldValue
from mammobench.space.config import KEYS
from mammobench.study.trial_record import TrialRecord
from mammobench.training.process import EpochEnd, StepEnd, TrialEnd

_FIELDS = Counter(key.split(".")[1] for key in KEYS)


@dataclass
class TrialRow:
    """One trial as far as this process knows it.

    Attributes:
        number: Its number.
        values: Its searched hyperparameters.
        epochs: The most that it may train.
        role: ``reference`` or ``searched``.
        epoch: Epochs that it has trained.
        objective: Of its last epoch, at its end the one that counts; None before.
        state: As in `TrialRecord`.
        seconds: That it took; 0 while it runs here.
        reason: Why it came to nothing, if it did.
        worker: Who runs it, where that is not this process.
        step: The last sign of life within an epoch.
        started: When this process heard of it first, of the monotonic clock.
    """

    number: int
    values: dict[str, Any]
    epochs: int
    role: str
    epoch: int = 0
    objective: float | None = None
    state: str = "running"
    seconds: float = 0.0
    reason: str | None = None
    worker: str | None = None
    step: StepEnd | None = None
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, record: TrialRecord) -> "TrialRow":
        """Return the row of a trial as it is recorded."""
        return cls(
            record.number,
            dict(record.hyperparameters),
            record.config.training.max_epochs,
            record.role,
            epoch=record.epochs,
            objective=record.curve[-1] if record.objective is None and record.curve else record.objective,
            state=record.state,
            seconds=sum(record.seconds.values()),
            reason=record.reason,
            worker=record.worker,
        )

    def take(self, event: StepEnd | EpochEnd | TrialEnd) -> None:
        """Take note of what the trial says of itself."""
        if isinstance(event, StepEnd):
            self.step = event
        elif isinstance(event, EpochEnd):
            self.step, self.epoch, self.objective = None, event.epoch, event.objective
        else:
            self.step, self.seconds = None, event.total_seconds
            self.state, self.reason = _ending(event)
            if event.result is not None:
                self.objective = event.result.objective

    @property
    def so_far(self) -> float:
        """Seconds that it has taken until now."""
        return time.monotonic() - self.started if self.state == "running" else self.seconds

    def progress(self) -> str:
        """Say where a running trial stands, within its epoch too."""
        step = self.step
        if step is None:
            return f"{self.epoch} of {self.epochs} epochs done"
        epoch = f"epoch {step.epoch} of {self.epochs}"
        if step.step == step.steps:
            return f"{epoch}, validation"
        pace = "" if step.seconds is None else f", {step.seconds:.2g} s a step"
        return f"{epoch}, step {step.step:,} of {step.steps:,}{pace}"

    def configuration(self) -> str:
        """Write its hyperparameters, each key as short as it can be told from every other."""
        if self.role == "reference":
            return "the reference CNN"
        return " ".join(f"{_key(key)}={_short(value)}" for key, value in self.values.items())


def duration(seconds: float) -> str:
    """Write seconds as hours, minutes or seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
    )


def _ending(event: TrialEnd) -> tuple[str, str | None]:
    if event.result is not None:
        return ("pruned" if event.result.stopped else "finished"), None
    return ("infeasible", "over a limit, not trained") if event.infeasible else ("failed", event.reason)


def _key(key: str) -> str:
    # `name` is a field of losses and of optimizers
    name = key.split(".")[1]
    return name if _FIELDS[name] == 1 else key


def _short(value: FieldValue) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "-".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
