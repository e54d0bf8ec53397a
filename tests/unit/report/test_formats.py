"""Every format of the report: what it holds, and that hostile words show as words."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from mammobench.core.errors import ConfigError, StudyError
from mammobench.evaluation.leaderboard import Leaderboard, build_leaderboard
from mammobench.report import latex, markdown, pdf
from mammobench.report.digest import ROWS, Digest, build_digest
from mammobench.report.formats import format_of, write_format
from mammobench.study.filenames import REPORT_FILES
from mammobench.study.record import StudyRecord

StudyWriter = Callable[..., StudyRecord]
HOSTILE = r"<script>alert(1)</script> [x](http://a.b) |*_`~$x^2${\input{/etc/passwd}} % & # 图 −"  # noqa: RUF001
NAME = HOSTILE.replace("/", "!")  # as a study can have it


@pytest.fixture(scope="module")
def board(simulated_study: StudyRecord) -> Leaderboard:
    return build_leaderboard(simulated_study, resamples=50)


@pytest.fixture(scope="module")
def digest(simulated_study: StudyRecord, board: Leaderboard) -> Digest:
    return build_digest([simulated_study], board)


@pytest.fixture(scope="module")
def hostile(write_study: StudyWriter, tmp_path_factory: pytest.TempPathFactory) -> Digest:
    store = {"image_size": 299, "synthetic": True, "source": HOSTILE, "citations": [HOSTILE]}
    study = write_study(
        tmp_path_factory.mktemp("hostile") / "s", trials=2, images=60, name=NAME, command=HOSTILE,
        store=store,
    )  # fmt: skip
    return build_digest([study], build_leaderboard(study, resamples=20))


def shown(text: str) -> str:
    """Return what a reader of the Markdown sees."""
    page = MarkdownIt("commonmark").enable("table").render(text)
    assert "<script" not in page
    assert "<a " not in page
    assert "<em" not in page
    for escape, letter in {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&"}.items():
        page = re.sub(r"<[^>]*>", "", page) if escape == "&lt;" else page
        page = page.replace(escape, letter)
    return re.sub(r"\s+", " ", page)


def test_markdown_has_the_answer_the_table_and_the_notes(digest: Digest) -> None:
    text = markdown.render_markdown(digest)
    seen = shown(text)
    for words in (digest.lead, *digest.support, *digest.notes, "Synthetic data."):
        assert words in seen
    page = MarkdownIt("commonmark").enable("table").render(text)
    ranking = page[page.index("<table>") : page.index("</table>")]
    assert ranking.count("<tr>") == 1 + len(digest.ranking.rows)
    assert page.count("<table>") == 1 + len(digest.checklists) == 3
    assert "    mammobench reproduce" in text


def test_markdown_shows_hostile_words_as_they_are(hostile: Digest) -> None:
    seen = shown(markdown.render_markdown(hostile))
    # title, subtitle, command, citation; and the source and the command in the checklists
    assert seen.count(HOSTILE) + seen.count(NAME) == 9


@pytest.mark.parametrize(
    "word", ["# x", "- x", "+ x", "1. x", "12) x", "=", "> x", "[a]: b", "![a](b)", "\\"]
)
def test_markdown_at_the_start_of_a_line_is_text(word: str) -> None:
    page = MarkdownIt("commonmark").render(markdown.escaped(word))
    assert page == f"<p>{word.replace('>', '&gt;')}</p>\n"


def test_latex_rows_have_as_many_cells_as_there_are_heads(digest: Digest) -> None:
    text = latex.render_latex(digest)
    table = text[text.index(r"\begin{longtable}") : text.index(r"\end{longtable}")]
    rows = [line for line in table.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 1 + len(digest.ranking.rows)
    assert {row.count(" & ") + 1 for row in rows} == {len(digest.ranking.heads)}
    assert r"\begin{longtable}{" + "l" * len(digest.ranking.heads) + "}" in table
    assert [table.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]


def test_latex_escapes_everything(hostile: Digest) -> None:
    text = latex.render_latex(hostile)
    assert r"\input" not in text.replace(r"\inputenc", "")
    assert text.isascii()
    body = text[text.index(r"\begin{document}") :]
    plain = re.sub(r"\\[\\{}$&#%_]", "", body)
    assert plain.count("{") == plain.count("}")
    commands = set(re.findall(r"\\([A-Za-z]+)", plain))
    assert commands <= {
        "begin", "end", "raggedright", "Large", "bfseries", "textbf", "section", "footnotesize", "toprule",
        "midrule", "endhead", "bottomrule", "endfoot", "texttt", "textbackslash", "textless", "textgreater",
        "textbar", "textasciigrave", "textasciitilde", "textasciicircum", "ensuremath", "textendash",
        "textquotedblleft", "textquotedblright", "textquotesingle", "textperiodcentered",
    }  # fmt: skip
    cells = re.sub(r" & | \\\\$", "", plain, flags=re.MULTILINE)
    assert not set("#$&~^") & set(cells)
    assert "U+56FE" in text


def test_latex_compiles(hostile: Digest, digest: Digest, tmp_path: Path) -> None:
    engine = shutil.which("pdflatex") or shutil.which("lualatex") or shutil.which("xelatex")
    if engine is None:
        pytest.skip("no LaTeX is installed")
    for name, what in (("hostile", hostile), ("digest", digest)):
        (tmp_path / f"{name}.tex").write_text(latex.render_latex(what))
        subprocess.run([engine, "-interaction=nonstopmode", "-halt-on-error", name], cwd=tmp_path, check=True)
        assert (tmp_path / f"{name}.pdf").stat().st_size > 0


def test_a_long_ranking_is_cut_and_says_so(write_study: StudyWriter, tmp_path: Path) -> None:
    study = write_study(tmp_path / "long", trials=ROWS + 15, images=60)
    digest = build_digest([study], build_leaderboard(study, resamples=20))
    names = [row[1] for row in digest.ranking.rows]
    assert ROWS <= len(names) <= ROWS + 4
    assert sum("(selected)" in name for name in names) == 1
    assert {"reference CNN", "always benign", "always malignant"} <= set(names)
    assert digest.shown.startswith(f"{len(names)} of {ROWS + 18} rows")


@pytest.mark.slow  # ranks a study for each format
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tables_hold_the_whole_leaderboard(kind: str, simulated_study: StudyRecord, tmp_path: Path) -> None:
    path = write_format([simulated_study], kind, out=tmp_path / f"table.{kind}")
    table = pd.read_csv(path) if kind == "csv" else pd.read_parquet(path)
    frame = build_leaderboard(simulated_study).frame
    assert list(table) == list(frame)
    assert list(table["name"]) == list(frame["name"])
    np.testing.assert_allclose(table["test_f1_low"].astype(float), frame["test_f1_low"].astype(float))
    assert [path.name for path in tmp_path.iterdir()] == [f"table.{kind}"]


def test_parquet_takes_a_hyperparameter_of_several_types(
    simulated_study: StudyRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = build_leaderboard(simulated_study, resamples=20)
    board.frame["model.mixed"] = pd.Series([1, "two", None, 0.5, True] * 3, dtype=object)
    monkeypatch.setattr("mammobench.report.formats.build_leaderboard", lambda *_, **__: board)
    table = pd.read_parquet(write_format([simulated_study], "parquet", out=tmp_path / "t.parquet"))
    assert table["model.mixed"].iloc[:2].tolist() == ["1", "two"]
    assert table["model.mixed"].isna().sum() == 3


@pytest.mark.parametrize(
    ("asked", "out", "kind"),
    [(None, None, "html"), (None, "x.PDF", "pdf"), (None, "x.tex", "latex"), (None, "x.md", "markdown"),
     (None, "x.txt", "html"), ("csv", "x.pdf", "csv"), (None, "x.htm", "html")],
)  # fmt: skip
def test_the_format_is_the_asked_one_or_what_the_file_ends_in(
    asked: str | None, out: str | None, kind: str
) -> None:
    assert format_of(asked, Path(out) if out else None) == kind


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'markdown'"):
        format_of("markdwon", None)


@pytest.mark.parametrize("kind", REPORT_FILES)
def test_a_folder_is_no_file_name(kind: str, simulated_study: StudyRecord, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="found a folder"):
        write_format([simulated_study], kind, out=tmp_path)


def test_a_pdf_is_printed_whole(tmp_path: Path) -> None:
    if pdf.find_browser() is None:
        pytest.skip("no chromium is installed")
    out = tmp_path / "report.pdf"
    pdf.write_pdf("<!doctype html><html lang=en><title>t</title><h1>Answer</h1></html>", out)
    content = out.read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert b"/StructTreeRoot" in content
    assert [path.name for path in tmp_path.iterdir()] == ["report.pdf"]


def test_a_browser_that_cannot_print_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin" / "chromium"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:/bin")
    with pytest.raises(ConfigError, match="could not print"):
        pdf.write_pdf("<p>x</p>", tmp_path / "out" / "report.pdf")
    assert list((tmp_path / "out").iterdir()) == []


def test_without_a_browser_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="playwright install chromium"):
        pdf.write_pdf("<p>x</p>", tmp_path / "report.pdf")
    assert list(tmp_path.iterdir()) == []


def test_several_splits_are_told_apart_and_a_leak_is_said(write_study: StudyWriter, tmp_path: Path) -> None:
    studies = [
        write_study(tmp_path / "clean", trials=2, images=60),
        write_study(tmp_path / "leaking", trials=2, images=66, leaks=True),
    ]
    several = build_digest(studies, build_leaderboard(studies, resamples=20))
    titles = [table.title for table in several.others if "another" in table.title]
    assert [title.split(":")[0] for title in titles] == ["On another reference split, which leaks"]
    alone = build_digest(studies[:1], build_leaderboard(studies[0], resamples=20))
    assert not any("another" in table.title for table in alone.others)
