"""Other people's engines: entry points of the group ``mammobench.engines``.

A package that has one says so in its ``pyproject.toml``::

    [project.entry-points."mammobench.engines"]
    mine = "my_package.my_module:MyEngine"

where ``MyEngine`` makes an object with `propose` and `learn` from a space and, by keyword, ``directions`` and
``seed``, best a `mammobench.tuning.engines.base.Engine`. ``mammobench search --engine mine`` uses it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mammobench.core.errors import EngineError
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal
from mammobench.tuning.engines.registry import Library, Sampler

GROUP = "mammobench.engines"


_OFFERED: dict[str, "Plugin"] = {}


@dataclass(frozen=True)
class Plugin:
    """Somebody's engine: an entry point of an installed package, or what a Python program offers.

    Attributes:
        name: Of the engine.
        point: The entry point; None for a program's.
        maker: What makes it; None for an entry point's.
    """

    name: str
    point: EntryPoint | None = None
    maker: Callable[..., Any] | None = None

    @property
    def library(self) -> Library:
        """The engine as a library of one method, which has its name."""
        meaning = f"of {self._package}"
        return Library(
            name=self.name,
            meaning=meaning,
            where=self._where,
            samplers={self.name: Sampler(name=self.name, meaning=meaning, where=self._where)},
            lacks="it has ways of its own to stop trials, or none",
        )

    @property
    def _where(self) -> str:
        return self.name if self.point is None else self.point.value

    @property
    def _package(self) -> str:
        if self.point is None:
            return "this program"
        return self.point.dist.name if self.point.dist else self.point.module

    def __call__(self, space: Any, **options: Any) -> Engine:  # noqa: ANN401 - as the engine takes them
        """Make the engine.

        Raises:
            EngineError: When its package cannot be loaded, or makes something else.
        """
        try:
            maker = self.maker if self.point is None else self.point.load()
        except (ImportError, AttributeError) as error:
            raise EngineError(
                f"the engine {self.name} cannot be loaded ({error})",
                where=f"entry point {self._where} of {self._package}",
                remedy=f"Install {error.name}" if isinstance(error, ModuleNotFoundError) else None,
            ) from error
        return as_engine(None if maker is None else maker(space, **options), name=self.name)


def plugged_in() -> dict[str, Plugin]:
    """Return the engines of installed packages and of this program, by name."""
    return {point.name: Plugin(point.name, point) for point in entry_points(group=GROUP)} | _OFFERED


@contextmanager
def offered(name: str, maker: Callable[..., Any]) -> Iterator[None]:
    """Offer an engine of this program's by a name, as an installed package does, for the time of the block.

    Args:
        name: Of the engine.
        maker: Makes it from a space and, by keyword, ``directions`` and ``seed``.
    """
    _OFFERED[name] = Plugin(name, maker=maker)
    try:
        yield
    finally:
        del _OFFERED[name]


def as_engine(made: object, *, name: str) -> Engine:
    """Return an object that searches as an `Engine`.

    Args:
        made: An `Engine`, which is returned; or an object with ``propose(number)``, which returns a
            `Proposal`, a `NoProposal` or the values of a configuration, and ``learn(outcome)``. What else an
            `Engine` has is used where it has it.
        name: Of the method, for errors.

    Raises:
        EngineError: For an object that has no such methods.
    """
    if isinstance(made, Engine):
        return made
    missing = [method for method in ("propose", "learn") if not callable(getattr(made, method, None))]
    if missing:
        raise EngineError(
            f"the method {name} has no {' and no '.join(missing)}",
            expected="an object with propose(number) and learn(outcome), as "
            "mammobench.tuning.engines.base.Engine has them",
            found=type(made).__name__,
        )
    return _Adapted(made)


class _Adapted(Engine):
    def __init__(self, made: Any) -> None:  # noqa: ANN401 - whatever proposes and learns
        self._made = made

    def propose(self, number: int) -> Proposal | NoProposal:
        answer = self._made.propose(number)
        return Proposal(number, answer) if isinstance(answer, Mapping) else answer

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        self._own("resume")(proposal, curve)

    def report(self, number: int, epoch: int, value: float) -> None:
        self._own("report")(number, epoch, value)

    @property
    def stops(self) -> bool:
        return hasattr(self._made, "should_stop")

    def should_stop(self, number: int) -> bool:
        return bool(self._own("should_stop")(number))

    def learn(self, outcome: Outcome) -> None:
        self._made.learn(outcome)

    def settled(self) -> str | None:
        reason: str | None = self._own("settled")()
        return reason

    def _own(self, name: str) -> Any:  # noqa: ANN401 - a method of theirs
        return getattr(self._made, name, partial(_nothing, name))


def _nothing(*_: object) -> None:
    """Stand for a method that somebody's engine does not have."""
