"""How often a trial may die and be run again: without end while it gets on, three times where it does not.

A trial dies when its process is killed, or the machine that runs it. Machines are taken away at any moment
(preemptible nodes), which is no fault of the trial's; but a trial that ends its process, or its machine, is
not to be run for ever. What tells them apart is progress: the epochs that the record had when it died.

A search that is killed as a whole, on a machine that lives on, is continued by whoever starts it again there;
that is no death, on a journal or in a database.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial

FAILURE_REASON = "reason"
"""The user attribute of a failed trial that says why; a trial that failed without one lost its worker."""

DEATHS = "deaths"
"""The user attribute with the epochs that the record had at each death after which the trial ran again."""

IN_A_ROW = 3
"""Deaths in a row without a new epoch between them that fail a trial."""


def deaths_of(attributes: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the epochs at each death; none where the attribute is missing or is no such list."""
    deaths = attributes.get(DEATHS)
    if not isinstance(deaths, list) or any(type(epochs) is not int for epochs in deaths):
        return ()
    return tuple(deaths)


def one_more_death(trial: FrozenTrial) -> tuple[int, ...]:
    """Return the epochs at each death of a trial in the storage that dies now.

    What counts are the epochs in the record, which an attempt inherits: one that begins again further back,
    because its checkpoint did not reach its machine, gets on when it passes them.
    """
    return *deaths_of(trial.user_attrs), len(trial.intermediate_values)


def may_run_again(deaths: Sequence[int]) -> bool:
    """Return whether a trial gets on, or has not died so often yet."""
    return len(deaths) < IN_A_ROW or deaths[-1] > deaths[-IN_A_ROW]


def in_words(deaths: Sequence[int]) -> str:
    """Say how often in a row a trial has died, and where."""
    row = sum(epochs == deaths[-1] for epochs in deaths)
    where = f"after epoch {deaths[-1]}" if deaths[-1] else "before its first epoch had ended"
    return f"{row} times in a row {where}" if row > 1 else where
