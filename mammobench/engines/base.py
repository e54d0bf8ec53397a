"""`Engine`: what every search method does, and all that it does: propose and learn.

An engine never trains, prints, saves or evaluates. It keeps no state that the record of trials does not
hold: told the same outcomes in the same order, it proposes the same configurations.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Proposal:
    """A configuration to try.

    Attributes:
        number: The number of the trial it is for.
        values: Dotted key to value, conditions of the space obeyed.
    """

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        number: The trial's number.
        values: What was proposed for it.
        objective: Its value on validation, or None for a trial that failed.
    """

    number: int
    values: Mapping[str, Any]
    objective: float | None


class Engine(ABC):
    """A search method over one space, driven by `propose` and `learn`."""

    @abstractmethod
    def propose(self, number: int) -> Proposal | None:
        """Return the configuration for a trial, or None when the space is used up.

        The same number after the same history gives the same proposal, in whatever process.
        """

    @abstractmethod
    def resume(self, proposal: Proposal) -> None:
        """Take note of a trial that is already running, so that `learn` knows it and `propose` avoids it."""

    @abstractmethod
    def learn(self, outcome: Outcome) -> None:
        """Learn what became of a trial that `propose` or `resume` has named."""
