"""Overlap of two stores: pictures that both hold, however each was prepared, and patients of one name.

The same picture has other pixels in a store of another size. So pictures are compared by their hashes, and
by blurred sketches of `SIDE` pixels: of the whole image, and of what black padding surrounds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mammobench.data.store.duplicates import is_constant
from mammobench.data.store.filenames import images_name
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.npy import read_chunks
from mammobench.data.store.records import Images

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

SIDE, FINE_SIDE = 12, 48
# in grey levels: sketches of one patch of mini-MIAS at 299 px and at 128, 100, 60 or 48 px are 0.2 apart at
# most, those of patches of two patients 3.7 at least
MOST_APART = 1.0
LEAST_SPREAD = 4.0
_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class PartOverlap:
    """What a set shares with one part of another one.

    Attributes:
        pictures: Which images of the set are pictures of the part, bool (n,).
        patients: Which are of patients, or lesions, of the part, bool (n,).
    """

    pictures: Mask
    patients: Mask

    @property
    def images(self) -> Mask:
        """Which images of the set are one or the other, bool (n,)."""
        return np.asarray(self.pictures | self.patients)


@dataclass(frozen=True, eq=False)
class Overlap:
    """What a set shares with another one.

    Attributes:
        parts: By the name of the other one's part.
        namesakes: Images whose patient has the name of a patient of the other set, where the sets are of
            different sources, so that this may be chance; they do not count as shared.
    """

    parts: Mapping[str, PartOverlap]
    namesakes: int

    @property
    def images(self) -> Mask:
        """Which images of the set are shared with any part, bool (n,)."""
        return np.asarray(np.any([part.images for part in self.parts.values()], axis=0))

    def told(self) -> str:
        """Count in words what is shared with each part."""
        parts = "; ".join(
            f"{int(part.pictures.sum()):,} are pictures of the {name} part and "
            f"{int(part.patients.sum()):,} are of its patients"
            for name, part in self.parts.items()
            if part.images.any()
        )
        return f"{int(self.images.sum()):,} of {len(self.images):,} images: {parts or 'none is shared'}"

    def values(self) -> dict[str, object]:
        """Return the counts as JSON holds them."""
        counted = {
            name: {
                "images": int(part.images.sum()),
                "pictures": int(part.pictures.sum()),
                "patients": int(part.patients.sum()),
            }
            for name, part in self.parts.items()
        }
        return {"images": int(self.images.sum()), "parts": counted, "namesakes": self.namesakes}


def find_overlap(
    store: ImageStore,
    rows: Codes,
    other: ImageStore,
    parts: Mapping[str, Codes],
    *,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Overlap:
    """Look for pictures and patients of one store in parts of another one.

    Constant images are alike without being of one patient, and do not count; nor do patients of one name in
    sets of different sources, or in synthetic ones.

    Args:
        store: The store that is looked at.
        rows: Of its images, (n,).
        other: The store in which they are looked for.
        parts: Rows of the other store, by the part's name.
        progress: Told how many images have been read, of how many.
    """
    total, read = len(store) + len(other), 0

    def told(done: int) -> None:
        progress(read + done, total)

    here = _Sketches.of(store, rows, told)
    read = len(store)
    wanted = np.unique(np.concatenate(list(parts.values())))
    there = _Sketches.of(other, wanted, told)
    hashes = store.index["pixel_hash"].to_numpy()[rows]
    hashes_there = other.index["pixel_hash"].to_numpy()
    images = store.images(store.manifest.image_size)
    equal = np.isin(hashes, hashes_there[wanted])
    of_nothing = {hashes[at] for at in np.flatnonzero(equal) if is_constant(np.array(images[rows[at]]))}
    same_source = store.manifest.source == other.manifest.source
    found = {}
    for name, part in parts.items():
        exact = np.isin(hashes, list(set(hashes_there[part]) - of_nothing))
        pictures = exact | here.near(there.only(np.isin(wanted, part)))
        named = _of_same_patient(store, rows, other, part)
        found[name] = PartOverlap(pictures, named if same_source else np.zeros(len(rows), dtype=bool))
    namesakes = 0 if same_source else int(_of_same_patient(store, rows, other, wanted).sum())
    return Overlap(found, namesakes)


def _of_same_patient(store: ImageStore, rows: Codes, other: ImageStore, part: Codes) -> Mask:
    same = np.zeros(len(rows), dtype=bool)
    # patients of phantoms are numbers
    if store.manifest.synthetic or other.manifest.synthetic:
        return same
    for name in ("patient", "group"):
        same |= store.index[name].iloc[rows].isin(other.index[name].iloc[part].dropna()).to_numpy(dtype=bool)
    return same


@dataclass(frozen=True, eq=False)
class _Sketches:
    """Small versions of n images; a row of NaN is of an image that shows too little to be told from others.

    Attributes:
        whole: float32 (n, SIDE * SIDE), grey values less 128.
        trimmed: The same of the image without a black margin.
    """

    whole: Floats
    trimmed: Floats

    @classmethod
    def of(cls, store: ImageStore, rows: Codes, told: Callable[[int], None]) -> "_Sketches":
        taken = np.zeros(len(store), dtype=bool)
        taken[rows] = True
        sketches = np.full((2, len(store), SIDE * SIDE), np.nan, dtype=np.float32)
        row = 0
        for chunk in read_chunks(store.path / images_name(store.manifest.image_size)):
            for image in chunk:
                if taken[row]:
                    sketches[:, row] = _sketch(image), _sketch(_without_margin(image))
                row += 1
            told(row)
        return cls(sketches[0, rows], sketches[1, rows])

    def only(self, chosen: Mask) -> "_Sketches":
        return _Sketches(self.whole[chosen], self.trimmed[chosen])

    def near(self, others: "_Sketches") -> Mask:
        """Return for each image whether one of the others shows the same picture, bool (n,)."""
        return _near(self.whole, others.whole) | _near(self.trimmed, others.trimmed)


def _sketch(image: Images) -> Floats:
    height, width = image.shape
    fine = image.astype(np.float32)
    if max(height, width) > FINE_SIDE:
        width, height = min(width, FINE_SIDE), min(height, FINE_SIDE)
        fine = np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    # without the blur, a way over a size in between shows
    blurred = cv2.GaussianBlur(
        fine, (0, 0), sigmaX=width / SIDE, sigmaY=height / SIDE, borderType=cv2.BORDER_REFLECT
    )
    small = cv2.resize(blurred, (SIDE, SIDE), interpolation=cv2.INTER_AREA).ravel()
    enough = small.std() >= LEAST_SPREAD
    return np.asarray(small - 128 if enough else np.full_like(small, np.nan), np.float32)


def _without_margin(image: Images) -> Images:
    down, across = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    return image[down[0] : down[-1] + 1, across[0] : across[-1] + 1] if len(down) else image


def _near(sketches: Floats, others: Floats) -> Mask:
    others = others[~np.isnan(others[:, 0])]
    found = np.zeros(len(sketches), dtype=bool)
    if not len(others):
        return found
    squares = (others**2).sum(axis=1)
    for start in range(0, len(sketches), _AT_ONCE):
        some = sketches[start : start + _AT_ONCE]
        apart = (some**2).sum(axis=1)[:, None] + squares[None] - 2 * some @ others.T
        # NaN is near to nothing
        found[start : start + _AT_ONCE] = (apart <= SIDE * SIDE * MOST_APART**2).any(axis=1)
    return found
