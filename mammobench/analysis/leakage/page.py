"""The page of the leakage experiment, its figure and its table."""

from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from mammobench.core.files import write_text, written_aside
from mammobench.evaluation.intervals import Interval
from mammobench.evaluation.leakage import METRICS, Leakage
from mammobench.report import text
from mammobench.report.columns import title_of
from mammobench.report.drawing import STYLE, svg_of
from mammobench.report.facts import Table
from mammobench.report.html import environment
from mammobench.report.notices import Notice
from mammobench.report.slopes import draw_slopes
from mammobench.study.filenames import PAGE

PICTURE = "leakage.png"
TABLE = "leakage.csv"


@dataclass(frozen=True)
class Page:
    """Everything that the template shows."""

    title: str
    subtitle: str
    notices: tuple[Notice, ...]
    lead: str
    support: tuple[str, ...]
    svg: str
    differences: Table
    scores: Table
    splits: Table


def write_leakage(leakage: Leakage, folder: Path, *, title: str) -> Path:
    """Write ``index.html``, ``leakage.csv`` and ``leakage.png``; return the page's path."""
    with written_aside(folder / PICTURE) as aside:
        _figure(leakage).savefig(aside, format="png", dpi=200, facecolor="white")
    write_text(folder / TABLE, table_of(leakage).to_csv(index=False))
    page = _page(
        leakage, title, svg_of(_figure(leakage), "Test scores of each configuration by split", scripted=False)
    )
    write_text(folder / PAGE, environment().get_template("leakage.html").render(page=page))
    return folder / PAGE


def table_of(leakage: Leakage) -> pd.DataFrame:
    """Return one row a configuration and split."""
    frames = [
        reading.scores.assign(
            split=name, configuration=[leakage.names[number] for number in reading.scores.index]
        )
        for name, reading in leakage.readings.items()
    ]
    return pd.concat(frames)[["configuration", "split", *METRICS]]


def lead_of(leakage: Leakage) -> str:
    """Return the leakage effect in a sentence."""
    (one, other), differences = _main_pair(leakage), []
    for metric in METRICS:
        found = leakage.differences[one, other, metric]
        differences.append(f"{text.signed(found.point)} {_ends(found)} {title_of(metric)}")
    return f"Leakage effect of the {one} split against the {other} split: {' and '.join(differences)}."


def support_of(leakage: Leakage) -> tuple[str, ...]:
    """Return the evidence for it, one sentence each, and the splits left out."""
    one, other = _main_pair(leakage)
    sure = leakage.differences[one, other, "f1"]
    if sure.low > 0:
        verdict = "The interval of the difference in F1 lies above 0: the leakage effect is significant."
    elif sure.high < 0:
        verdict = (
            "The interval of the difference in F1 lies below 0: scores are lower under the leaking split."
        )
    else:
        verdict = "The interval of the difference in F1 includes 0: the leakage effect is not significant."
    count = len(leakage.names)
    said = [verdict, f"Means over the same {count} configurations, each with one seed under all splits."]
    for name, reading in leakage.readings.items():
        means = " and ".join(f"{title_of(metric)} {reading.means[metric]}" for metric in METRICS)
        said.append(f"{name.capitalize()}: {means}, of {len(reading.split.test):,} test images.")
    said += [f"The {name} split was left out: {reason}." for name, reason in leakage.left_out.items()]
    return tuple(said)


def _page(leakage: Leakage, title: str, svg: str) -> Page:
    notices = [
        Notice("leak", f"The {name} split leaks", " ".join(reading.split.warnings))
        for name, reading in leakage.readings.items()
        if reading.split.leaks
    ]
    if leakage.synthetic:
        body = "Phantom images. These figures say nothing about real mammograms."
        notices.append(Notice("synthetic", "Synthetic data", body))
    task = next(iter(leakage.readings.values())).split.task
    return Page(
        title=title,
        subtitle=f"{task} · {len(leakage.names)} configurations under {', '.join(leakage.readings)}",
        notices=tuple(notices),
        lead=lead_of(leakage),
        support=support_of(leakage),
        svg=svg,
        differences=_differences(leakage),
        scores=_scores(leakage),
        splits=_splits(leakage),
    )


def _splits(leakage: Leakage) -> Table:
    heads = ("split", "training", "validation", "test", "hash", "warnings")
    rows = []
    for name, reading in leakage.readings.items():
        split = reading.split
        sizes = (f"{len(part):,}" for part in (split.train, split.validation, split.test))
        rows.append((name, *sizes, split.hash[:12], " ".join(split.warnings) or "none"))
    return Table("The splits", heads, tuple(rows))


def _differences(leakage: Leakage) -> Table:
    rows = tuple(
        (f"{one} minus {other}", title_of(metric), text.signed(found.point), _ends(found))
        for (one, other, metric), found in leakage.differences.items()
    )
    found = next(iter(leakage.differences.values()))
    note = (
        f"{found.level:.0%} intervals: {found.method} of each side by {found.unit}. They hold for these "
        "configurations and seeds, for other test patients."
    )
    return Table("Leakage effect", ("splits", "score", "difference", "interval"), rows, (note,))


def _scores(leakage: Leakage) -> Table:
    heads = (
        "configuration",
        *(f"{name} {title_of(metric)}" for metric in METRICS for name in leakage.readings),
    )
    rows = [
        (
            leakage.names[number],
            *(
                text.score(reading.scores.loc[number, metric])
                for metric in METRICS
                for reading in leakage.readings.values()
            ),
        )
        for number in leakage.names
    ]
    means = (str(reading.means[metric]) for metric in METRICS for reading in leakage.readings.values())
    return Table("Test scores", heads, (*rows, ("mean", *means)))


def _figure(leakage: Leakage) -> Figure:
    readings = list(leakage.readings.values())
    panels = {
        f"test {title_of(metric)}": (
            {
                name: [float(one.scores[metric].to_numpy()[place]) for one in readings]
                for place, name in enumerate(leakage.names.values())
            },
            [one.means[metric] for one in readings],
        )
        for metric in METRICS
    }
    labels = [f"{name} (leaks)" if one.split.leaks else name for name, one in leakage.readings.items()]
    with mpl.rc_context(STYLE):
        return draw_slopes(panels, labels)


def _main_pair(leakage: Leakage) -> tuple[str, str]:
    """Return the leaking split and the one that it is compared with: grouped, where there is one."""
    pairs = [(one, other) for one, other, _ in leakage.differences]
    return next((pair for pair in pairs if pair[1] == "grouped"), pairs[0])


def _ends(found: Interval) -> str:
    return f"[{text.signed(found.low)}, {text.signed(found.high)}]"
