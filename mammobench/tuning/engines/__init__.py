"""Search methods behind one interface, `mammobench.tuning.engines.base.Engine`."""

from collections.abc import Sequence

from mammobench.core.errors import EngineError
from mammobench.core.metrics import Direction
from mammobench.space.config import nearest
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import Engine
from mammobench.tuning.engines.keras_tuner import SAMPLERS as KERAS_TUNER_SAMPLERS
from mammobench.tuning.engines.keras_tuner import KerasTunerEngine
from mammobench.tuning.engines.optuna import OptunaEngine
from mammobench.tuning.engines.optuna_pruners import PRUNERS
from mammobench.tuning.engines.optuna_samplers import SAMPLERS as OPTUNA_SAMPLERS

ENGINES: dict[str, tuple[str, ...]] = {"optuna": OPTUNA_SAMPLERS, "keras-tuner": KERAS_TUNER_SAMPLERS}
"""Every engine with its samplers, the default first."""


def make_engine(
    space: SearchSpace,
    *,
    engine: str,
    sampler: str | None = None,
    pruner: str = "none",
    directions: Sequence[Direction],
    seed: int,
    constraints: int = 0,
    terminate: bool = False,
) -> Engine:
    """Build an engine by name.

    Args:
        space: What to search; its budget's epochs are what pruners and Hyperband divide.
        engine: A key of `ENGINES`.
        sampler: One of the engine's; None is its default for so many objectives.
        pruner: One of `PRUNERS`; Optuna's engine only.
        directions: Of the objectives.
        seed: The study's seed.
        constraints: How many constraint values finished and infeasible trials have.
        terminate: Whether the engine is to say when it has settled; Optuna's engine only.

    Raises:
        EngineError: For a name that there is not, with the nearest one; for what the method cannot do; and
            for a package that is not installed.
    """
    sampler = check_engine(engine, sampler, pruner=pruner, objectives=len(directions), terminate=terminate)
    if engine == "keras-tuner":
        return KerasTunerEngine(space, sampler=sampler, directions=tuple(directions), seed=seed)
    return OptunaEngine(
        space,
        directions=directions,
        seed=seed,
        sampler=sampler,
        pruner=pruner,
        constraints=constraints,
        terminate=terminate,
    )


def check_engine(
    engine: str,
    sampler: str | None,
    *,
    pruner: str = "none",
    objectives: int = 1,
    terminate: bool = False,
) -> str:
    """Return the sampler that is meant, without loading what it needs; see `make_engine` for the arguments.

    Raises:
        EngineError: For a name that there is not, and for what the engine does not have.
    """
    _check("unknown engine", engine, tuple(ENGINES))
    _check("unknown pruner", pruner, PRUNERS)
    if engine == "keras-tuner" and (pruner != "none" or terminate):
        raise EngineError(
            f"{engine} has no {'terminator' if terminate else 'pruners'}: its oracles see no epochs, and end "
            "when their method does",
            remedy="Leave it out, or use --engine optuna; --sampler hyperband has stopping of its own",
        )
    if sampler is None:
        return "nsga2" if engine == "optuna" and objectives > 1 else ENGINES[engine][0]
    _check(f"{engine} has no sampler", sampler, ENGINES[engine])
    return sampler


def _check(problem: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise EngineError(
            f"{problem} {name!r}{nearest(name, list(known))}", expected=f"one of {', '.join(known)}"
        )
