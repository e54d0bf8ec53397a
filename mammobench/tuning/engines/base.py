"""`Engine`: what every search method does, and all that it does: propose and learn.

An engine never trains, prints, saves or evaluates. It keeps no state that the record of trials does not
hold: told the same proposals and outcomes in the order of their numbers, it proposes the same configurations.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from mammobench.core.errors import EngineError
from mammobench.space.search_space import IntRange, SearchSpace

Ending = Literal["finished", "pruned", "infeasible", "failed"]


@dataclass(frozen=True)
class Proposal:
    """A configuration to try.

    Attributes:
        number: The number of the trial it is for.
        values: Dotted key to value, conditions of the space obeyed.
        epochs: Train until this epoch, counted from 1; None for the whole budget.
        continues: The trial whose training this one continues, with its seed, from its last checkpoint.
        memo: What the engine wants to be told again when the record is replayed; JSON-compatible.
        seed: Of the training, where the engine says it; None for the one that follows from the trial's
            number, or that of the trial it continues.
        reference: Whether it is the reference CNN once more, of which no search learns; `values` are those
            that it has in the space, none where it lies outside.
    """

    number: int
    values: Mapping[str, Any]
    epochs: int | None = None
    continues: int | None = None
    memo: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    reference: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        proposal: What was tried.
        state: ``finished``; ``pruned``, stopped at an epoch by the engine's own word; ``infeasible``, not
            trained because it breaks a constraint; ``failed``.
        objectives: Its values, in the order of the study's objectives; None for ``infeasible``, ``failed``.
        curve: The first objective after each epoch, from epoch 1.
        constraints: Above 0 where violated.
    """

    proposal: Proposal
    state: Ending
    objectives: tuple[float, ...] | None = None
    curve: tuple[float, ...] = ()
    constraints: tuple[float, ...] = ()


def require_in_space(space: SearchSpace, values: Mapping[str, Any]) -> None:
    """Refuse recorded values that no engine can have proposed.

    Raises:
        EngineError: Where they are no whole configuration of the space.
    """
    ranges = {item.key for item in space.hyperparameters if isinstance(item, IntRange)}
    # a whole number that was chosen for a field of floats comes back as one
    chosen = {
        key: int(value) if key in ranges and isinstance(value, float) and value.is_integer() else value
        for key, value in values.items()
    }
    if not space.contains(chosen):
        raise EngineError(
            "hyperparameters outside the space",
            expected=f"values of the space {space.name}",
            found=", ".join(f"{key} {str(value)[:40]}" for key, value in values.items()) or "none",
        )


class NoProposal(Enum):
    """Why there is no proposal."""

    WAIT = "wait"
    """The method needs the outcome of a running trial first."""

    USED_UP = "used up"
    """There is nothing more to try, however the running trials end."""


class Engine(ABC):
    """A search method over one space, driven by `propose` and `learn`."""

    @abstractmethod
    def propose(self, number: int) -> Proposal | NoProposal:
        """Return the configuration for a trial, or why there is none.

        Numbers rise; all trials before `number` have been proposed here or told by `resume` or `learn`. The
        same number after the same history gives the same proposal, in whatever process.
        """

    @abstractmethod
    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        """Take note of a running trial that another process proposed, and of its epochs so far."""

    def report(self, number: int, epoch: int, value: float) -> None:  # noqa: B027 - most methods need none
        """Take note of the first objective of a running trial after an epoch; methods that prune use it."""

    def should_stop(self, number: int) -> bool:  # noqa: ARG002 - for methods that prune
        """Return whether a running trial is to be stopped after its last reported epoch."""
        return False

    @property
    def stops(self) -> bool:
        """Whether it may stop a running trial, and so is asked after each epoch of one."""
        return type(self).should_stop is not Engine.should_stop

    @abstractmethod
    def learn(self, outcome: Outcome) -> None:
        """Learn what became of a trial, proposed here or, when a record is replayed, elsewhere."""

    def settled(self) -> str | None:
        """Return why more trials would be of no use, or None while they may be."""
        return None
