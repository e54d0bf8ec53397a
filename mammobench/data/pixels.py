"""Rows of a store as a model takes them: under a condition or as they are, then normalised."""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from mammobench.config import DataConfig
from mammobench.data.conditions import OTHER_SOURCE, Condition, Sources, change
from mammobench.data.intensity import prepared
from mammobench.data.splits import Split
from mammobench.data.store import ImageStore


class Pixels:
    """Reads batches of a store.

    Args:
        store: The images.
        data: ``image_size``, ``interpolation`` and ``intensity`` are used.
        split: Its training part says how the two sources look.
    """

    def __init__(self, store: ImageStore, data: DataConfig, split: Split) -> None:
        self._images = store.images(data.image_size, data.interpolation)
        self._labels = store.index["label"].to_numpy(dtype=np.int64)
        self._intensity = data.intensity
        self._training = split.train
        self.shape = (data.image_size, data.image_size, 1)

    def __call__(
        self, rows: npt.NDArray[np.int64], condition: Condition | None = None
    ) -> npt.NDArray[np.uint8]:
        """Return images as the model takes them, uint8 (n, size, size, 1).

        Args:
            rows: Of the store, (n,).
            condition: What happened to the images before they reached us; None for nothing.

        Raises:
            ValueError: For a condition that `allows` refuses.
        """
        images = self._images[rows]
        if condition is not None:
            others = None
            if condition.kind == OTHER_SOURCE and self._sources is not None:
                others = self._sources.others(self._labels[rows])
            images = change(images, condition, others=others)
        return prepared(images, self._intensity)[..., None]

    def allows(self, condition: Condition) -> bool:
        """Return whether a condition can be made: the other source's look needs both in training."""
        return condition.kind != OTHER_SOURCE or self._sources is not None

    @cached_property
    def _sources(self) -> Sources | None:
        return Sources.of(self._images, self._training)
