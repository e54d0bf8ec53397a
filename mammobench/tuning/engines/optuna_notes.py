"""What a sampler may have noted down with a trial: looked at before Optuna reads it.

Notes come back from the record of trials, which others write to as well.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from optuna.distributions import BaseDistribution

from mammobench.core.errors import EngineError
from mammobench.tuning.engines.optuna_cmaes import GENERATION, STATE, check_state

Notes = Mapping[str, Mapping[str, Any]]
"""What a sampler wrote into its ``trial`` and into the ``study`` while it drew; JSON-compatible."""

POPULATION = 20
"""Trials of a generation of NSGA-II. A search trains tens to hundreds of configurations: Optuna's 50 would
leave most of them to chance."""

STUBBORN = 10
"""Draws for one trial that a sampler may make before another one helps out."""

_NSGA2 = "_Nsga2"  # Optuna names what it notes after the sampler's class


def check_notes(
    notes: object,
    *,
    sampler: str,
    number: int,
    space: Mapping[str, BaseDistribution],
    earlier: Iterable[Mapping[str, Any]],
) -> None:
    """Refuse notes that the sampler cannot have written.

    Args:
        notes: What the record has with a trial.
        sampler: One of `optuna_samplers.SAMPLERS`.
        number: The trial's number.
        space: What CMA-ES draws together.
        earlier: System attributes of the trials before it, as far as they are known.

    Raises:
        EngineError: Naming the note.
    """
    known = _known(number, space, earlier)
    if not isinstance(notes, Mapping):
        raise EngineError("damaged notes of the sampler", expected="a mapping", found=type(notes).__name__)
    for where, written in notes.items():
        patterns = known.get(sampler, {}).get(where, {})
        if not isinstance(written, Mapping):
            raise EngineError(
                "damaged notes of the sampler",
                expected=f"a mapping of what it noted with the {where}",
                found=type(written).__name__,
            )
        for key, value in written.items():
            sound = [check for pattern, check in patterns.items() if re.fullmatch(pattern, key)]
            if not sound:
                raise EngineError(f"the sampler {sampler} notes down no {key[:60]!r}")
            if not sound[0](value):
                raise EngineError(f"damaged notes of the sampler ({key})", found=_kind(value))


def _known(
    number: int, space: Mapping[str, BaseDistribution], earlier: Iterable[Mapping[str, Any]]
) -> dict[str, dict[str, dict[str, Callable[[Any], bool]]]]:
    """Return what each sampler notes: with what, under which key (a pattern), and what it must be."""

    def is_state(value: object) -> bool:
        check_state(value, space, number=number)
        return True

    def is_generation(value: object) -> bool:
        if not isinstance(value, int) or not _is_count(value, number):
            return False
        # a generation follows on a whole one
        before = sum(each.get(f"{_NSGA2}:generation") == value - 1 for each in earlier)
        return value == 0 or before >= POPULATION

    def is_population(value: object) -> bool:
        return (
            isinstance(value, list)
            and all(_is_count(each, number - 1) for each in value)
            and len(set(value)) == len(value) == POPULATION
        )

    return {
        "cmaes": {"trial": {STATE: is_state, GENERATION: lambda value: _is_count(value, number)}},
        "nsga2": {
            "trial": {f"{_NSGA2}:generation": is_generation},
            "study": {rf"{_NSGA2}:parent:\d{{1,9}}": is_population},
        },
        "qmc": {"study": {"qmc:[0-9a-f]{64}": lambda value: _is_count(value, STUBBORN * (number + 1))}},
    }


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _kind(value: object) -> str:
    return "another number" if isinstance(value, int | float) else type(value).__name__
