"""`EpochPredictions`: what a recorded training predicts after each of its epochs, sealed in a file."""

import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mammobench.core.files import written_aside

Array = npt.NDArray[Any]


class EpochPredictions:
    """Probabilities on validation and test after each epoch of one training.

    A training that goes on from a checkpoint goes on from the arrays that the checkpoint kept, so that the
    file ends with the bits of one that was never interrupted, its seconds and memory aside.

    Args:
        path: The file, an ``.npz``: ``validation`` and ``test``, float32, shape (epochs, images) for two
            classes, (epochs, images, classes) for more; ``start_seconds``, before the first epoch, in the
            trial's process; ``peak_memory``, bytes, the most that the process has held.
        kept: The arrays as the checkpoint has them; empty for a training from the start.
    """

    def __init__(self, path: Path, kept: Mapping[str, Array]) -> None:
        self._path, self.arrays = path, dict(kept)

    def add(self, validation: Array, test: Array, *, start_seconds: float) -> None:
        """Take the probabilities after one more epoch, and write the file anew.

        Args:
            validation: Float32, of the images that validate.
            test: As `validation`, of those that test.
            start_seconds: Before the first epoch; that of the training's first process is kept.
        """
        for name, value in (("validation", validation), ("test", test)):
            row = np.asarray(value, np.float32)[None]
            before = self.arrays.get(name)
            self.arrays[name] = row if before is None else np.concatenate([before, row])
        self.arrays.setdefault("start_seconds", np.array(start_seconds, np.float64))
        peak = max(int(self.arrays.get("peak_memory", np.array(0))), _peak_memory())
        self.arrays["peak_memory"] = np.array(peak, np.int64)
        with written_aside(self._path) as aside:
            np.savez(aside, allow_pickle=False, **self.arrays)


def _peak_memory() -> int:
    """Return the most bytes that this process has held."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, Linux KiB
    return held if sys.platform == "darwin" else held * 1024
