"""Groups and links beside a store's images: ``groups.parquet`` and ``links.parquet``."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mammobench.core.errors import DataError
from mammobench.core.files import written_aside
from mammobench.data.groups.model import LINK_COLUMNS, Groups, Recovery, no_links
from mammobench.data.store.filenames import GROUPS, LINKS
from mammobench.data.store.image_store import ImageStore

FORMAT = 1
NAMES = (GROUPS, LINKS)
_NOTE = b"mammobench"


def groups_of(store: ImageStore, *, identical: bool = True) -> Groups:
    """Return the groups of a store: the recovered ones where they were recovered, else those of its index.

    Args:
        store: The store.
        identical: Whether identical pictures share a group, recovered or not. Without it the groups are those
            of earlier versions.

    Raises:
        DataError: When the files of a recovery are damaged, incomplete, or of other images.
    """
    groups = _kept(store)
    if not identical or (store.identical < 0).all():
        return groups
    return Groups.join(store.index, groups.links, groups.recovery, identical=store.identical)


def _kept(store: ImageStore) -> Groups:
    paths = [store.path / name for name in NAMES]
    if not any(path.exists() for path in paths):
        return Groups.join(store.index, no_links())
    (groups, note), (links, note_of_links) = (_read(path) for path in paths)
    expected = {"format": FORMAT, "fingerprint": store.fingerprint}
    for path, found in zip(paths, (note, note_of_links), strict=True):
        if {name: found.get(name) for name in expected} != expected:
            raise _stale(
                path,
                f"format {FORMAT} and fingerprint {store.fingerprint[:12]}...",
                f"format {found.get('format')} and fingerprint {str(found.get('fingerprint'))[:12]}...",
            )
    if note != note_of_links:
        raise _stale(paths[1], "links of the same run as the groups", "those of another run")
    try:
        joined = Groups.join(store.index, links[list(LINK_COLUMNS)], Recovery(**note["recovery"]))
        fits = np.array_equal(joined.codes, groups["code"]) and np.array_equal(joined.known, groups["known"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise _stale(paths[1], "a table of links", error) from error
    if not fits:
        raise _stale(paths[0], "the groups that ids and links make", "others")
    return joined


def save_groups(store: ImageStore, groups: Groups) -> None:
    """Write both files, each whole or not at all; the groups are those of ids and links alone.

    Raises:
        DataError: When the store's folder cannot be written to.
    """
    if groups.recovery is None:
        raise ValueError("only recovered groups are saved: an index holds the known ones")
    note = {"format": FORMAT, "fingerprint": store.fingerprint, "recovery": asdict(groups.recovery)}
    tables = (pd.DataFrame({"code": groups.codes, "known": groups.known}), groups.links)
    try:
        for name, table in zip(NAMES, tables, strict=True):
            _write(store.path / name, table, note)
    except OSError as error:
        raise DataError(
            "cannot keep the groups",
            where=store.path,
            expected="a store that can be written to, on a disk with room",
            found=error.strerror or str(error),
            remedy="Free some space, or copy the store to a folder of your own",
        ) from error


def _write(path: Path, table: pd.DataFrame, note: dict[str, object]) -> None:
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _NOTE: json.dumps(note).encode()})
    with written_aside(path) as aside:
        pq.write_table(arrow, aside)


def _read(path: Path) -> tuple[pd.DataFrame, dict[str, dict[str, int]]]:
    try:
        table = pq.read_table(path)
        note = json.loads((table.schema.metadata or {})[_NOTE])
    except (OSError, ValueError, KeyError) as error:
        found = "no such file" if not path.exists() else str(error).splitlines()[0]
        raise _stale(path, "what `mammobench data groups` wrote", found) from error
    return table.to_pandas(), note


def _stale(path: Path, expected: object, found: object) -> DataError:
    return DataError(
        "the recovered groups do not belong to this store",
        where=path,
        expected=expected,
        found=found,
        remedy=f"Recover them again with `mammobench data groups {path.parent}`, or delete "
        f"{' and '.join(NAMES)} to go on with the known groups alone",
    )
