"""Predictions of a store's rows, as they are and under conditions."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mammobench.core.aliases import KerasModel
from mammobench.core.files import written_aside
from mammobench.data.images.conditions import Condition
from mammobench.data.images.pixels import Pixels
from mammobench.data.splits.batches import evaluation_batches

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
LARGEST_BATCH = 128
UNCHANGED = "unchanged"


class Predictor:
    """Predicts rows of a store in batches of one size, so that the model is traced once.

    Args:
        model: A Keras model.
        pixels: Its images.
        rows_at_most: How many rows a call has at most.
    """

    def __init__(self, model: KerasModel, pixels: Pixels, rows_at_most: int) -> None:
        self._model, self._pixels = model, pixels
        self._batch = min(LARGEST_BATCH, rows_at_most)

    def trace(self) -> None:
        """Predict one batch of nothing, to have the tracing done."""
        self._model.predict_on_batch(np.zeros((self._batch, *self._pixels.shape), np.uint8))

    def __call__(self, rows: Rows, condition: Condition | None = None) -> Floats:
        """Return float32 probabilities, (n,) for two classes or (n, classes), in the order of `rows`."""
        parts = []
        for indices, real in evaluation_batches(len(rows), self._batch):
            batch = self._pixels(rows[indices], condition)
            parts.append(np.asarray(self._model.predict_on_batch(batch), dtype=np.float32)[:real])
        predicted = np.concatenate(parts)
        return predicted[:, 0] if predicted.shape[1] == 1 else predicted

    def write_stressed(
        self,
        path: Path,
        conditions: Sequence[Condition],
        unchanged: tuple[Floats, Floats],
        rows: tuple[Rows, Rows],
        told: Callable[[int, int], None],
    ) -> None:
        """Predict validation and test under conditions, if there are any, and write all at the end.

        Args:
            path: An ``.npz`` with their names, ``unchanged`` first, and for each the probabilities of
                validation and, sealed like a trial's own, of test.
            conditions: Those that the images do not allow are left out.
            unchanged: Predictions of validation and test.
            rows: Of validation and test.
            told: Called after each condition with how many are done, and their total.
        """
        if not conditions:
            return
        possible = [condition for condition in conditions if self._pixels.allows(condition)]
        validation, test = ([part] for part in unchanged)
        for done, condition in enumerate(possible, start=1):
            validation.append(self(rows[0], condition))
            test.append(self(rows[1], condition))
            told(done, len(possible))
        names: Sequence[str] = [UNCHANGED, *(condition.name for condition in possible)]
        with written_aside(path) as aside:
            np.savez_compressed(
                aside, conditions=np.array(names),
                validation_probability=np.stack(validation), test_probability=np.stack(test),
            )  # fmt: skip
