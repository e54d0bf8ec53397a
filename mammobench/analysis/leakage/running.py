"""Trains the same configurations under each split, one study a split."""

from collections.abc import Callable
from pathlib import Path

from mammobench.analysis.leakage.page import PICTURE, TABLE
from mammobench.analysis.retraining import Progress
from mammobench.analysis.searching import search_and_report
from mammobench.core.errors import DataError
from mammobench.data.splits.split import make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.evaluation.leakage import Leakage, measure
from mammobench.space.config import TrialConfig
from mammobench.space.search_space import SearchSpace
from mammobench.space.yaml_file import load_space
from mammobench.study.filenames import PAGE
from mammobench.study.paths import folder_named, new_folder
from mammobench.study.record import StudyRecord
from mammobench.tuning.arguments import asked_space
from mammobench.tuning.events import Event

SPLITS = ("reference", "official", "grouped")
SEED_OF_RESAMPLES = 0


def run_leakage(
    space: str | Path | SearchSpace,
    *,
    data: str | Path,
    trials: int = 5,
    workers: int = 1,
    seed: int = 0,
    folder: str | Path | None = None,
    precision: str = "auto",
    observe: Callable[[StudyRecord, Event], None] = lambda *_: None,
    progress: Progress = lambda *_: None,
) -> tuple[Leakage, Path]:
    """Train the reference CNN and random configurations of a space under every split, and compare.

    What has finished is not trained again: the same call goes on where it was stopped.

    Args:
        space: Name of a shipped space, a YAML file, or a `SearchSpace`.
        data: An image store.
        trials: Configurations besides the reference CNN.
        workers: Trials at a time.
        seed: Of the configurations and their training, the same under every split.
        folder: Name under ``reports/`` or a path; None for ``leakage-SPACE``.
        precision: As for `mammobench.search`.
        observe: Called at the events of trials and epochs.
        progress: Called as whatever else takes seconds proceeds.

    Returns:
        The scores and differences, and the folder of the three studies.

    Raises:
        ConfigError: When the space searches the split, or for a wrong argument.
        DataError: When fewer than two splits can be made of the store, the leaking one among them.
        StudyError: When nothing has finished under every split.
    """
    space = space if isinstance(space, SearchSpace) else load_space(space)
    named = f"leakage-{space.name}"
    beside = (*SPLITS, PAGE, TABLE, PICTURE)
    place = (
        new_folder(folder, where="--out", beside=beside)
        if folder is not None
        else folder_named(named, where="--out", beside=beside)
    )
    store, left_out = ImageStore.open(Path(data)), {}
    studies: dict[str, StudyRecord] = {}
    for name in SPLITS:
        cut = asked_space(space, objectives=(), trials=None, split=name)
        try:
            make_split(store, TrialConfig.from_values(cut.fixed).data)
        except DataError as error:
            left_out[name] = error.problem
            continue
        studies[name] = search_and_report(
            space, data=data, split=name, sampler="random", trials=trials, workers=workers, seed=seed,
            precision=precision, study=place / name, observe=observe, progress=progress,
        )  # fmt: skip
    if SPLITS[0] not in studies or len(studies) == 1:
        raise DataError(
            "too few splits can be made of this store to compare them",
            where=store.path,
            expected=f"{SPLITS[0]} and another one of {', '.join(SPLITS)}",
            found="; ".join(f"{name}: {reason}" for name, reason in left_out.items()),
        )
    return measure(studies, left_out=left_out, seed=SEED_OF_RESAMPLES), place
