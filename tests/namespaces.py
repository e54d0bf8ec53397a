"""Network namespaces for tests: machines that can reach what this one offers, and not its loopback."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def namespaces(count: int) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Make network namespaces, each with a cable of its own to this machine, for the time of a block.

    Yields:
        The address at which all of them reach this machine, and for each the words to put before a command
        that is to run in it.

    Skips the test where the kernel or this user may not.
    """
    # a network that is set aside for tests (RFC 2544), a part of it for each test process
    network = f"198.18.{os.getpid() % 256}"
    names = [f"mammobench-{os.getpid()}-{place}" for place in range(count)]
    try:
        for place, name in enumerate(names):
            here, there = (f"{network}.{4 * place + end}" for end in (1, 2))
            cable = f"mb{os.getpid()}-{place}"
            _ip("netns", "add", name)
            _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("address", "add", f"{here}/30", "dev", cable)
            _ip("link", "set", cable, "up")
            _ip("-n", name, "address", "add", f"{there}/30", "dev", "eth0")
            for device in ("eth0", "lo"):
                _ip("-n", name, "link", "set", device, "up")
            _ip("-n", name, "route", "add", "default", "via", here)
        yield f"{network}.1", [("ip", "netns", "exec", name) for name in names]
    finally:
        for name in names:
            # its end of a cable goes with it, and so does the other one
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)  # noqa: S607


def _ip(*words: str) -> None:
    try:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)  # noqa: S607
    except FileNotFoundError:
        pytest.skip("the command `ip` is not installed")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: `ip {' '.join(words)}` says {error.stderr.strip()!r}")
