"""A small store in which crops of known films are hidden."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from mammobench.core.seeds import generator
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.records import Chunk, Provenance, Row
from mammobench.data.store.writer import StoreWriter

Images = npt.NDArray[np.uint8]
SIDE = 150
StoreOf = Callable[..., ImageStore]


def film_of(seed: int) -> Images:
    """Draw smooth grey texture of all sizes, as tissue has, 300 x 300 pixels."""
    rng = generator(seed, "film")
    layers = [
        cv2.GaussianBlur(rng.normal(size=(300, 300)).astype(np.float32), (0, 0), sigma) * sigma**1.5
        for sigma in (1, 2, 4, 8, 16)
    ]
    film = np.sum(layers, axis=0)
    return np.asarray(110 + 30 * (film - film.mean()) / film.std()).clip(0, 255).astype(np.uint8)


def crop_of(film: Images, left: int, top: int, quarters: int = 0, *, flip: bool = False) -> Images:
    patch = np.rot90(film[top : top + SIDE, left : left + SIDE], quarters)
    return np.ascontiguousarray(patch[:, ::-1] if flip else patch)


@pytest.fixture
def store_of(tmp_path: Path) -> StoreOf:
    def make(images: list[Images], labels: list[int], patients: list[str | None] | None = None) -> ImageStore:
        known = patients or [None] * len(images)
        rows = [
            Row(label, "drawn", number, "train", patient, patient)
            for number, (label, patient) in enumerate(zip(labels, known, strict=True))
        ]
        provenance = Provenance("drawn for tests", synthetic=True, licence="none", citations=())
        with StoreWriter(tmp_path / "store", image_size=SIDE, provenance=provenance) as writer:
            writer.append(Chunk(np.stack(images), rows))
        return ImageStore.open(tmp_path / "store")

    return make
