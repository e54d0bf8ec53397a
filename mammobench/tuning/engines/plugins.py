"""Other people's engines: entry points of the group ``mammobench.engines``.

A package that has one says so in its ``pyproject.toml``::

    [project.entry-points."mammobench.engines"]
    mine = "my_package.my_module:MyEngine"

where ``MyEngine`` makes a `mammobench.tuning.engines.base.Engine` from a space and, by keyword,
``directions`` and ``seed``.
"""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mammobench.core.errors import EngineError
from mammobench.tuning.engines.base import Engine

GROUP = "mammobench.engines"


@dataclass(frozen=True)
class Plugin:
    """An engine that an installed package offers.

    Attributes:
        name: Of the entry point.
        point: The entry point.
    """

    name: str
    point: EntryPoint

    def __call__(self, space: Any, **options: Any) -> Engine:  # noqa: ANN401 - as the engine takes them
        """Make the engine.

        Raises:
            EngineError: When its package cannot be loaded, or makes something else.
        """
        package = self.point.dist.name if self.point.dist else self.point.module
        try:
            made = self.point.load()(space, **options)
        except ImportError as error:
            raise EngineError(
                f"the engine {self.name} cannot be loaded ({error})",
                where=f"entry point {self.point.value} of {package}",
                remedy=f"Install what {package} needs",
            ) from error
        missing = [name for name in ("propose", "learn") if not callable(getattr(made, name, None))]
        if missing:
            raise EngineError(
                f"the engine {self.name} has no {missing[0]}",
                where=f"entry point {self.point.value} of {package}",
                expected="an engine as mammobench.tuning.engines.base.Engine has it",
                found=type(made).__name__,
            )
        engine: Engine = made
        return engine


def plugged_in() -> dict[str, Plugin]:
    """Return the engines of installed packages, by name."""
    return {point.name: Plugin(point.name, point) for point in entry_points(group=GROUP)}
