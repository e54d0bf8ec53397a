"""Bad sources on the command line: one paragraph that names the place, exit status 2, nothing left."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mammobench import cli
from tests.cbis_layout import CASES, CbisLayout
from tests.mias_layout import write_films


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_film(folder: Path) -> None:
    write_films(folder)
    cut(folder / "mdb003.pgm")


def cut_dicom(folder: Path) -> None:
    layout = CbisLayout(folder, cases=CASES[:5]).write()
    cut(layout.files(CASES[0].film_case)[0])


def missing_dicom(folder: Path) -> None:
    layout = CbisLayout(folder, cases=CASES[:5]).write()
    shutil.rmtree(layout.files(CASES[0].film_case)[0].parent)


def letter(folder: Path) -> None:
    (folder / "benign").mkdir(parents=True)
    (folder / "benign" / "scan.png").write_text("Dear colleague")


def missing_image(folder: Path) -> None:
    folder.mkdir()
    (folder / "labels.csv").write_text("file,label\na.png,benign mass\n")


@pytest.mark.parametrize(
    ("write", "words", "said"),
    [
        (Path.mkdir, [], "set: no known layout"),
        (cut_film, [], "mdb003.pgm: the image does not decode"),
        (cut_dicom, [], "000000.dcm: the DICOM file cannot be read"),
        (missing_dicom, [], "mass_case_description_train_set.csv, row 1, column image file path: files are"),
        (letter, [], "benign/scan.png: the image does not decode"),
        (missing_image, [], "labels.csv, row 1: no such image"),
        (write_films, ["--format", "cbis"], "did you mean 'cbis-ddsm'"),
        (write_films, ["--format", "cbis-ddsm"], "no known layout"),
        (write_films, ["--size", "4"], "--size: out of range"),
        (write_films, ["--crops", "0"], "--crops: out of range"),
        (write_films, ["--jitter", "2"], "--jitter: out of range"),
    ],
)
def test_a_bad_source_is_told_in_a_paragraph(
    write: Callable[[Path], object],
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path / "set")
    before = set(tmp_path.rglob("*"))
    command = ["mammobench", "data", "prepare", str(tmp_path / "set"), "--out", str(tmp_path / "store")]
    monkeypatch.setattr(sys, "argv", [*command, *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert not out
    assert "Traceback" not in err
    assert said in " ".join(err.split())
    assert set(tmp_path.rglob("*")) == before
