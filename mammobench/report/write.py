"""Open studies that are to be reported together, make the baselines that they lack, and write the report."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mammobench.core.invocation import call_of
from mammobench.core.metrics import zero_division_of
from mammobench.data.splits.split import Split
from mammobench.data.store.image_store import ImageStore
from mammobench.evaluation.gathering import require_comparable
from mammobench.evaluation.leaderboard import Leaderboard, build_leaderboard
from mammobench.evaluation.shortcut import provide_shortcuts
from mammobench.report.formats import format_of, write_format
from mammobench.study.filenames import REPORT_FILES
from mammobench.study.paths import study_folder
from mammobench.study.record import StudyRecord
from mammobench.tuning.trial_files import fetch_artifacts

_LONGEST = 120


def open_study(name_or_path: str | Path) -> StudyRecord:
    """Open a study by its name under ``reports/`` or by its path, and fetch what other machines made.

    Raises:
        StudyError: Where there is none, with the nearest name.
    """
    record = StudyRecord.open(study_folder(name_or_path))
    fetch_artifacts(record)
    return record


def open_studies(names: Sequence[str | Path]) -> tuple[StudyRecord, ...]:
    """Open studies that can be ranked together: each once, all of the same images, task and objective.

    Raises:
        StudyError: Where there is none of a name, one is given twice, or they cannot be ranked together.
    """
    studies = tuple(map(open_study, names))
    require_comparable(studies)
    return studies


def rank(studies: Sequence[StudyRecord], *, zero_division: str = "nan") -> Leaderboard:
    """Rank studies from `open_studies` together, and make the baselines that they lack.

    Args:
        studies: From `open_studies`.
        zero_division: ``nan``, ``0`` or ``1``: the precision of a class that is never predicted.

    Raises:
        StudyError: If no trial has finished.
        TrialError: If none has finished because they failed.
        ConfigError: For an unknown zero_division.
    """
    precision = zero_division_of(zero_division)
    provide_baselines(studies)
    return build_leaderboard(studies, zero_division=precision)


@call_of("report_on() in Python")
def report_on(
    studies: Sequence[StudyRecord],
    *,
    out: Path | None = None,
    kind: str | None = None,
    leaderboard: Leaderboard | None = None,
    zero_division: str = "nan",
) -> Path:
    """Write the report of a study, or of several ranked together, in a format.

    Args:
        studies: From `open_studies`.
        out: The file; None for one of the format's name in the study's folder, or, for several studies, in a
            folder beside theirs that has all their names.
        kind: A key of `mammobench.study.filenames.REPORT_FILES`; None for what the ending of `out` says, else
            HTML.
        leaderboard: What `rank` gave for them, if it has been called.
        zero_division: As in `rank`, where that has not been called.

    Returns:
        The path of the file.

    Raises:
        StudyError: If no trial has finished, or `out` is a folder.
        TrialError: If none has finished because they failed.
        ConfigError: For an unknown format or zero_division, or a PDF where no browser can print.
    """
    kind = format_of(kind, out)
    if out is None and len(studies) > 1:
        name = "+".join(study.folder.name for study in studies)
        if len(name) > _LONGEST:
            name = f"{studies[0].folder.name}+{len(studies) - 1} more"
        out = studies[0].folder.parent / name / REPORT_FILES[kind]
    board = leaderboard or rank(studies, zero_division=zero_division)
    return write_format(studies, kind, out=out, leaderboard=board)


def provide_baselines(studies: Iterable[StudyRecord]) -> None:
    """Make the shortcut baselines that studies lack, where their image stores are at hand."""
    for study in studies:
        place = Path(study.spec.data)
        if not place.exists():
            continue
        store = ImageStore.open(place, verify=False)
        if store.fingerprint == study.spec.fingerprint:
            provide_baselines_from(study, store)


def provide_baselines_from(study: StudyRecord, store: ImageStore) -> None:
    """Make the shortcut baselines that a study lacks from its image store."""
    hashes = dict.fromkeys(trial.split for trial in study.trials if trial.state == "finished")
    splits = (Split.load(study.split_path(split_hash)) for split_hash in hashes)
    provide_shortcuts(study.folder, splits, store)
