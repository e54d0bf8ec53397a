"""The page of a comparison: one HTML file that needs no network."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mammobench.benchmark.page import facts
from mammobench.benchmark.page.figures import drawings_of, timeline
from mammobench.benchmark.replay.trace import Trace
from mammobench.benchmark.statistics.assessment import Assessment
from mammobench.core.files import write_text
from mammobench.report.drawing import Drawing
from mammobench.report.facts import Table
from mammobench.report.html import environment
from mammobench.report.notices import Notice


@dataclass(frozen=True)
class Part:
    """A section of the page.

    Attributes:
        key: Of its place in the page.
        title: Its heading.
        intro: What one sees, in a sentence.
        drawings: Its figures.
        tables: Its tables.
    """

    key: str
    title: str
    intro: str
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Page:
    """Everything that the template shows."""

    title: str
    subtitle: str
    notices: tuple[Notice, ...]
    lead: str
    ranking: Table
    parts: tuple[Part, ...]
    citations: tuple[str, ...]


def build_page(
    found: Assessment,
    asked: Mapping[str, Mapping[str, Any]],
    example: Trace | None,
    validity: Mapping[str, str] | None = None,
) -> Page:
    """Lay out a comparison.

    Args:
        found: What it comes to.
        asked: What each table is and how it was searched.
        example: A search whose workers are shown.
        validity: What is known of each table's answers, where they are not exact.
    """
    drawn = {drawing.name: drawing for drawing in drawings_of(found)}
    searches = int(found.tables["seeds"].sum()) * len(found.methods)
    shown = () if example is None else (_timeline_of(example),)
    ranks = (drawn["ranks"],) if "ranks" in drawn else ()
    no_ranks = "" if ranks else f" Mean ranks have no diagram: {found.no_diagram}."
    parts = (
        Part("regret", "Regret over time",
             "How good the configuration is that validation would select at each moment of a search.",
             (drawn["regret"],)),
        Part("speed", "Time to a target",
             f"How long a method needs to be as good as 100 random trainings, and how that compares with "
             f"{found.baseline}.",
             (drawn["speedup"],), (facts.targets(found),)),
        Part("pairs", "Method against method",
             f"Which method wins if one search of each is held against the other.{no_ranks}",
             (*ranks, drawn["improvement"])),
        Part("overtuning", "Does validation mislead?",
             "A search selects on validation images; whether that holds on test images is another question.",
             (drawn["overtuning"],), (facts.generalization(found),)),
        Part("epochs", "Are early epochs worth looking at?",
             "Methods that stop trainings early or promote them trust the first epochs.", (drawn["epochs"],)),
        Part("workers", "One search, and the methods' own time",
             "What the workers of a search were busy with, and what a method's own decisions cost.",
             (*shown, drawn["thinking"])),
        Part("sure", "How sure is this?",
             "What more searches would settle, and whether the statistics find a difference where there is "
             "none.",
             (), (facts.undecided(found), facts.null_check(found))),
        Part("tables", "What was compared on",
             "Every search trained its own models; nothing was replayed."
             if facts.trained(asked)
             else "Every search was replayed on these recorded trainings; nothing was trained for this page.",
             (), (facts.tables_used(found, asked, validity or {}),)),
    )  # fmt: skip
    what = "search space" if facts.trained(asked) else "table"
    citations = dict.fromkeys(citation for there in asked.values() for citation in there.get("citations", ()))
    return Page(
        title="Search methods compared",
        subtitle=f"{len(found.methods)} methods, {_count(len(found.tables), what)}, {searches:,} searches",
        notices=_notices(asked),
        lead=found.lead,
        ranking=facts.ranking(found, trained=facts.trained(asked)),
        parts=parts,
        citations=tuple(citations),
    )


def write_page(page: Page, path: Path) -> Path:
    """Write the page, whole or not at all; return its path."""
    write_text(path, environment().get_template("comparison.html").render(page=page))
    return path


def _timeline_of(trace: Trace) -> Drawing:
    end = trace.budget.seconds or float(trace.trials["ended"].max())
    return timeline(trace.trials, method=trace.method, table=trace.table, end=end)


def _notices(asked: Mapping[str, Mapping[str, Any]]) -> tuple[Notice, ...]:
    synthetic = [name for name, there in asked.items() if there.get("synthetic")]
    if not synthetic:
        return ()
    all_of_it = len(synthetic) == len(asked)
    names = "All trainings were" if all_of_it else f"{', '.join(synthetic)}: the trainings were"
    body = f"{names} made on phantom images. Such figures say nothing about real mammograms."
    return (Notice("synthetic", "Synthetic data", body),)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
