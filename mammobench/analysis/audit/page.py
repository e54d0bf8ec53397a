"""The page of an audit: one HTML file that needs no network, and the same as plain values for ``--json``."""

import base64
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from mammobench.analysis.audit.baseline import CONFOUNDED, Baseline
from mammobench.analysis.audit.gathering import Audit
from mammobench.analysis.audit.hygiene import KINDS
from mammobench.core.files import write_text
from mammobench.data.groups import picture_of_link
from mammobench.data.store.duplicates import CONSTANT_GREYS, told_of_identical
from mammobench.data.store.filenames import AUDIT
from mammobench.evaluation.intervals import Interval
from mammobench.report import text
from mammobench.report.facts import Table
from mammobench.report.html import environment
from mammobench.report.notices import Notice

CHANCE = 0.5
"""AUROC of a random classifier."""

TILES_SHOWN = 8
TILE_SIDE = 120
IDENTICAL_SHOWN = 50
REFERENCE = "reference"


@dataclass(frozen=True)
class Picture:
    """An image in the page: PNG as base64, and what it shows."""

    data: str
    caption: str


@dataclass(frozen=True)
class Page:
    """Everything that the template shows."""

    title: str
    subtitle: str
    notices: tuple[Notice, ...]
    lead: str
    support: tuple[str, ...]
    counts: Table
    leaks: Table
    identical: Table
    links: Table
    pairs: tuple[Picture, ...]
    baseline: Table
    hygiene: Table
    tiles: tuple[Picture, ...]
    citations: tuple[str, ...]


def write_audit(audit: Audit, path: Path) -> Path:
    """Write the page, whole or not at all; return its path."""
    page = environment().get_template(AUDIT).render(page=build_page(audit))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page)
    return path


def lead_of(audit: Audit) -> str:
    """Return in a sentence how well image statistics alone predict the classes."""
    scored = [one for one in audit.baselines if text.is_number(one.auroc.point)]
    if not scored:
        return "No task of this store can be cut into training, validation and test."
    best = max(scored, key=lambda one: one.auroc.point)
    reach = f"From image statistics alone, {best.method} predicts {best.task} with AUROC {best.auroc}"
    if best.auroc.point >= CONFOUNDED:
        return f"{reach}: this set can be solved without seeing a lesion."
    if best.auroc.low > CHANCE:
        return f"{reach}, better than chance; a CNN has to exceed that to show that it uses the lesion."
    return f"{reach}: not significantly better than chance."


def findings(audit: Audit) -> tuple[str, ...]:
    """Return the other findings, one sentence each."""
    said = [
        f"{leak.test_images:,} of {leak.test_size:,} test images of {_named(leak.split)} share "
        f"their patient or lesion with images outside test ({leak.groups:,} groups)."
        for leak in audit.leaks
        if leak.groups
    ]
    groups = audit.groups
    if not groups.recovered and not groups.known.all():
        said.append(
            f"{int((~groups.known).sum()):,} images have no known patient or lesion, and lesions were not "
            f"matched by their pixels: `mammobench data groups {audit.store.path}` does."
        )
    elif not said:
        said.append("No patient or lesion stands on both sides of any split.")
    said += _told_of_identical(audit.identical)
    for kind, mask in audit.tiles.items():
        if mask.any():
            found = f"{kind.capitalize()} images ({KINDS[kind]}): {int(mask.sum()):,}"
            said.append(f"{found}, {_told_of_shares(audit.tile_shares[kind])}.")
    return tuple(said)


def _told_of_identical(identical: pd.DataFrame) -> list[str]:
    counted = told_of_identical(identical)
    said = [counted] if counted else []
    contradicting = identical[identical["labels"].str.len() > 1]
    if len(contradicting):
        first = contradicting.iloc[0]
        said.append(
            f"{', '.join(first['ids'])} are one picture, labelled {' and '.join(first['labels'])}: labels "
            f"contradict each other in {len(contradicting):,} of {len(identical):,} such pictures."
        )
    return said


def _told_of_shares(shares: pd.Series) -> str:
    most, least = f"{shares.max():.1%}", f"{shares.min():.1%}"
    if len(shares) > 1 and shares.max() == shares.min():
        return f"{most} of every class"
    apart = f", {least} of {shares.idxmin()}" if len(shares) > 1 else ""
    return f"{most} of {shares.idxmax()}{apart}"


def as_values(audit: Audit) -> dict[str, Any]:
    """Return the audit as JSON-compatible values."""
    return {
        "store": str(audit.store.path),
        "fingerprint": audit.store.fingerprint,
        "synthetic": audit.store.manifest.synthetic,
        "lead": lead_of(audit),
        "findings": list(findings(audit)),
        "counts": audit.counts.to_dict("index"),
        "groups": {
            "groups": len(np.unique(audit.groups.codes)),
            "known_images": int(audit.groups.known.sum()),
            "recovered": audit.groups.recovered,
            "links": audit.groups.links["kind"].value_counts().to_dict(),
        },
        "identical": {
            "images": int(audit.identical["images"].sum()),
            "pictures": audit.identical.to_dict("records"),
        },
        "leaks": [asdict(leak) for leak in audit.leaks],
        "baselines": [asdict(one) for one in audit.baselines],
        "left_out": dict(audit.left_out),
        "tiles": {kind: int(mask.sum()) for kind, mask in audit.tiles.items()},
        "tile_shares": audit.tile_shares.to_dict("index"),
    }


def build_page(audit: Audit) -> Page:
    """Gather what the page shows."""
    manifest = audit.store.manifest
    notices = []
    if manifest.synthetic:
        body = "Phantom images. These figures say nothing about real mammograms."
        notices.append(Notice("synthetic", "Synthetic data", body))
    if any(leak.groups for leak in audit.leaks if leak.split != REFERENCE):
        body = "The source's own test set shares patients, lesions or pictures with its training set."
        notices.append(Notice("leak", "The source leaks", body))
    return Page(
        title=f"Audit of {audit.store.path.name}",
        subtitle=f"{len(audit.store):,} images · {manifest.source}",
        notices=tuple(notices),
        lead=lead_of(audit),
        support=findings(audit),
        counts=_counts(audit),
        leaks=_leaks(audit),
        identical=_identical(audit),
        links=_links(audit),
        pairs=tuple(_pair(audit, row) for _, row in audit.pairs.iterrows()),
        baseline=_baseline(audit),
        hygiene=_hygiene(audit),
        tiles=tuple(_examples(audit)),
        citations=tuple(manifest.citations),
    )


def _counts(audit: Audit) -> Table:
    splits = [str(name) for name in audit.counts.columns]
    rows = [
        (str(name), *(f"{count:,}" for count in row), f"{row.sum():,}")
        for name, row in audit.counts.iterrows()
    ]
    total = audit.counts.sum()
    rows.append(("all", *(f"{count:,}" for count in total), f"{total.sum():,}"))
    return Table("Images by class and the source's split", ("class", *splits, "all"), tuple(rows))


def _leaks(audit: Audit) -> Table:
    rows = tuple(
        (
            f"{_named(leak.split)}{' (leaks by construction)' if leak.split == REFERENCE else ''}",
            f"{leak.groups:,}",
            f"{leak.test_images:,} of {leak.test_size:,}",
            f"{leak.test_images / leak.test_size:.1%}",
        )
        for leak in audit.leaks
    )
    heads = ("split", "shared groups", "test images of shared groups", "share")
    notes = (
        ()
        if audit.groups.recovered
        else ("Only patients and lesions that the source names, and identical pictures, are checked.",)
    )
    return Table("Leakage of each split", heads, rows, notes)


def _identical(audit: Audit) -> Table:
    rows = [
        (
            ", ".join(row["ids"]),
            f"{' and '.join(row['labels'])}{' (contradiction)' * (len(row['labels']) > 1)}",
            ", ".join(row["patients"]) or "not known",
            " and ".join(row["splits"]),
        )
        for row in audit.identical.to_dict("records")
    ]
    rule = (
        f"Images that are the same, pixel by pixel; those of at most {CONSTANT_GREYS} grey values show "
        "nothing and do not count. Flips and turns are what `mammobench data groups` looks for."
    )
    notes = [rule]
    if len(rows) > IDENTICAL_SHOWN:
        notes.append(f"The first {IDENTICAL_SHOWN} of {len(rows):,}; --json lists all.")
    shown = tuple(rows[:IDENTICAL_SHOWN]) or (("none", "", "", ""),)
    return Table("Identical pictures", ("images", "class", "patients", "split"), shown, tuple(notes))


def _links(audit: Audit) -> Table:
    links = audit.groups.links
    rows = [
        (str(kind), f"{len(some):,}", f"{some['confidence'].median():.4f}", f"{some['confidence'].min():.4f}")
        for kind, some in links.groupby("kind")
    ]
    heads = ("kind of link", "links", "confidence, median", "lowest")
    note = (
        f"{int(audit.groups.known.sum()):,} images name their patient or lesion; with the links there are "
        f"{len(np.unique(audit.groups.codes)):,} groups."
    )
    return Table("Links found by image matching", heads, tuple(rows) or (("none", "0", "", ""),), (note,))


def _pair(audit: Audit, link: "pd.Series[Any]") -> Picture:
    index = audit.store.index
    sides = [
        f"{index['id'][row]} ({index['split'][row]})" for row in (int(link["first"]), int(link["second"]))
    ]
    caption = f"{link['kind']}: {' and '.join(sides)}, {link['inliers']} inliers"
    return Picture(base64.b64encode(picture_of_link(audit.store, link)).decode("ascii"), caption)


def _baseline(audit: Audit) -> Table:
    heads = ("task", "method", "test AUROC", "test F1", "test accuracy", "majority class")
    rows = tuple(_baseline_row(one) for one in audit.baselines)
    notes = [f"{task}: {reason}." for task, reason in audit.left_out]
    if audit.baselines:
        one = audit.baselines[0].f1
        notes.insert(
            0,
            f"Trained and tested under the {audit.baselines[0].split} split on mean, spread, extremes, "
            f"percentiles, blockiness and border statistics. {one.level:.0%} intervals: {one.method}, by "
            f"{one.unit}.",
        )
    return Table("The shortcut baseline", heads, rows, tuple(notes))


def _baseline_row(one: Baseline) -> tuple[str, ...]:
    scores = (with_interval(interval) for interval in (one.auroc, one.f1, one.accuracy))
    return one.task, one.method, *scores, text.score(one.majority)


def with_interval(interval: Interval) -> str:
    """Return a score with its interval where it has one."""
    return str(interval) if text.is_number(interval.low) else text.score(interval.point)


def _hygiene(audit: Audit) -> Table:
    rows = tuple(
        (str(name), *(f"{share:.2%}" for share in shares)) for name, shares in audit.tile_shares.iterrows()
    )
    notes = tuple(f"{kind}: {meaning}." for kind, meaning in KINDS.items())
    return Table("Share of each class with artefacts", ("class", *KINDS), rows, notes)


def _examples(audit: Audit) -> list[Picture]:
    """Show the first of each kind and of each class in turn."""
    shown: list[Picture] = []
    images = audit.store.images(audit.store.manifest.image_size)
    for kind, mask in audit.tiles.items():
        rows = audit.store.index[mask].groupby("label").head(2).index[:TILES_SHOWN]
        for row in rows:
            small = cv2.resize(images[row], (TILE_SIDE, TILE_SIDE), interpolation=cv2.INTER_AREA)
            _, coded = cv2.imencode(".png", small)
            caption = f"{kind}: {audit.store.index['id'][row]}"
            shown.append(Picture(base64.b64encode(coded.tobytes()).decode("ascii"), caption))
    return shown


def _named(split: str) -> str:
    return split if split.startswith("the ") else f"the {split} split"
