"""Sources of images: recognises the layout of a folder or zip and streams it into a store."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Protocol

from mammobench.core.errors import DataError
from mammobench.core.registry import resolve
from mammobench.data.images.options import PrepareOptions
from mammobench.data.sources.archive import Archive
from mammobench.data.sources.layouts import LAYOUTS
from mammobench.data.store.image_store import ImageStore
from mammobench.data.store.records import Chunk, Provenance
from mammobench.data.store.writer import StoreWriter, refuse_existing
from mammobench.space.config import nearest

FILES_SHOWN = 5


class Source(Protocol):
    """A data set in a layout of its own; one file of this package each, registered in `layouts`.

    Attributes:
        name: What ``--format`` calls the layout.
        looks_for: The files by which it is recognised, in words.
        provenance: Source, licence and citations.
        takes: The options that mean anything to it.
        image_size: Side of the square images, in pixels.
        total: About how many images there are, for progress alone.
        warnings: What a reader of results must know; complete when `chunks` is exhausted.
    """

    name: ClassVar[str]
    looks_for: ClassVar[str]
    provenance: ClassVar[Provenance]
    takes: ClassVar[frozenset[str]]
    image_size: int
    total: int
    warnings: list[str]

    def __init__(self, archive: Archive, options: PrepareOptions) -> None: ...

    @classmethod
    def recognises(cls, archive: Archive) -> bool:
        """Whether the files look like this layout, complete or not."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """Yield all images in a fixed order.

        Raises:
            DataError: When a file is damaged; names the file and the row.
        """
        ...


DEFAULTS = PrepareOptions()
SOURCES: dict[str, type[Source]] = {name: resolve(entry.where) for name, entry in LAYOUTS.items()}
"""Every layout's reader by name, in the order in which they are recognised."""


def prepare(
    source: Path,
    out: Path,
    *,
    format: str | None = None,  # noqa: A002 - the command line's word
    options: PrepareOptions = DEFAULTS,
    progress: Callable[[int, int], None] | None = None,
) -> ImageStore:
    """Write an image store from a data set, whole or not at all.

    Args:
        source: A folder or a zip in one of the layouts of `SOURCES`.
        out: The store's folder, which must not exist.
        format: Name of the layout; recognised when None.
        options: How images are cut and resized.
        progress: Called with the images done and about how many there are.

    Raises:
        DataError: When the layout is unknown, an option is not for it, a file is missing or damaged, `out`
            exists or cannot be written to, or the disk fills up.
    """
    refuse_existing(out)
    archive = Archive(source)
    layout = _recognise(archive, format)
    options.check(layout.takes, layout.name)
    reader = layout(archive, options)
    done = 0
    with StoreWriter(out, image_size=reader.image_size, provenance=reader.provenance) as writer:
        for chunk in reader.chunks():
            writer.append(chunk)
            done += len(chunk.rows)
            if progress:
                progress(done, max(done, reader.total))
        writer.warnings.extend(reader.warnings)
    if progress:
        progress(done, done)
    return ImageStore.open(out, verify=False)


def _recognise(archive: Archive, name: str | None) -> type[Source]:
    if name is not None and name not in SOURCES:
        raise DataError(
            "unknown format",
            where="--format",
            expected=f"one of {', '.join(SOURCES)}{nearest(name, list(SOURCES))}",
            found=name,
        )
    candidates = [SOURCES[name]] if name else list(SOURCES.values())
    for candidate in candidates:
        if candidate.recognises(archive):
            return candidate
    files = sorted(archive.sizes)
    more = f" and {len(files) - FILES_SHOWN} more" if len(files) > FILES_SHOWN else ""
    dicom = any(file.lower().endswith((".dcm", ".dicom")) for file in files)
    raise DataError(
        "no known layout",
        where=archive.path,
        expected="; or ".join(layout.looks_for for layout in candidates),
        found=", ".join(files[:FILES_SHOWN]) + more or "no files",
        remedy="DICOM files are read of CBIS-DDSM alone: convert others to png or tif of 8 or 16 bits"
        if dicom
        else "Give the folder that directly holds the data set, or its zip",
    )
