"""The project's own search methods, as their library's engine."""

from collections.abc import Sequence

from mammobench.core.objectives import Direction
from mammobench.core.registry import resolve
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import Engine
from mammobench.tuning.engines.methods import OWN


def own_engine(space: SearchSpace, *, sampler: str, directions: Sequence[Direction], seed: int) -> Engine:
    """Return the engine of a method of `mammobench.tuning.engines.methods.OWN`.

    Args:
        space: What to search.
        sampler: The method.
        directions: Of the objective; one only.
        seed: The study's.
    """
    made: Engine = resolve(OWN[sampler].where)(space, sampler=sampler, directions=directions, seed=seed)
    return made
