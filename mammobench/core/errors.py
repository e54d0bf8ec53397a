"""The errors of mammobench.

An error says what was expected, what was found, where, and what to do about it, in one paragraph.
The command line prints it without a traceback and exits with the class's ``exit_status``.

::

    MammobenchError
    ├── SpaceError          a search space file or a value that lies outside its space      (2)
    ├── ConfigError         a TrialConfig that no model can be built from                   (2)
    ├── DataError           a source, an image store or a split that cannot be used         (2)
    ├── EngineError         an engine or sampler that cannot do what it was asked           (2)
    ├── StudyError          a study folder that is missing, damaged or another study's      (2)
    ├── TrialError          trials that failed, so that there is nothing to rank            (1)
    └── ReproductionError   a trial that trained again to other predictions                 (1)
"""

from functools import partial
from pathlib import Path
from typing import ClassVar


class MammobenchError(Exception):
    """Base of every error that mammobench raises on purpose.

    Args:
        problem: What is wrong, as a clause without a full stop.
        expected: What would have been right.
        found: What stands there instead.
        where: The file, row, line or key.
        remedy: What the reader can do, as an imperative sentence without a full stop.
    """

    exit_status: ClassVar[int] = 2

    def __init__(
        self,
        problem: str,
        *,
        expected: object = None,
        found: object = None,
        where: str | Path | None = None,
        remedy: str | None = None,
    ) -> None:
        self.problem, self.expected, self.found = problem, expected, found
        self.where, self.remedy = where, remedy
        details = [
            f"{name} {value}"
            for name, value in (("expected", expected), ("found", found))
            if value is not None
        ]
        text = f"{where}: {problem}" if where is not None else problem
        if details:
            text += f": {', '.join(details)}"
        text += "."
        if remedy:
            text += f" {remedy}."
        super().__init__(text)

    def __reduce__(self) -> tuple[object, ...]:
        # an error goes from one process to another with its parts, in words
        expected, found, where = (
            None if value is None else str(value) for value in (self.expected, self.found, self.where)
        )
        return partial(type(self), expected=expected, found=found, where=where, remedy=self.remedy), (
            self.problem,
        )


class SpaceError(MammobenchError):
    """A search space that cannot be read, or a value outside it."""


class ConfigError(MammobenchError):
    """A configuration that contradicts itself or names what does not exist."""


class DataError(MammobenchError):
    """A source, image store or split that is missing, damaged or not what it claims to be."""


class EngineError(MammobenchError):
    """An engine or sampler that cannot do what it was asked."""


class StudyError(MammobenchError):
    """A study folder that is missing, damaged, or holds another study than the one asked for."""


class TrialError(MammobenchError):
    """Trials that failed, so that there is nothing to go on with."""

    exit_status: ClassVar[int] = 1


class ReproductionError(MammobenchError):
    """A trial that was trained again and came to other predictions."""

    exit_status: ClassVar[int] = 1
