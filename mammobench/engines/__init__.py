"""Search methods: Optuna's samplers, and whatever else comes to sit behind `Engine`."""

from mammobench.config import nearest
from mammobench.engines.base import Engine
from mammobench.engines.optuna import SAMPLERS, OptunaEngine
from mammobench.errors import EngineError
from mammobench.metrics import Direction
from mammobench.space import SearchSpace

ENGINES: dict[str, tuple[str, ...]] = {"optuna": SAMPLERS}
"""Every engine with its samplers, the default first."""


def make_engine(
    space: SearchSpace, *, engine: str, sampler: str | None, direction: Direction, seed: int
) -> Engine:
    """Build an engine by name; `sampler` None is the engine's default.

    Raises:
        EngineError: For an unknown engine or sampler, with the nearest name.
    """
    check_engine(engine, sampler)
    return OptunaEngine(space, direction=direction, sampler=sampler or ENGINES[engine][0], seed=seed)


def check_engine(engine: str, sampler: str | None) -> str:
    """Return the sampler that is meant, or raise `EngineError` for a name that there is not."""
    if engine not in ENGINES:
        raise EngineError(
            f"unknown engine {engine!r}{nearest(engine, list(ENGINES))}",
            expected=f"one of {', '.join(ENGINES)}",
        )
    samplers = ENGINES[engine]
    if sampler is not None and sampler not in samplers:
        raise EngineError(
            f"{engine} has no sampler {sampler!r}{nearest(sampler, list(samplers))}",
            expected=f"one of {', '.join(samplers)}",
        )
    return sampler or samplers[0]
