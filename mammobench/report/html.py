"""Write the report: one HTML file that needs no network, and the leaderboard as CSV beside it."""

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from mammobench.core.errors import StudyError
from mammobench.core.files import write_text
from mammobench.core.invocation import call_of
from mammobench.core.metrics import ZeroDivision
from mammobench.evaluation.leaderboard import Leaderboard, build_leaderboard
from mammobench.study.filenames import FIGURES, LEADERBOARD, PAGE
from mammobench.study.record import StudyRecord

SCRIPTS = ("table.js", "details.js", "compare.js", "filters.js", "tips.js", "parallel.js", "start.js")


def table_beside(page: Path) -> Path:
    """Return the file of a page's table; see `write_report`."""
    return _beside(page, LEADERBOARD)


def _beside(page: Path, name: str) -> Path:
    # several pages may lie in one folder, each with its own
    return page.with_name(name if page.name == PAGE else f"{page.stem}-{name}")


@call_of("write_report() in Python")
def write_report(
    studies: StudyRecord | Sequence[StudyRecord],
    *,
    out: Path | None = None,
    leaderboard: Leaderboard | None = None,
    figures: bool = False,
    zero_division: ZeroDivision = "nan",
) -> Path:
    """Write the page of a study, finished or not, or of several together, and its table as CSV.

    Args:
        studies: An opened study with at least one finished trial, or several of the same images, task and
            objective.
        out: The HTML file; ``index.html`` in the first study's folder unless given. Beside it go
            ``leaderboard.csv`` and ``figures/``; beside a page of another name, such as both.html,
            ``both-leaderboard.csv`` and ``both-figures/``.
        leaderboard: Their leaderboard, where it has been built already.
        figures: Whether to write each figure as PDF and PNG too.
        zero_division: The precision of a class that is never predicted, where `leaderboard` is built here.

    Returns:
        The path of the HTML file.

    Raises:
        StudyError: If no trial has finished, or `out` is a folder.
        TrialError: If none has finished because they failed.
    """
    # matplotlib and scikit-learn: seconds that a search takes to start, or a worker, or a refusal
    from mammobench.report.drawing import save_drawings  # noqa: PLC0415
    from mammobench.report.view import build_view  # noqa: PLC0415

    studies = (studies,) if isinstance(studies, StudyRecord) else tuple(studies)
    path = out or studies[0].folder / PAGE
    if path.is_dir():
        raise StudyError("the report needs a file name", expected="a file", found="a folder", where=path)
    board = leaderboard or build_leaderboard(studies, zero_division=zero_division)
    view = build_view(studies, board)
    page = render(view)
    if figures:
        save_drawings(view.drawings, _beside(path, FIGURES))
    board.to_csv(table_beside(path))
    write_text(path, page)
    return path


def render(view: object) -> str:
    """Render a page of `mammobench.report.view.View`; no script runs in it but its own."""
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # S704: our own script, which holds no value of the study's
    return (
        environment().get_template("report.html").render(page=view, script=Markup(script), digest=digest)  # noqa: S704
    )


def _script() -> str:
    """Join the page's scripts into one, whose names nothing else sees."""
    folder = files("mammobench.report") / "templates"
    parts = [(folder / name).read_text("utf-8") for name in SCRIPTS]
    return "".join(['"use strict";\n(() => {\n', *parts, "})();\n"])


def environment() -> Environment:
    """Return the templates of all pages: every value is escaped, and a name that is missing is an error."""
    templates = Environment(
        loader=PackageLoader("mammobench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"unbroken": unbroken, "breakable": breakable, "command": unbroken_options}
    return templates


def unbroken(sentence: str) -> Markup:
    """Escape a sentence, keep each interval, ``[0.630, 0.783]``, on one line, mark commands in backticks."""
    kept = re.sub(r"(\[[^\[\]]{,40}\])", r'<span class="unbroken">\1</span>', str(escape(sentence)))
    return Markup(re.sub(r"`([^`]+)`", r"<kbd>\1</kbd>", kept))  # noqa: S704 - escaped above


def breakable(words: str) -> Markup:
    """Escape a value, whose long names may go on in a new line after an underscore."""
    return Markup(str(escape(words)).replace("_", "_<wbr>"))  # noqa: S704 - escaped above


def unbroken_options(command: str) -> Markup:
    """Escape a command and keep each of its options, ``--space``, on one line."""
    kept = re.sub(r"(?<!\S)(--[\w-]+)", r'<span class="unbroken">\1</span>', str(escape(command)))
    return Markup(kept)  # noqa: S704 - escaped above
