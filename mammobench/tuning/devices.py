"""Cores and GPUs of this machine, leased to trials: cores shared out evenly, a GPU to one trial at a time."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from mammobench.core.errors import ConfigError
from mammobench.training.runtime import usable_cores

_LISTED = re.compile(r"^(?P<indent>\s*)(?:GPU|MIG) .*\(UUID: (?P<uuid>[^)]+)\)\s*$")


@dataclass(frozen=True)
class Lease:
    """What one trial may use.

    Attributes:
        threads: CPU threads.
        device: The GPU, as CUDA_VISIBLE_DEVICES names it; None for none.
        place: Which of the leases it is, from 0.
    """

    threads: int
    device: str | None
    place: int = 0

    @property
    def devices(self) -> tuple[str, ...]:
        """The GPU as a task takes it: a tuple of one or none."""
        return () if self.device is None else (self.device,)


class Leases:
    """Shares this machine among a number of trials.

    Each trial gets as many threads as any other, the cores divided by `workers` and rounded down: a trial's
    bits depend on its number of threads, which must not depend on what else happens to run. One worker so
    takes all cores.

    Args:
        workers: Trials at a time, 1 or more.
        share_devices: Whether trials may share a GPU where there are more workers than GPUs.
        devices: GPUs as CUDA_VISIBLE_DEVICES names them; None for those of `visible_devices`.
        cores: Cores to share; None for all that this process may use.

    Raises:
        ConfigError: For more workers than GPUs unless they are shared.
    """

    def __init__(
        self,
        workers: int,
        *,
        share_devices: bool = False,
        devices: Sequence[str] | None = None,
        cores: int | None = None,
    ) -> None:
        if workers < 1:
            raise ConfigError("no trial can run", where="workers", expected="1 or more", found=workers)
        devices = visible_devices() if devices is None else devices
        if devices and workers > len(devices) and not share_devices:
            raise ConfigError(
                "there are fewer GPUs than workers",
                expected=f"at most {len(devices)} workers",
                found=workers,
                remedy="Lower --workers, add --share-devices to let trials share a GPU, or set "
                "CUDA_VISIBLE_DEVICES= (empty) to train on the processor",
            )
        threads = max(1, (usable_cores() if cores is None else cores) // workers)
        self._free = [
            Lease(threads, devices[place % len(devices)] if devices else None, place)
            for place in range(workers)
        ]
        self._taken: set[Lease] = set()

    def take(self) -> Lease:
        """Return the first free lease.

        Raises:
            RuntimeError: When all of them are taken.
        """
        if not self._free:
            raise RuntimeError(f"expected a free lease, found all {len(self._taken)} taken")
        lease = self._free.pop(0)
        self._taken.add(lease)
        return lease

    def give_back(self, lease: Lease) -> None:
        """Make a lease free again.

        Raises:
            ValueError: When it was not taken from here, or was given back already.
        """
        if lease not in self._taken:
            raise ValueError(f"expected a lease that is taken, found {lease}")
        self._taken.remove(lease)
        self._free = sorted([*self._free, lease], key=lambda free: free.place)


def visible_devices() -> tuple[str, ...]:
    """Return the GPUs that CUDA would give this process, without starting CUDA.

    CUDA_VISIBLE_DEVICES decides where it is set; elsewhere nvidia-smi lists them. A GPU that is divided
    (multi-instance GPU) counts as its parts. No nvidia-smi, no GPU.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return devices_in(chosen)
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    listed = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - the driver's own tool
    return listed_devices(listed.stdout) if listed.returncode == 0 else ()


def devices_in(chosen: str) -> tuple[str, ...]:
    """Return the devices that a value of CUDA_VISIBLE_DEVICES names; as in CUDA, a bad one ends the list."""
    devices = []
    for name in map(str.strip, chosen.split(",")):
        if not name or name.startswith("-") or name == "NoDevFiles":
            break
        devices.append(name)
    return tuple(devices)


def listed_devices(listing: str) -> tuple[str, ...]:
    """Return the devices in the output of ``nvidia-smi -L``: whole GPUs, and the parts of divided ones."""
    devices: list[str] = []
    divided = False
    for line in listing.splitlines():
        if found := _LISTED.match(line):
            if found["indent"]:
                if not divided:
                    devices.pop()
                divided = True
            else:
                divided = False
            devices.append(found["uuid"])
    return tuple(devices)
