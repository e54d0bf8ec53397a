"""The report in each of its formats."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mammobench.core.errors import ConfigError, StudyError
from mammobench.core.files import write_text, written_aside
from mammobench.core.metrics import ZeroDivision
from mammobench.evaluation.leaderboard import Leaderboard, build_leaderboard
from mammobench.report.digest import build_digest
from mammobench.report.html import render, write_report
from mammobench.report.latex import render_latex
from mammobench.report.markdown import render_markdown
from mammobench.report.pdf import write_pdf
from mammobench.space.config import nearest
from mammobench.study.filenames import REPORT_FILES
from mammobench.study.record import StudyRecord

_SUFFIXES = {Path(name).suffix: kind for kind, name in REPORT_FILES.items()} | {".htm": "html"}


def format_of(asked: str | None, out: Path | None) -> str:
    """Return the format that is asked for: by its name, else by the file's ending, else HTML.

    Raises:
        ConfigError: For an unknown name; the nearest is named.
    """
    if asked is None:
        return _SUFFIXES.get(out.suffix.lower(), "html") if out else "html"
    if asked not in REPORT_FILES:
        raise ConfigError(
            f"no such format{nearest(asked, list(REPORT_FILES))}",
            where="--format",
            expected=f"one of {', '.join(REPORT_FILES)}",
            found=asked,
        )
    return asked


def write_format(
    studies: Sequence[StudyRecord],
    kind: str,
    *,
    out: Path | None = None,
    leaderboard: Leaderboard | None = None,
    zero_division: ZeroDivision = "nan",
) -> Path:
    """Write the report of a study, or of several ranked together.

    HTML brings its table and figures along, see `write_report`; CSV and Parquet hold the whole leaderboard.

    Args:
        studies: Of the same images and task.
        kind: A key of `mammobench.study.filenames.REPORT_FILES`.
        out: The file; None for the one of that name in the study's folder.
        leaderboard: Their leaderboard, where it has been built already.
        zero_division: The precision of a class that is never predicted, where `leaderboard` is built here.

    Returns:
        The path of the file.

    Raises:
        StudyError: If no trial has finished, or `out` is a folder.
        TrialError: If none has finished because they failed.
        ConfigError: For a PDF where no browser can print.
    """
    path = out or studies[0].folder / REPORT_FILES[kind]
    if path.is_dir():
        raise StudyError("the report needs a file name", expected="a file", found="a folder", where=path)
    if kind == "html":
        return write_report(
            studies, out=path, leaderboard=leaderboard, figures=True, zero_division=zero_division
        )
    board = leaderboard or build_leaderboard(studies, zero_division=zero_division)
    match kind:
        case "pdf":
            # as in `write_report`
            from mammobench.report.view import build_view  # noqa: PLC0415

            write_pdf(render(build_view(studies, board)), path)
        case "markdown":
            write_text(path, render_markdown(build_digest(studies, board)))
        case "latex":
            write_text(path, render_latex(build_digest(studies, board)))
        case "csv":
            board.to_csv(path)
        case "parquet":
            _write_parquet(board, path)
    return path


def _write_parquet(board: Leaderboard, path: Path) -> None:
    frame = board.frame.copy()
    for column in frame:
        # a hyperparameter may be a number in one trial and a word in the next, which Parquet does not hold
        if len(set(map(type, frame[column].dropna()))) > 1:
            frame[column] = frame[column].map(str, na_action="ignore").astype(pd.StringDtype())
    with written_aside(path) as aside:
        frame.to_parquet(aside, index=False)
