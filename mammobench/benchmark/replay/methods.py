"""The search methods that a comparison names: a library's sampler and pruner, or somebody's own engine."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mammobench.core.errors import EngineError
from mammobench.core.objectives import Direction
from mammobench.space.config import nearest
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import Engine
from mammobench.tuning.engines.making import check_engine, make_engine
from mammobench.tuning.engines.methods import ENGINES
from mammobench.tuning.engines.plugins import as_engine, plugged_in
from mammobench.tuning.engines.promoting import Spending

EngineMaker = Callable[..., Any]
"""Makes an object with `propose` and `learn` from a space and, by keyword, ``directions`` and ``seed``."""

_TEXT = re.compile(
    r"(?:(?P<library>[\w.-]+):)?(?P<sampler>[\w.-]+)(?:\+(?P<pruner>[\w-]+))?(?:\*(?P<speed>\d+(?:\.\d+)?))?"
)
_NO_SEARCH = "design"


@dataclass(frozen=True, kw_only=True)
class Method:
    """A search method.

    Attributes:
        name: As it stands on the page, ``tpe+asha``.
        library: Of `mammobench.tuning.engines.methods.ENGINES`; empty for somebody's own engine.
        sampler: Of the library.
        pruner: Of the library.
        speed: What it is given of the budget at each moment: 2 is twice as much as the others.
        make: Makes somebody's own engine.
    """

    name: str
    library: str = ""
    sampler: str = ""
    pruner: str = "none"
    speed: float = 1.0
    make: EngineMaker | None = field(default=None, compare=False)

    @classmethod
    def of(cls, given: "str | Method | EngineMaker") -> "Method":
        """Return a method that is named, or made of a class with `propose` and `learn`.

        Args:
            given: A name, see `parse_method`; or what makes an engine from a space and, by keyword,
                ``directions`` and ``seed``, such as a subclass of `Engine`.

        Raises:
            EngineError: For a name that there is not.
        """
        if isinstance(given, Method):
            return given
        if isinstance(given, str):
            return parse_method(given)
        return cls(name=getattr(given, "__name__", type(given).__name__), make=given)

    @property
    def heavy(self) -> bool:
        """Whether its library takes seconds and some hundred megabytes to load."""
        return self.make is None and ENGINES[self.library].heavy

    def engine(
        self,
        space: SearchSpace,
        *,
        direction: Direction,
        seed: int,
        constraints: int = 0,
        spending: Spending | None = None,
    ) -> Engine:
        """Return the method's engine, which knows of no trial yet.

        Args:
            space: What to search; its budget is what a method that plans ahead divides.
            direction: Of the objective.
            seed: Of the method's draws.
            constraints: How many constraint values finished and infeasible trials have.
            spending: What there is to spend; None for the space's budget of trials.

        Raises:
            EngineError: For what the method cannot do, and for a package that is not installed.
        """
        if self.make is not None:
            return as_engine(self.make(space, directions=(direction,), seed=seed), name=self.name)
        takes = ENGINES[self.library].takes
        return make_engine(
            space,
            engine=self.library,
            sampler=self.sampler,
            pruner=self.pruner,
            directions=(direction,),
            seed=seed,
            constraints=constraints if "constraints" in takes else 0,
            spending=spending,
        )


def parse_method(text: str) -> Method:
    """Return the method of a name: ``[library:]sampler[+pruner][*factor]``, or that of an entry point.

    Without a library it is the first that has the sampler, Optuna before KerasTuner; ``random*2`` is random
    search with twice the budget.

    Raises:
        EngineError: For a name that there is not, with the nearest one.
    """
    match = _TEXT.fullmatch(text.strip())
    parts: dict[str, Any] = match.groupdict() if match else {}
    sampler, library = parts.get("sampler") or text, parts.get("library")
    speed = float(parts.get("speed") or 1.0)
    if speed <= 0:
        raise EngineError("wrong method", expected="a factor above 0", found=repr(text))
    if library is None:
        library = next((name for name in _searching() if sampler in ENGINES[name].samplers), None)
    if library is None:
        plugged = plugged_in().get(sampler)
        if plugged is not None and parts.get("pruner") is None:
            return Method(name=text.strip(), speed=speed, make=plugged)
        raise EngineError(
            f"unknown method {text!r}{nearest(text, known_methods())}",
            expected=f"[library:]sampler[+pruner], one of {', '.join(known_methods())}, or an engine of the "
            "entry point mammobench.engines",
        )
    if library == _NO_SEARCH or library not in ENGINES:
        names = [*_searching()]
        raise EngineError(
            f"unknown library of methods {library!r}{nearest(library, names)}", expected=" or ".join(names)
        )
    pruner = parts.get("pruner") or "none"
    check_engine(library, sampler, pruner=pruner)
    return Method(name=text.strip(), library=library, sampler=sampler, pruner=pruner, speed=speed)


def known_methods() -> list[str]:
    """Return the names of all methods without their pruners, those of entry points included."""
    names: dict[str, None] = {}
    for library in _searching():
        for sampler in ENGINES[library].samplers:
            names[f"{library}:{sampler}" if sampler in names else sampler] = None
    return [*names, *plugged_in()]


def _searching() -> list[str]:
    return [name for name in ENGINES if name != _NO_SEARCH]


DEFAULT_METHODS = (
    "random", "random*2", "qmc", "tpe", "tpe-univariate", "cmaes", "random+median", "random+asha",
    "random+hyperband", "tpe+median", "tpe+asha", "tpe+hyperband", "keras-tuner:bayesian",
    "keras-tuner:hyperband", "i-epoch", "asha",
)  # fmt: skip
"""What ``--methods default`` compares."""

ALL_METHODS = (
    "random", "random*2",
    *(
        f"{sampler}{pruner}"
        for sampler in ("random", "qmc", "tpe", "tpe-univariate", "cmaes")
        for pruner in ("", "+median", "+asha", "+hyperband")
        if (sampler, pruner) != ("random", "")
    ),
    "keras-tuner:random", "keras-tuner:bayesian", "keras-tuner:hyperband", "i-epoch", "asha",
)  # fmt: skip
"""What ``--methods all`` compares: every method that needs no extra and no Gaussian process of Optuna's."""

NAMED = {"default": DEFAULT_METHODS, "all": ALL_METHODS}


def methods_named(text: str) -> tuple[Method, ...]:
    """Return the methods of a list with commas; ``default`` and ``all`` stand for several.

    Raises:
        EngineError: For a name that there is not, or one that stands twice.
    """
    found: dict[str, Method] = {}
    for name in filter(None, (part.strip() for part in text.split(","))):
        for each in NAMED.get(name, (name,)):
            method = parse_method(each)
            if each in found and name not in NAMED:
                raise EngineError("a method stands twice", found=repr(each))
            found[method.name] = method
    if not found:
        raise EngineError("no methods", expected="names with commas between, or default")
    return tuple(found.values())
