"""What a sampler may have noted down with a trial: looked at before Optuna reads it.

Notes come back from the record of trials, which others write to as well.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from optuna.distributions import BaseDistribution

from mammobench.core.errors import EngineError
from mammobench.core.registry import resolve
from mammobench.tuning.engines.optuna_cmaes import GENERATION, STATE, check_state
from mammobench.tuning.engines.registry import Sampler

Notes = Mapping[str, Mapping[str, Any]]
"""What a sampler wrote into its ``trial`` and into the ``study`` while it drew; JSON-compatible."""

POPULATION = 20
"""Trials of a generation of NSGA-II. A search trains tens to hundreds of configurations: Optuna's 50 would
leave most of them to chance."""

STUBBORN = 10
"""Draws for one trial that a sampler may make before another one helps out."""

Patterns = Mapping[str, Mapping[str, Callable[[Any], bool]]]
"""With what a sampler notes something, under which key (a pattern), and what it must be."""


class Past(NamedTuple):
    """A trial whose notes are looked at: its number, what CMA-ES draws together, earlier trials' notes."""

    number: int
    space: Mapping[str, BaseDistribution]
    earlier: Iterable[Mapping[str, Any]]


def check_notes(
    notes: object,
    *,
    sampler: Sampler,
    number: int,
    space: Mapping[str, BaseDistribution],
    earlier: Iterable[Mapping[str, Any]],
) -> None:
    """Refuse notes that the sampler cannot have written.

    Args:
        notes: What the record has with a trial.
        sampler: That proposed them.
        number: The trial's number.
        space: What CMA-ES draws together.
        earlier: System attributes of the trials before it, as far as they are known.

    Raises:
        EngineError: Naming the note.
    """
    past = Past(number, space, earlier)
    known: Patterns = resolve(sampler.notes)(past) if sampler.notes else {}
    if not isinstance(notes, Mapping):
        raise EngineError("damaged notes of the sampler", expected="a mapping", found=type(notes).__name__)
    for where, written in notes.items():
        patterns = known.get(where, {})
        if not isinstance(written, Mapping):
            raise EngineError(
                "damaged notes of the sampler",
                expected=f"a mapping of what it noted with the {where}",
                found=type(written).__name__,
            )
        for key, value in written.items():
            sound = [check for pattern, check in patterns.items() if re.fullmatch(pattern, key)]
            if not sound:
                raise EngineError(f"the sampler {sampler.name} notes down no {key[:60]!r}")
            if not sound[0](value):
                raise EngineError(f"damaged notes of the sampler ({key})", found=_kind(value))


def of_cmaes(past: Past) -> Patterns:
    """Describe what CMA-ES notes."""

    def is_state(value: object) -> bool:
        check_state(value, past.space, number=past.number)
        return True

    return {"trial": {STATE: is_state, GENERATION: lambda value: _is_count(value, past.number)}}


def of_qmc(past: Past) -> Patterns:
    """Describe what a sequence notes: how far it has come."""
    return {"study": {"qmc:[0-9a-f]{64}": lambda value: _is_count(value, STUBBORN * (past.number + 1))}}


def of_generations(past: Past, *, owner: str) -> Patterns:
    """Describe what a genetic algorithm notes: a trial's generation, and the parents of each.

    Args:
        past: The trial and those before it.
        owner: The sampler's class, after which Optuna names what it notes.
    """

    def is_generation(value: object) -> bool:
        if not isinstance(value, int) or not _is_count(value, past.number):
            return False
        # a generation follows on a whole one
        before = sum(each.get(f"{owner}:generation") == value - 1 for each in past.earlier)
        return value == 0 or before >= POPULATION

    def is_population(value: object) -> bool:
        return (
            isinstance(value, list)
            and all(_is_count(each, past.number - 1) for each in value)
            and len(set(value)) == len(value) == POPULATION
        )

    return {
        "trial": {f"{owner}:generation": is_generation},
        "study": {rf"{owner}:parent:\d{{1,9}}": is_population},
    }


of_nsga2 = partial(of_generations, owner="_Nsga2")


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _kind(value: object) -> str:
    return "another number" if isinstance(value, int | float) else type(value).__name__
