"""What the folders above an image say: its class, its part of the split, and the set that it belongs to."""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import takewhile
from pathlib import PurePosixPath

from mammobench.core.errors import DataError
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.folder_labels import SHOWN, ClassNames, Named
from mammobench.data.store.records import SplitName

SPLITS: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
PLACES_SHOWN = 5
_LIKE_A_SPLIT = re.compile(
    r"(^|[^a-z])(train(ing)?|test(ing)?|val(id|idation)?|external|hold[ _-]?out)(set|data|images?)?([^a-z]|$)"
)

_LIKE_A_MASK = re.compile(r"(^|[^a-z])(masks?|segmentations?)([^a-z]|$)")


@dataclass(frozen=True, slots=True)
class Placed:
    """One image, and what its folders say of it.

    Attributes:
        file: Its path in the archive.
        named: Its class.
        split: Its part, None where no folder is called so.
        beside: The folders above its class folder that name no part.
    """

    file: str
    named: Named
    split: SplitName | None
    beside: tuple[str, ...]


def place(archive: Archive, images: list[str], classes: ClassNames) -> list[Placed]:
    """Read class and part of every image from its folders.

    Raises:
        DataError: When an image has no class or several, or lies beside the folders that name the parts, or
            when links show one file in two classes or parts.
    """
    _refuse_masks(archive, images)
    _require_classes(archive, images, classes)
    placed = {file: _place(archive, file, classes) for file in images}
    for alias, file in archive.aliases.items():
        if file not in placed:
            continue
        other = _place(archive, alias, classes) if _class_folders(alias, classes) else placed[file]
        if (other.named, other.split) != (placed[file].named, placed[file].split):
            raise DataError(
                "one file has two classes or parts, through a link",
                where=archive.path / alias,
                expected="a link into the same class and part of the split",
                found=f"a link to {file}",
                remedy="Remove one of the two",
            )
    _require_one_set(archive, placed.values())
    return list(placed.values())


def places_apart(placed: Collection[Placed]) -> str | None:
    """Say where class folders lie, if they lie in several places."""
    counts = Counter("/".join(image.beside) or "." for image in placed)
    if len(counts) < 2:  # noqa: PLR2004 - one place and another
        return None
    return f"Class folders in {len(counts):,} places were taken together: {_counted(counts)}."


def _refuse_masks(archive: Archive, images: list[str]) -> None:
    """Refuse masks of lesions among the images, which many sets have beside them."""
    masks = [file for file in images if _LIKE_A_MASK.search(file.lower())]
    if masks and len(masks) < len(images):
        raise DataError(
            f"{len(masks):,} of {len(images):,} images seem to be masks",
            where=archive.path / masks[0],
            expected="images alone",
            found="a name that says mask or segmentation",
            remedy="Move the masks out of the class folders, or name the images in a CSV table",
        )


def _require_classes(archive: Archive, images: list[str], classes: ClassNames) -> None:
    with_class: Counter[str] = Counter()
    without: Counter[str] = Counter()
    loose: list[str] = []
    first = ""
    levels = Counter(
        level for file in images for level, name in enumerate(_folders(file)) if classes.find(name)
    )
    # a folder as deep as those of known classes is likelier to be of a class than one below it
    usual = levels.most_common(1)[0][0] if levels else None
    for file in images:
        names = _class_folders(file, classes)
        above = [name for name in _folders(file)[usual:][:1] if usual is not None] or [
            *reversed(_folders(file))
        ]
        inner = next((name for name in above if name.lower() not in SPLITS), None)
        if names:
            with_class.update(names)
        elif inner is None:
            loose.append(file)
        else:
            without[inner] += 1
            first = first or file
    if without:
        classes.require({**without, **with_class}, str(archive.path / first), "class folder")
    if loose:
        raise DataError(
            "an image without a class" if len(loose) == 1 else f"{len(loose):,} images without a class",
            where=archive.path / loose[0],
            expected=f"images in subfolders named {SHOWN}, or a CSV table with file and label",
            found="an image in no such subfolder",
        )
    classes.require(with_class, str(archive.path), "class folder")


def _place(archive: Archive, file: str, classes: ClassNames) -> Placed:
    folders = _folders(file)
    names = _class_folders(file, classes)
    found = [named for name in names if (named := classes.find(name))]
    parts = list(dict.fromkeys(SPLITS[name.lower()] for name in folders if name.lower() in SPLITS))
    if len(parts) > 1 or not all(one.agrees(other) for one in found for other in found):
        raise DataError(
            "an image in two parts of the split" if len(parts) > 1 else "an image in two classes",
            where=archive.path / file,
            expected="one folder of a class and at most one of train, val and test above an image",
            found=" and ".join(parts) if len(parts) > 1 else " and ".join(names),
            remedy="Give the folder that directly holds those of the classes or parts, or rename one",
        )
    last = max(position for position, name in enumerate(folders) if name in names)
    return Placed(
        file,
        next((named for named in reversed(found) if named.type_known), found[-1]),
        parts[0] if parts else None,
        tuple(name for name in folders[:last] if name.lower() not in SPLITS and name not in names),
    )


def _require_one_set(archive: Archive, placed: Collection[Placed]) -> None:
    """Refuse a set beside another one: what is called like a part, or lies beside the parts."""
    levels = zip(*(image.beside for image in placed), strict=False)
    shared = len(list(takewhile(lambda names: len(set(names)) == 1, levels)))
    known = any(image.split for image in placed)
    aside: Counter[str] = Counter()
    for image in placed:
        beside = image.beside[shared:]
        if any(_LIKE_A_SPLIT.search(name.lower()) for name in beside):
            aside["/".join(image.beside)] += 1
        elif known and image.split is None:
            aside["/".join(_folders(image.file)[:1]) or "."] += 1
    if aside:
        raise DataError(
            "a folder that is no part of the split",
            where=archive.path,
            expected="class folders alone, or all of them in folders called train, val or test",
            found=_counted(aside),
            remedy="Rename the folder to the part that it is, or move it elsewhere; an external test set is "
            "prepared alone, with --all-test",
        )


def _folders(file: str) -> tuple[str, ...]:
    return PurePosixPath(file).parts[:-1]


def _class_folders(file: str, classes: ClassNames) -> list[str]:
    return [name for name in _folders(file) if classes.find(name)]


def _counted(counts: Counter[str]) -> str:
    told = [f"{place} ({count:,} images)" for place, count in counts.most_common(PLACES_SHOWN)]
    more = f" and {len(counts) - PLACES_SHOWN:,} more" if len(counts) > PLACES_SHOWN else ""
    return ", ".join(told) + more
