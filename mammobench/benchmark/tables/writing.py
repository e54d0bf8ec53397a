"""A table's files: written aside, then renamed, so that a kill leaves the old table or the new one."""

import hashlib
import shutil
from io import StringIO
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

from mammobench.benchmark import filenames
from mammobench.benchmark.tables.card import dataset_card, licence_text
from mammobench.benchmark.tables.croissant import croissant
from mammobench.benchmark.tables.recorded import Recorded
from mammobench.core.files import write_json, write_text
from mammobench.space.search_space import SearchSpace

FORMAT = 1
"""The newest format that this version reads, and the one that it writes."""


def write_table(folder: Path, recorded: Recorded) -> None:
    """Write a table, or one that replaces the table there.

    The same contents give the same bytes. A folder that a kill left in the midst of a replacement is whole
    when `finish_writing` has seen it, with the new table if that was written, else with the old one.

    Args:
        folder: The table's; what else is in it stays.
        recorded: The contents.

    Raises:
        OSError: When something cannot be written.
    """
    aside = folder / filenames.ASIDE
    finish_writing(folder)
    aside.mkdir(parents=True)
    frames = {
        filenames.CONFIGS: recorded.configs,
        filenames.CURVES: recorded.curves,
        filenames.RUNS: recorded.runs,
    }
    for name, frame in frames.items():
        _write_parquet(aside / name, frame)
    write_text(aside / filenames.SPACE, space_text(recorded.space))
    write_json(aside / filenames.METADATA, {"format": FORMAT, **recorded.metadata})
    write_text(aside / filenames.LICENSE, licence_text(recorded))
    write_text(aside / filenames.CARD, dataset_card(recorded))
    hashes = {path.name: sha256_of(path) for path in sorted(aside.iterdir())}
    write_json(aside / filenames.CROISSANT, croissant(recorded, hashes))
    hashes[filenames.CROISSANT] = sha256_of(aside / filenames.CROISSANT)
    # with the sums the new table is whole
    lines = [f"{digest}  {name}\n" for name, digest in sorted(hashes.items())]
    write_text(aside / filenames.SUMS, "".join(lines))
    finish_writing(folder)


def finish_writing(folder: Path) -> None:
    """Bring a table that was written aside to its place; remove what is not whole."""
    aside = folder / filenames.ASIDE
    if (aside / filenames.SUMS).is_file():
        names = (path.name for path in aside.iterdir() if not path.name.startswith("."))
        # the sums last: until then the folder aside is known to be whole
        for name in sorted(names, key=lambda name: name == filenames.SUMS):
            (aside / name).replace(folder / name)
    shutil.rmtree(aside, ignore_errors=True)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def space_text(space: SearchSpace) -> str:
    """Return a space as a search space file that `mammobench search --space` takes."""
    text = StringIO()
    # a round-trip dumper keeps the order in which a mapping stands
    yaml = YAML(typ="rt", pure=True)
    yaml.dump(space.to_dict(), text)
    head = "".join(f"# {line}\n" for line in space.description.splitlines())
    return head + text.getvalue()


def _write_parquet(path: Path, frame: pd.DataFrame) -> None:
    frame.to_parquet(path, engine="pyarrow", compression="zstd", compression_level=19, index=False)
