"""`JobPlan`: what each worker's job asks a cluster for, read from options ``key=value``."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, Self

from mammobench.core.errors import ConfigError
from mammobench.space.config import nearest

_WHERE = "--launch-option"
# sbatch's own forms: minutes, minutes:seconds, hours:minutes:seconds, days-hours[:minutes[:seconds]]
_TIME = re.compile(
    r"(?:(?P<days>\d+)-(?P<hours>\d+)(?::(?P<minutes>\d+))?(?::\d+)?"
    r"|(?P<clock>\d+):(?P<of_hour>\d+):\d+|(?P<plain>\d+)(?::\d+)?)"
)
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)(M|G|T)B?", re.IGNORECASE)
_GIGABYTES = {"M": 1 / 1024, "G": 1.0, "T": 1024.0}


@dataclass(frozen=True)
class JobPlan:
    """What one worker's job asks for; None leaves it to the cluster.

    Attributes:
        partition: The partition, or several, separated by commas.
        account: Who pays.
        qos: Quality of service.
        gpus: GPUs.
        cpus: Processor cores.
        time: Minutes after which the cluster stops the job; it is requeued then and goes on.
        memory: GiB.
        array: Jobs that run at one time; None for all.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    gpus: int = 0
    cpus: int = 4
    time: int = 24 * 60
    memory: float = 16.0
    array: int | None = None

    @classmethod
    def from_options(cls, options: Iterable[str]) -> Self:
        """Read ``key=value`` options, with times and sizes as sbatch writes them: 12:00:00, 2-12, 24G.

        Raises:
            ConfigError: For an unknown key, or a value that cannot be read.
        """
        known = [field.name for field in fields(cls)]
        values: dict[str, Any] = {}
        for option in options:
            key, separator, text = option.partition("=")
            if not separator or key not in known:
                raise ConfigError(
                    f"unknown option{nearest(key, known)}",
                    where=_WHERE,
                    expected=f"key=value with one of {', '.join(known)}",
                    found=repr(option),
                )
            values[key] = _READERS.get(key, str)(text)
        return cls(**values)

    def parameters(self) -> dict[str, Any]:
        """Return the plan as submitit's parameters."""
        return {
            "cpus_per_task": self.cpus,
            "gpus_per_node": self.gpus or None,
            "timeout_min": self.time,
            "mem_gb": self.memory,
            "slurm_partition": self.partition,
            "slurm_account": self.account,
            "slurm_qos": self.qos,
            "slurm_array_parallelism": self.array,
            # not every cluster lets a job be requeued unasked
            "slurm_additional_parameters": {"requeue": True},
        }


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ConfigError("not a whole number", where=_WHERE, expected="0 or more", found=repr(text))
    return int(text)


def _positive(text: str) -> int:
    if _count(text) < 1:
        raise ConfigError("too few", where=_WHERE, expected="1 or more", found=text)
    return int(text)


def _minutes(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ConfigError(
            "not a time", where=_WHERE, expected="minutes, H:MM:SS or D-HH[:MM[:SS]]", found=repr(text)
        )
    part = {name: int(value or 0) for name, value in match.groupdict().items()}
    hours = part["days"] * 24 + part["hours"] + part["clock"]
    return max(1, hours * 60 + part["minutes"] + part["of_hour"] + part["plain"])


def _gigabytes(text: str) -> float:
    match = _MEMORY.fullmatch(text)
    if match is None:
        raise ConfigError("not a size", where=_WHERE, expected="a size like 16G or 500M", found=repr(text))
    return float(match[1]) * _GIGABYTES[match[2].upper()]


_READERS: dict[str, Callable[[str], Any]] = {
    "gpus": _count,
    "cpus": _positive,
    "time": _minutes,
    "memory": _gigabytes,
    "array": _positive,
}
