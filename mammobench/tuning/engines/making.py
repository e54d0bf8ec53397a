"""Making an engine by name."""

import importlib.util
from collections.abc import Collection, Sequence

from mammobench.core.errors import EngineError
from mammobench.core.objectives import Direction
from mammobench.core.registry import resolve
from mammobench.space.config import nearest
from mammobench.space.search_space import SearchSpace
from mammobench.study.design import Design
from mammobench.tuning.engines.base import Engine
from mammobench.tuning.engines.methods import ENGINES
from mammobench.tuning.engines.plugins import plugged_in
from mammobench.tuning.engines.promoting import Spending
from mammobench.tuning.engines.registry import Library


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
    design: Design | None = None,
    spending: Spending | None = None,
) -> Engine:
    """Build an engine by name.

    Args:
        space: What to search; its budget's epochs are what pruners and Hyperband divide.
        engine: A key of `ENGINES`, or of an entry point; see `mammobench.tuning.engines.plugins`.
        sampler: One of the engine's; None is its default for so many objectives.
        pruner: One of the engine's.
        directions: Of the objectives.
        seed: The study's seed.
        constraints: How many constraint values finished and infeasible trials have.
        terminate: Whether the engine is to say when it has settled.
        design: What an engine that follows a plan is to try; None for the space's budget of trials, once.
        spending: What there is to spend, for methods that plan; None for the space's budget of trials.

    Raises:
        EngineError: For a name that there is not, with the nearest one; for what the method cannot do; and
            for a package that is not installed.
    """
    sampler = check_engine(engine, sampler, pruner=pruner, objectives=len(directions), terminate=terminate)
    library = library_of(engine)
    options = {
        "pruner": pruner,
        "constraints": constraints,
        "terminate": terminate,
        "design": design,
        "spending": spending,
    }
    require_package(library, sampler)
    if engine not in ENGINES:
        return plugged_in()[engine](space, directions=tuple(directions), seed=seed)
    made: Engine = resolve(library.where)(
        space,
        directions=tuple(directions),
        seed=seed,
        sampler=sampler,
        **{name: options[name] for name in library.takes},
    )
    return made


def library_of(engine: str) -> Library:
    """Return what is registered under an engine's name, here or by an installed package.

    Raises:
        EngineError: For a name that there is not, with the nearest one.
    """
    if engine not in ENGINES:
        plugins = plugged_in()
        _check("unknown engine", engine, [*ENGINES, *plugins])
        return plugins[engine].library
    return ENGINES[engine]


def require_package(library: Library, sampler: str) -> None:
    """Refuse a method whose package is not installed.

    Raises:
        EngineError: With how it is installed.
    """
    package = library.samplers[sampler].package
    if package and importlib.util.find_spec(package.module) is None:
        raise EngineError(
            f"the sampler {sampler} needs {package.title}, which is not installed",
            remedy=f"Install the extra with `pip install 'mammobench[{package.extra}]'`, "
            "or use --sampler tpe",
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
    library = library_of(engine)
    _check(
        "unknown pruner", pruner, dict.fromkeys(name for each in ENGINES.values() for name in each.pruners)
    )
    asked = {"terminate": terminate, "pruner": pruner != "none"}
    missing = [name for name, wanted in asked.items() if wanted and name not in library.takes]
    if missing:
        stops = [name for name, each in library.samplers.items() if each.continues]
        raise EngineError(
            f"{engine} has no {'terminator' if 'terminate' in missing else 'pruners'}: {library.lacks}",
            remedy="; ".join([
                "Leave it out, or use --engine optuna",
                *(f"--sampler {name} has stopping of its own" for name in stops),
            ]),
        )  # fmt: skip
    if sampler is None:
        first = next(iter(library.samplers))
        return library.several or first if objectives > 1 else first
    _check(f"{engine} has no sampler", sampler, library.samplers)
    return sampler


def _check(problem: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise EngineError(
            f"{problem} {name!r}{nearest(name, list(known))}", expected=f"one of {', '.join(known)}"
        )
