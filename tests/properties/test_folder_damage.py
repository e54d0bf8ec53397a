"""Whatever is done to the bytes of a picture or a table, it is read or refused: no other error comes out."""

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mammobench.core.errors import DataError
from mammobench.data.images.options import PrepareOptions
from mammobench.data.images.pictures import picture_shape, read_picture
from mammobench.data.sources.registry import prepare
from tests.folder_layout import write_table

QUIETLY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
EDITS = st.lists(
    st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=8), st.integers(0, 8)),
    min_size=1,
    max_size=4,
)
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "png": ("L", {}),
    "jpg": ("L", {}),
    "jpeg": ("CMYK", {"progressive": True}),
    "tif": ("L", {"compression": "tiff_lzw"}),
    "tiff": ("I;16", {"compression": "tiff_deflate"}),
    "bmp": ("P", {}),
    "pgm": ("L", {}),
}


def picture_of(kind: str) -> bytes:
    mode, options = KINDS[kind]
    pixels = np.arange(24 * 20, dtype=np.uint16).reshape(24, 20)
    image = (
        Image.fromarray(pixels) if mode == "I;16" else Image.fromarray(pixels.astype(np.uint8)).convert(mode)
    )
    written = io.BytesIO()
    image.save(
        written, {"jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF", "pgm": "PPM"}.get(kind, kind), **options
    )
    return written.getvalue()


def edited(content: bytes, edits: list[tuple[float, bytes, int]]) -> bytes:
    """Put bytes in place of others, of another number."""
    for where, new, gone in edits:
        start = int(where * len(content))
        content = content[:start] + new + content[start + gone :]
    return content


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=QUIETLY)
@given(edits=EDITS)
def test_a_damaged_picture_is_read_or_refused(
    tmp_path: Path, kind: str, edits: list[tuple[float, bytes, int]]
) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(edited(picture_of(kind), edits))
    try:
        shape = picture_shape(path, path.name)
        pixels = read_picture(path, path.name)
    except DataError:
        return
    assert pixels.shape == shape
    assert pixels.dtype in {np.dtype(np.uint8), np.dtype(np.uint16)}


@settings(max_examples=60, deadline=None, suppress_health_check=QUIETLY)
@given(edits=EDITS)
def test_a_damaged_table_is_read_or_refused(edits: list[tuple[float, bytes, int]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [f"images/{letter}.png,benign,P1,train,L,CC" for letter in "abcd"]
        write_table(folder / "mine", "file,label,patient,split,laterality,view", *lines)
        table = folder / "mine" / "labels.csv"
        table.write_bytes(edited(table.read_bytes(), edits))
        try:
            store = prepare(folder / "mine", folder / "store", options=PrepareOptions(size=16))
        except DataError:
            assert not (folder / "store").exists()
            return
        assert 0 < len(store) <= 4
