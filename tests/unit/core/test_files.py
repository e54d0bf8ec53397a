import json
import os
import time
from pathlib import Path

import pytest

from mammobench.core.files import sweep, write_json, write_text, written_aside


def test_a_block_that_raises_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "value.txt"
    write_text(path, "old")

    def fail() -> None:
        with written_aside(path) as aside:
            aside.write_text("ne")
            raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_was_writing_aside_is_swept_and_nothing_else(tmp_path: Path) -> None:
    old, young, lock, file = (tmp_path / name for name in (".study-x1.json", ".a-b.npz", ".lock", "a-b.json"))
    for path in (old, young, lock, file):
        path.touch()
        if path != young:
            os.utime(path, (time.time() - 61, time.time() - 61))
    sweep(tmp_path)
    sweep(tmp_path / "missing")
    assert {*tmp_path.iterdir()} == {young, lock, file}
    sweep(tmp_path, seconds=0)
    assert {*tmp_path.iterdir()} == {lock, file}


def test_json_is_written_whole_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "value.json"
    write_json(path, {"name": "Größe", "n": [1, 2]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "Größe", "n": [1, 2]}
    assert path.stat().st_mode & 0o777 == 0o644
