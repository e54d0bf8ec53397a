from pathlib import Path

import pytest

from mammobench.core.errors import DataError
from mammobench.data.sources.registry import prepare


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such source"):
        prepare(tmp_path / "nowhere", tmp_path / "store")


def test_an_unknown_layout_says_what_was_looked_for_and_found(tmp_path: Path) -> None:
    for name in "abcdefg":
        (tmp_path / f"{name}.doc").touch()
    with pytest.raises(
        DataError, match=r"expected training10_.*tfrecords.*found a.doc, .*e.doc and 2 more\."
    ):
        prepare(tmp_path, tmp_path / "store")


def test_an_empty_folder_has_no_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no files"):
        prepare(tmp_path, tmp_path / "store")


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_text("not packed")
    with pytest.raises(DataError, match=r"data.zip: not a source: .* found file is not a zip file"):
        prepare(tmp_path / "data.zip", tmp_path / "store")


def test_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"--format: unknown format: expected one of ddsm, .*folder, found dicom"
    ):
        prepare(tmp_path, tmp_path / "store", format="dicom")


def test_an_output_that_exists_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the output exists"):
        prepare(tmp_path / "nowhere", tmp_path)
