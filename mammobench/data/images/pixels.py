"""Rows of a store as a model takes them: under a condition or as they are, then normalised."""

from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from mammobench.data.images.conditions import OTHER_SOURCE, Condition, Sources, change
from mammobench.data.images.intensity import prepared
from mammobench.data.splits.split import Part
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import DataConfig


class Pixels:
    """Reads batches of a store.

    Args:
        store: The images.
        size: Side in pixels.
        interpolation: How they are made that small.
        intensity: Their normalisation, in the model or ahead of it.
        training: The part that says how the two sources look; None where no condition asks for it.
    """

    def __init__(
        self,
        store: ImageStore,
        *,
        size: int,
        interpolation: str,
        intensity: str,
        training: Part | None = None,
    ) -> None:
        self._images = store.images(size, interpolation)
        self._labels = store.index["label"].to_numpy(dtype=np.int64)
        self._intensity = intensity
        self._training = training
        self.shape = (size, size, 1)

    @classmethod
    def of(cls, store: ImageStore, data: DataConfig, training: Part) -> Self:
        """Return a store's images as a configuration takes them."""
        return cls(
            store, size=data.image_size, interpolation=data.interpolation, intensity=data.intensity,
            training=training,
        )  # fmt: skip

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
        return None if self._training is None else Sources.of(self._images, self._training)
