"""Names and paths that become a study's folder, and folders that become words of a command."""

import shlex
from pathlib import Path

import pytest

from mammobench.core.errors import ConfigError, StudyError
from mammobench.core.names import LONGEST, is_plain, require_one_folder
from mammobench.study.paths import (
    any_folder,
    command_for,
    folder_named,
    holds_remains,
    new_folder,
    page_command,
    study_folder,
    word_for,
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def study(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "study.json").write_text("{}")
    return folder


@pytest.mark.parametrize("name", ["quick", "ddsm 2026", "Übung-1", "a.b_c+d", "7", "x" * LONGEST])
def test_a_plain_name_lies_under_reports(name: str) -> None:
    assert is_plain(name)
    assert new_folder(name) == folder_named(name, where="name") == Path("reports") / name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "/etc", "-rf", ".hidden", "x.", "x ", " x", "a\nb", "a\x00b", "a\\b",
     "$(id)", "a;b", "~", "*", "x" * (LONGEST + 1), "x" * 300, "界" * 90],
)  # fmt: skip
def test_no_other_name_of_a_space_becomes_a_folder(name: str) -> None:
    assert not is_plain(name)
    with pytest.raises(ConfigError, match="the space's name: ") as raised:
        folder_named(name, where="the space's name")
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "a study needs a name"),
        (".", "the working directory or a folder above it"),
        ("..", "the working directory or a folder above it"),
        ("../work", "the working directory or a folder above it"),
        ("/", "the working directory or a folder above it"),
        ("./reports", "holds studies and is none"),
        ("reports/", "holds studies and is none"),
        ("./a/../reports/../reports", "holds studies and is none"),
        ("x" * 300, "300 characters"),
        ("./" + "x" * 300, "300 characters"),
        (f"{'x' * 300}/y", "no folder can be made here"),
        ("file/study", "a file stands where"),
        ("./file", "a file stands where"),
        ("./mine", "holds no study: .* found thesis.txt"),
        ("mine/-rf", "not a study's name"),
        ("loop/study", "no folder can be made here"),
    ],
)
def test_a_place_where_no_study_can_be_is_told(given: str, said: str, here: Path) -> None:
    (here / "file").touch()
    (here / "loop").symlink_to("loop")
    (here / "mine").mkdir()
    (here / "mine" / "thesis.txt").touch()
    with pytest.raises(ConfigError, match=said) as raised:
        new_folder(given)
    assert str(raised.value).startswith("--study: ")
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize("given", ["./new", "a/b/new", "new/", "../beside"])
def test_a_new_folder_is_given_as_a_path(given: str) -> None:
    assert new_folder(given) == Path(given)
    assert new_folder(Path("new")) == Path("new")


def test_a_study_that_exists_is_found_by_name_and_by_path_whatever_it_is_called(here: Path) -> None:
    study(here / "reports" / "quick")
    odd = study(here / "odd (1)")
    under = study(here / "reports" / "group" / "one")
    assert study_folder("quick") == new_folder("quick") == Path("reports/quick")
    assert study_folder("odd (1)") == new_folder("./odd (1)") == Path("odd (1)")
    assert study_folder("group/one") == Path("reports/group/one")
    assert study_folder(under) == under
    assert study_folder(odd / "trials" / "..") == odd
    assert any_folder("quick") == Path("reports/quick")


def test_the_working_directory_that_is_a_study_has_its_name(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study(here / "reports" / "quick"))
    assert study_folder(".") == new_folder(".") == here / "reports" / "quick"


@pytest.mark.parametrize("given", ["", "missing", "../missing", "x" * 300, "x/" * 3000, "a\x00b"])
def test_a_study_that_there_is_not_is_told_in_short(given: str, here: Path) -> None:
    study(here / "reports" / "quick")
    for find in (study_folder, any_folder):
        with pytest.raises(StudyError, match="no study") as raised:
            find(given)
        assert len(str(raised.value)) < 400


@pytest.mark.parametrize("left", [[], [".lock"], ["study.journal", ".study.journal.lock"],
    [".study-a1b2c3d4.json", ".lock"], ["study.journal", "trials"]])  # fmt: skip
def test_what_an_interrupted_creation_left_is_in_nobodys_way(left: list[str], here: Path) -> None:
    folder = here / "reports" / "quick"
    folder.mkdir(parents=True)
    for name in left:
        (folder / name).touch()
    assert new_folder("quick") == Path("reports/quick")


def test_what_is_left_of_a_study_is_told_from_other_folders(here: Path) -> None:
    remains, mine, empty = here / "reports" / "a", here / "b", here / "c"
    for folder in (remains, mine, empty):
        folder.mkdir(parents=True)
    for name in ("trials", "splits", "figures", "index.html", "test_openings.jsonl", ".lock"):
        (remains / name).touch()
        (mine / name).touch()
    (mine / "thesis.txt").touch()
    assert [holds_remains(folder) for folder in (remains, mine, empty)] == [True, False, False]
    assert any_folder("a") == Path("reports/a")
    # a folder of that name here is none of ours
    (here / "a").mkdir()
    assert any_folder("a") == Path("reports/a")


@pytest.mark.parametrize(
    ("folder", "word"),
    [
        (Path("reports/quick"), "quick"),
        (Path("reports/a b"), "a b"),
        (Path("reports/-rf"), "reports/-rf"),
        (Path("quick"), "./quick"),
        (Path("-rf"), "./-rf"),
        (Path("out/quick"), "out/quick"),
        (Path("/other/reports/quick"), "/other/reports/quick"),
    ],
)
def test_a_command_finds_the_folder_that_it_was_made_of(folder: Path, word: str) -> None:
    assert word_for(folder) == word
    assert shlex.split(command_for("reproduce", folder, "--trial", "3")) == [
        "mammobench", "reproduce", word, "--trial", "3",
    ]  # fmt: skip


def test_a_name_that_means_a_folder_here_is_not_used_for_one_under_reports(here: Path) -> None:
    study(here / "quick")
    under = study(here / "reports" / "quick").relative_to(here)
    assert study_folder(word_for(under)) == under
    assert study_folder(word_for(Path("quick"))) == Path("quick")


def test_a_page_names_a_study_beside_its_reports_and_quotes_it() -> None:
    assert page_command("report", Path("/other/reports/a b")) == "mammobench report 'a b'"
    assert page_command("report", Path("/other/$(id)")) == "mammobench report '/other/$(id)'"


@pytest.mark.parametrize("name", ["../../x", "/x", "..", "", "a/b", "a\nb"])
def test_a_recorded_name_leads_into_no_other_folder(name: str) -> None:
    with pytest.raises(ValueError, match="expected the name of one folder"):
        require_one_folder(name)
    assert require_one_folder("odd (1)") == "odd (1)"
