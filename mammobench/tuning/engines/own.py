"""The project's own search methods, as their library's engine."""

from collections.abc import Sequence

from mammobench.core.errors import EngineError
from mammobench.core.objectives import Direction
from mammobench.core.registry import resolve
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import Engine
from mammobench.tuning.engines.methods import OWN
from mammobench.tuning.engines.promoting import Spending


def own_engine(
    space: SearchSpace,
    *,
    sampler: str,
    directions: Sequence[Direction],
    seed: int,
    spending: Spending | None = None,
) -> Engine:
    """Return the engine of a method of `mammobench.tuning.engines.methods.OWN`.

    Args:
        space: What to search.
        sampler: The method.
        directions: Of the objective; one only.
        seed: The study's.
        spending: What there is to spend; None for the space's budget of trials.

    Raises:
        EngineError: For an unknown method or several objectives.
    """
    if sampler not in OWN:
        raise EngineError(f"unknown sampler {sampler!r}", expected=f"one of {', '.join(OWN)}")
    made: Engine = resolve(OWN[sampler].where)(space, directions=directions, seed=seed, spending=spending)
    return made
