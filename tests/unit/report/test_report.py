import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from mammobench.core.errors import StudyError
from mammobench.evaluation.comparison import ALIKE, WORSE
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report import write_report
from mammobench.report.answer import build_answer
from mammobench.report.course import went
from mammobench.report.drawing import save_drawings
from mammobench.report.html import unbroken
from mammobench.report.material import Material
from mammobench.report.notices import notices_of
from mammobench.report.ranking import build_ranking
from mammobench.report.view import build_view
from mammobench.study.record import StudyRecord

StudyWriter = Callable[..., StudyRecord]
HOSTILE = "<script>alert('x')</script> $x^2$ & \"quoted\""
NAME = HOSTILE.replace("/", "!")  # as a study can have it


class Page(HTMLParser):
    """The visible text of a page, and its tags."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self._inside: list[str] = []
        self._words: list[str] = []
        self.feed(markup)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self._words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href"}]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass
        if tag in {"td", "th"}:
            self._words.append(" ")

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._inside):
            self._words.append(data)


@pytest.fixture(scope="module")
def page(simulated_study: StudyRecord, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("report") / "index.html"
    return write_report(simulated_study, out=out).read_text("utf-8")


def test_the_page_opens_with_the_answer_and_its_intervals(page: str) -> None:
    text = Page(page).text
    pattern = (
        r"The model of trial \d+, selected on validation, reaches test F1 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\] "
        r"and AUROC 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]; none of the 11 other models is significantly better or "
        r"worse\. F1 for comparison: reference CNN 0\.\d{3}, always malignant 0\.\d{3}, "
        r"always benign 0\.000\."
    )
    assert re.search(pattern, text)
    assert re.search(r"Always predicting benign scores F1 0\.000 at accuracy 0\.\d{3}", text)


def test_synthetic_data_are_named_before_the_answer(page: str) -> None:
    text = Page(page).text
    assert text.index("Synthetic data.") < text.index("selected on validation")
    assert "say nothing about real mammograms" in text


@pytest.mark.parametrize(
    "words",
    ["reference CNN", "always benign", "selected by validation", "12 searched configurations finished",
     "Optimism gap",
     "best test score of many models is optimistic", "corrected for selection bias",
     "95 %, from a bootstrap over patient or lesion groups", "models that were trained once",
     "Learning curves", "ROC", "Precision and recall", "Hyperparameter importances", "Confusion matrices",
     "Reliability", "Thresholds of trial", "Effect of each hyperparameter", "Best so far by time",
     "pathology malignant", "Recall by lesion type",
     "Predictions are simulated.", "official split, task malignancy",
     "a simulated processor", "mammobench reproduce", "mammobench search --space simulated --trials 12",
     "Simulated, 2026. No image was seen.", "optimizer.learning_rate", "CLAIM 2024", "TRIPOD+AI",
     "Explanations", "mammobench explain"],
)  # fmt: skip
def test_the_page_shows(page: str, words: str) -> None:
    assert words in Page(page).text


def test_the_page_needs_nothing_from_elsewhere(page: str) -> None:
    # figures refer to their own parts, and the icon is empty
    assert all(link.startswith(("#", "data:")) for link in Page(page).links)
    assert "@import" not in page


def test_every_figure_is_well_formed_and_named(page: str) -> None:
    figures = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(figures) == 13
    for figure in figures:
        assert ET.fromstring(figure).get("aria-label")  # noqa: S314 - our own markup


def test_identifiers_are_unique(page: str) -> None:
    identifiers = re.findall(r'\sid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))


def test_markup_in_names_and_data_shows_as_text(write_study: StudyWriter, tmp_path: Path) -> None:
    words = {"source": HOSTILE, "licence": HOSTILE, "citations": [HOSTILE], "warnings": [HOSTILE]}
    store = {"counts": {HOSTILE: 3}, "image_size": 299, "synthetic": False, **words}
    study = write_study(
        tmp_path / "s", trials=2, failed={2: HOSTILE}, name=NAME, command=HOSTILE, store=store
    )
    page = Page(write_report(study).read_text("utf-8"))
    assert page.tags.count("script") == 2
    assert page.text.count(HOSTILE) + page.text.count(NAME) >= 19


def test_a_leak_is_the_first_thing_said(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "leak", trials=2, leaks=True)
    text = Page(write_report(study).read_text("utf-8")).text
    assert text.index("The reference split leaks.") < text.index("Synthetic data.")
    assert "split leaks" in text[text.index("Ranking") :]


def test_real_data_have_no_synthetic_notice(write_study: StudyWriter, tmp_path: Path) -> None:
    store = {"counts": {}, "image_size": 299, "source": "films", "synthetic": False}
    study = write_study(tmp_path / "real", trials=1, store=store)
    assert notices_of((study,), build_leaderboard(study, resamples=20)) == ()


def test_an_unfinished_study_has_a_page_that_says_what_is_missing(
    write_study: StudyWriter, tmp_path: Path
) -> None:
    study = write_study(tmp_path / "young", trials=2, running=1)
    (study.trials[1].folder / "history.csv").unlink()
    text = Page(write_report(study).read_text("utf-8")).text
    assert "importances need 10 finished searched trials, and there are 2" in text
    assert "3 finished, 1 running" in text


def test_the_reference_alone_has_a_page(write_study: StudyWriter, tmp_path: Path) -> None:
    text = Page(write_report(write_study(tmp_path / "reference", trials=0)).read_text("utf-8")).text
    assert "No searched configuration has finished yet." in text


def test_five_classes_have_a_page_without_curves(write_study: StudyWriter, tmp_path: Path) -> None:
    text = Page(
        write_report(write_study(tmp_path / "five", trials=2, task="five-class")).read_text("utf-8")
    ).text
    assert "malignant calcification" in text
    assert "Precision and recall" not in text


def test_what_failed_and_what_was_left_out_stand_with_their_reasons(
    write_study: StudyWriter, tmp_path: Path
) -> None:
    study = write_study(tmp_path / "failures", trials=3, failed={1: "the loss is nan"})
    (study.trials[2].folder / "predictions.npz").unlink()
    text = Page(write_report(study).read_text("utf-8")).text
    assert "trial 1 failed the loss is nan" in text
    assert "trial 2 excluded" in text


def test_nothing_is_written_when_nothing_finished(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "new", trials=-1, running=1)
    with pytest.raises(StudyError, match="no trial has finished"):
        write_report(study)
    assert not list(study.folder.glob("*.html")) + list(study.folder.glob("*.csv"))


def test_the_table_lies_beside_the_page_which_is_the_same_twice(
    page: str, simulated_study: StudyRecord, tmp_path: Path
) -> None:
    out = write_report(simulated_study, out=tmp_path / "elsewhere" / "report.html")
    assert sorted(path.name for path in out.parent.iterdir()) == ["report-leaderboard.csv", "report.html"]
    opened = re.compile(r"By that log, .*?\.|by the log, .*?\.")
    assert opened.sub("", out.read_text("utf-8")) == opened.sub("", page)


@pytest.mark.slow  # draws every figure three times
def test_figures_are_written_as_pdf_and_png_on_white(simulated_study: StudyRecord, tmp_path: Path) -> None:
    board = build_leaderboard(simulated_study, resamples=20)
    drawings = build_view((simulated_study,), board).drawings
    names = {drawing.name for drawing in drawings}
    assert {"roc", "thresholds", "reliability", "importances", "effects", "history-trials"} <= names
    assert len(names) == len(drawings)
    written = save_drawings([drawing for drawing in drawings if drawing.name == "roc"], tmp_path / "figures")
    assert (
        [path.name for path in written]
        == ["roc.pdf", "roc.png"]
        == sorted(path.name for path in (tmp_path / "figures").iterdir())
    )
    assert written[0].read_bytes().startswith(b"%PDF")
    with Image.open(written[1]) as picture:
        assert picture.convert("L").getpixel((0, 0)) == 255
        assert picture.width > 900


def test_several_studies_stand_on_one_page(write_study: StudyWriter, tmp_path: Path) -> None:
    first = write_study(tmp_path / "reports" / "first", trials=3)
    second = write_study(tmp_path / "second one", trials=2, failed={2: "the loss is nan"})
    page = Page(write_report((first, second), out=tmp_path / "both.html").read_text("utf-8"))
    text = page.text
    assert re.search(
        r"The model of trial \d of (first|second one), selected on validation, reaches test F1", text
    )
    for words in (
        "first, second one", "Search space of first", "Search space of second one", "Time of second one",
        "trial 2 of second one failed the loss is nan", "mammobench reproduce first",
        f"mammobench reproduce '{second.folder}'", "reference CNN of first", "reference CNN of second one",
    ):  # fmt: skip
        assert words in text


def test_the_scripts_data_hold_every_row_and_no_nan(simulated_study: StudyRecord) -> None:
    board = build_leaderboard(simulated_study, resamples=20)
    data = build_ranking(board, (simulated_study,)).data
    assert json.loads(json.dumps(data, allow_nan=False))["columns"]
    columns = {column["key"]: column for column in data["columns"]}
    assert {len(column["values"]) for column in columns.values()} == {len(board.frame)} == {15}
    assert {"test_mcc", "validation_f1", "weights", "loss.gamma"} <= set(columns)
    assert 8 <= sum(column["shown"] for column in columns.values()) <= 12
    selected = next(place for place, row in enumerate(data["rows"]) if row["kind"] == "selected")
    trial = simulated_study.trials[data["rows"][selected]["trial"]]
    config = {**data["settings"]["simulated"], **data["configs"][selected]}
    assert config == trial.config.values()
    assert columns["test_f1"]["low"][selected] < columns["test_f1"]["values"][selected]
    assert columns["difference"]["values"][selected] is None


def test_trials_that_were_stopped_early_are_counted_and_drawn(
    simulated_study: StudyRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = [
        replace(trial, state="pruned", epochs=3, curve=(0.5, 0.6, 0.7)) if trial.number in {4, 5} else trial
        for trial in simulated_study.trials
    ]
    board = build_leaderboard(simulated_study, resamples=20)
    monkeypatch.setattr(StudyRecord, "trials", property(lambda _: tuple(stopped)))
    section = went(Material({"simulated": simulated_study}, board))
    assert [drawing.name for drawing in section.drawings] == ["history-trials", "history-seconds", "rungs"]
    stops = next(table for table in section.tables if table.title == "Pruned trials")
    assert [row[:2] for row in stops.rows] == [("3", "2")]


def test_a_folder_is_no_file_name(simulated_study: StudyRecord, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="found a folder"):
        write_report(simulated_study, out=tmp_path)


def test_the_answer_says_how_the_reference_compares(simulated_study: StudyRecord) -> None:
    board = build_leaderboard(simulated_study, resamples=100)
    answer = build_answer(board)
    row = next(row for row in board.rows if row["role"] == "reference")
    words = {ALIKE: "not significantly different from it", WORSE: "is significantly better"}[row["verdict"]]
    assert any("The reference CNN reaches F1" in line and words in line for line in answer.support)
    assert [line.kind for line in answer.lines if line.kind != "searched"] == [
        "selected", "reference", "constant", "constant",
    ]  # fmt: skip


def test_a_selected_reference_stands_once_and_is_not_compared_with_itself(
    simulated_study: StudyRecord,
) -> None:
    board = build_leaderboard(simulated_study, resamples=100)
    frame = board.frame.assign(selected=board.frame["role"] == "reference")
    answer = build_answer(replace(board, frame=frame))
    assert answer.lead.startswith("The reference CNN, selected on validation")
    assert [line.kind for line in answer.lines if line.kind != "searched"] == [
        "selected", "constant", "constant",
    ]  # fmt: skip
    assert not any("The reference CNN reaches" in line for line in answer.support)


def test_intervals_stay_on_one_line_and_the_rest_is_escaped() -> None:
    assert unbroken("<b> [0.1, 0.2]") == '&lt;b&gt; <span class="unbroken">[0.1, 0.2]</span>'
