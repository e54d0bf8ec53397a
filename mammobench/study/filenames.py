"""Names and places of what lies in a study's folder: each name stands here alone.

What lies in a trial's own folder is named by `mammobench.training.filenames`.
"""

from pathlib import Path

SPEC = "study.json"
"""What was asked; a folder with it is a whole study."""

SPEC_UNDER_WAY = f"{SPEC}.new"
"""The same while the study is made in a database; renamed in the end."""

JOURNAL = "study.journal"
"""The record of trials, unless a database has it."""

OPENINGS = "test_openings.jsonl"
"""The log of the openings of the test split."""

LOCK = ".lock"
"""Held by the one process that makes, searches or mends the study."""

TRIALS = "trials"
SPLITS = "splits"
SHORTCUTS = "shortcuts"
"""The baseline of each split."""

BEST = "best"
"""The exported model of the trial that was reproduced last."""

MODEL_CARD = "model_card.md"
"""Beside that model."""

WORKERS = "workers"
"""Logs of a cluster's workers, and submitit's own files."""

EVALUATIONS = "evaluations"
"""A folder for each other set of images that the study's model was applied to."""

SCORES = "scores.json"
"""In such a folder, as is `SLICES`."""

SLICES = "slices.csv"

PAGE = "index.html"
FIGURES = "figures"
"""The page's figures as PDF and PNG."""

LEADERBOARD = "leaderboard.csv"
REPORT_FILES = {
    "html": PAGE,
    "pdf": "report.pdf",
    "markdown": "report.md",
    "latex": "report.tex",
    "csv": LEADERBOARD,
    "parquet": "leaderboard.parquet",
}
"""The formats of a report, and the file of each."""

FOLDERS = (TRIALS, SPLITS, SHORTCUTS, BEST, WORKERS, EVALUATIONS, FIGURES)


def trial_folder(study: Path, number: int) -> Path:
    """Return the folder of a trial, by its place in the study."""
    return study / TRIALS / f"{number:04d}"


def split_path(study: Path, split_hash: str) -> Path:
    """Return the file of a split."""
    return study / SPLITS / f"{split_hash}.npz"


def shortcut_path(study: Path, split_hash: str) -> Path:
    """Return the file of a split's baseline."""
    return study / SHORTCUTS / f"{split_hash}.npz"
