import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mammobench.errors import StudyError
from mammobench.evaluation.leaderboard import build_leaderboard
from mammobench.report import write_report
from mammobench.report.answer import build_answer
from mammobench.report.html import unbroken
from mammobench.study import StudyRecord

StudyWriter = Callable[..., StudyRecord]
HOSTILE = "<script>alert('x')</script> $x^2$ & \"quoted\""


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
        r"Trial \d+, which validation selected, reaches test F1 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]; "
        r"\d+ of the 11 others cannot be told from it; reference CNN 0\.\d{3}; always malignant 0\.\d{3}; "
        r"always benign 0\.000\."
    )
    assert re.search(pattern, text)
    assert re.search(r"Always answering benign scores F1 0\.000 at accuracy 0\.\d{3}", text)


def test_synthetic_data_are_named_before_the_answer(page: str) -> None:
    text = Page(page).text
    assert text.index("Synthetic data.") < text.index("validation selected")
    assert "say nothing about real mammograms" in text


@pytest.mark.parametrize(
    "words",
    ["reference CNN", "always benign", "selected by validation", "12 searched configurations finished",
     "best test score of many configurations is optimistic",
     "95 % percentile bootstrap over patient or lesion groups",
     "Learning curves", "ROC", "Precision and recall", "Hyperparameter importances", "Confusion matrices",
     "Recall by lesion type", "Predictions are simulated.", "official split, task malignancy",
     "a simulated processor", "mammobench reproduce", "mammobench search --space simulated --trials 12",
     "Simulated, 2026. No image was seen.", "optimizer.learning_rate"],
)  # fmt: skip
def test_the_page_shows(page: str, words: str) -> None:
    assert words in Page(page).text


def test_the_page_needs_nothing_from_elsewhere(page: str) -> None:
    # figures refer to their own parts, and the icon is empty
    assert all(link.startswith(("#", "data:")) for link in Page(page).links)
    assert "@import" not in page


def test_every_figure_is_well_formed_and_named(page: str) -> None:
    figures = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(figures) == 7
    for figure in figures:
        assert ET.fromstring(figure).get("aria-label")  # noqa: S314 - our own markup


def test_identifiers_are_unique(page: str) -> None:
    identifiers = re.findall(r'\sid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))


def test_markup_in_names_and_data_shows_as_text(write_study: StudyWriter, tmp_path: Path) -> None:
    words = {"source": HOSTILE, "licence": HOSTILE, "citations": [HOSTILE], "warnings": [HOSTILE]}
    store = {"counts": {HOSTILE: 3}, "image_size": 299, "synthetic": False, **words}
    study = write_study(
        tmp_path / "s", trials=2, failed={2: HOSTILE}, name=HOSTILE, command=HOSTILE, store=store
    )
    page = Page(write_report(study).read_text("utf-8"))
    assert page.tags.count("script") == 2
    assert page.text.count(HOSTILE) == 11


def test_a_leak_is_the_first_thing_said(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "leak", trials=2, leaks=True)
    text = Page(write_report(study).read_text("utf-8")).text
    assert text.index("The reference split leaks.") < text.index("Synthetic data.")
    assert "split leaks" in text[text.index("Ranking") :]


def test_real_data_have_no_synthetic_notice(write_study: StudyWriter, tmp_path: Path) -> None:
    store = {"counts": {}, "image_size": 299, "source": "films", "synthetic": False}
    page = write_report(write_study(tmp_path / "real", trials=1, store=store)).read_text("utf-8")
    assert "Synthetic data" not in page


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
    assert "trial 2 left out" in text


def test_nothing_is_written_when_nothing_finished(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "new", trials=-1, running=1)
    with pytest.raises(StudyError, match="no trial has finished"):
        write_report(study)
    assert not list(study.folder.glob("*.html")) + list(study.folder.glob("*.csv"))


def test_the_table_lies_beside_the_page(simulated_study: StudyRecord, tmp_path: Path) -> None:
    out = write_report(simulated_study, out=tmp_path / "elsewhere" / "report.html")
    assert sorted(path.name for path in out.parent.iterdir()) == ["leaderboard.csv", "report.html"]


def test_a_folder_is_no_file_name(simulated_study: StudyRecord, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="found a folder"):
        write_report(simulated_study, out=tmp_path)


def test_the_report_is_the_same_twice(page: str, simulated_study: StudyRecord, tmp_path: Path) -> None:
    assert write_report(simulated_study, out=tmp_path / "index.html").read_text("utf-8") == page


def test_the_answer_says_how_the_reference_compares(simulated_study: StudyRecord) -> None:
    board = build_leaderboard(simulated_study, resamples=100)
    answer = build_answer(board)
    row = next(row for row in board.rows if row["role"] == "reference")
    words = "cannot be told from the selected one" if row["indistinguishable"] else "differs from it by"
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
    assert answer.lead.startswith("Reference CNN, which validation selected")
    assert [line.kind for line in answer.lines if line.kind != "searched"] == [
        "selected", "constant", "constant",
    ]  # fmt: skip
    assert not any("The reference CNN reaches" in line for line in answer.support)


def test_intervals_stay_on_one_line_and_the_rest_is_escaped() -> None:
    assert unbroken("<b> [0.1, 0.2]") == '&lt;b&gt; <span class="unbroken">[0.1, 0.2]</span>'
