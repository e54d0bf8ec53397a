"""Files that are whole or not there: written aside, then renamed."""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mammobench.core.aliases import Json


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to, and rename it to `path` when the block succeeds.

    A block that raises leaves nothing behind, and leaves an older `path` as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        aside.chmod(0o644)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def sweep(folder: Path, *, seconds: float = 60.0) -> None:
    """Remove what a killed process was writing aside in a folder.

    Args:
        folder: The folder; it may be missing.
        seconds: How long ago it was last written to; what is younger may be a living process's.
    """
    with suppress(OSError):
        for path in folder.glob(".*-*"):
            if path.is_file() and time.time() - path.stat().st_mtime >= seconds:
                path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text so that `path` holds the old or the new text, never a part."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Json) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
