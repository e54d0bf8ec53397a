"""One root seed to named seeds: random numbers come from (seed, names), never from a global stream."""

import hashlib

import numpy as np


def derive_seed(root: int, *names: str | int) -> int:
    """Derive a seed for one purpose from a root seed.

    Args:
        root: Any integer; 0 is as good as any other.
        *names: What the seed is for, such as a trial number and a purpose: ``derive_seed(0, 7, "shuffle")``.

    Returns:
        An integer in [0, 2**31), the same on every machine, and unrelated between different names.
    """
    path = "/".join(f"{type(name).__name__}:{name}" for name in (int(root), *names))
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") >> 1


def generator(root: int, *names: str | int) -> np.random.Generator:
    """Return a NumPy generator (PCG64) for one purpose; see `derive_seed` for the arguments."""
    return np.random.Generator(np.random.PCG64(derive_seed(root, *names)))
