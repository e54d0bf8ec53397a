"""`data groups` and `data audit` through the command line."""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mammobench.data.groups import groups_of
from mammobench.data.store.image_store import ImageStore
from tests.integration.command_line import CommandLine, make_command_line


@pytest.fixture
def copied(tmp_path: Path, phantom: ImageStore) -> CommandLine:
    """The command line beside a store of its own, since the command writes into it."""
    shutil.copytree(phantom.path, tmp_path / "store")
    return make_command_line(tmp_path, ImageStore.open(tmp_path / "store"))


@pytest.mark.slow  # recovery has its quick tests
def test_groups_are_found_and_kept_with_the_store(copied: CommandLine) -> None:
    told = copied.run_json("data", "groups", "store")
    assert told["images"] == 120
    assert 0 < told["groups"] <= 120
    groups = groups_of(ImageStore.open(copied.store))
    assert len(set(groups.codes.tolist())) == told["groups"]


def test_a_store_that_is_none_is_one_clear_error(copied: CommandLine) -> None:
    _, err = copied.run("data", "groups", "nowhere", status=2)
    assert "nowhere" in err


@pytest.mark.slow  # the layout tool loads TensorFlow, and groups are looked for among real films
@pytest.mark.timeout(900)
@pytest.mark.parametrize("shortcut", ["1.0", "0"])
def test_the_audit_finds_a_planted_confound(shared: Path, tmp_path: Path, shortcut: str) -> None:
    tool = shared / "tools" / "ddsm_layout_from_mias.py"
    words = [sys.executable, str(tool), "--out", str(tmp_path / "ddsm"), "--shortcut", shortcut]
    subprocess.run(words, check=True, capture_output=True)
    command_line = CommandLine(tmp_path, tmp_path / "store")
    command_line.run("data", "prepare", "ddsm", "--out", "store", "--quiet")
    told = command_line.run_json("data", "audit", "store")
    abnormality = [one for one in told["baselines"] if one["task"] == "abnormality"]
    best = max(abnormality, key=lambda one: one["auroc"]["point"])["auroc"]
    print(f"--shortcut {shortcut}: AUROC {best['point']:.3f} [{best['low']:.3f}, {best['high']:.3f}]")
    page = (tmp_path / "store" / "audit.html").read_text("utf-8")
    assert told["lead"] in html.unescape(re.sub(r"<[^>]*>", "", page))
    assert f"{best['point']:.3f}" in told["lead"]
    if shortcut == "1.0":
        assert best["low"] > 0.9
        assert "can be solved without seeing a lesion" in told["lead"]
    else:
        assert best["low"] < best["point"] < best["high"] < 0.99
