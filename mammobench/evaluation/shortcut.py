"""The shortcut baseline: stock classifiers of image statistics alone, which do not see the lesion.

Two stock classifiers of scikit-learn learn from the statistics of `mammobench.data.images.statistics` on the
training part, choose their threshold on validation like every trial, and are scored on test. A CNN that is
no better shows no use of the lesion (Geirhos et al. 2020, doi:10.1038/s42256-020-00257-z).
"""

import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from mammobench.core.errors import StudyError
from mammobench.core.files import written_aside
from mammobench.core.metrics import Floats, best_threshold
from mammobench.data.images.statistics import store_statistics
from mammobench.data.splits.split import Split
from mammobench.data.store.image_store import ImageStore
from mammobench.study.filenames import shortcut_path

METHODS = ("logistic regression", "gradient boosting")
_MOST_ITERATIONS = 2000


class _Classifier(Protocol):
    """What is needed of scikit-learn's classifiers, which are imported when they are used."""

    classes_: npt.NDArray[np.int64]

    def fit(self, features: npt.NDArray[np.float32], targets: npt.NDArray[np.int64]) -> object:
        """Fit to features (n, k) and classes (n,)."""
        ...

    def predict_proba(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return probabilities, (n, classes)."""
        ...


@dataclass(frozen=True, eq=False)
class Shortcut:
    """One classifier's predictions.

    Attributes:
        method: One of `METHODS`.
        validation: Probabilities on validation, float64 (n,) or (n, classes).
        test: Probabilities on test.
        threshold: Chosen on validation; None for more than two classes.
    """

    method: str
    validation: Floats
    test: Floats
    threshold: float | None


def fit_shortcuts(statistics: npt.NDArray[np.float32], split: Split, *, seed: int = 0) -> list[Shortcut]:
    """Train and apply each of `METHODS`.

    Args:
        statistics: One row an image of the store, (n, features).
        split: The parts.
        seed: Of what is random in gradient boosting.
    """
    fitted = []
    for method in METHODS:
        model = _classifier(method, seed)
        # its threads wait for each other busily: on a machine with other work that takes minutes
        with threadpool_limits(1):
            model.fit(statistics[split.train.rows], split.train.targets)
        validation, test = (
            _probabilities(model, statistics[part.rows], split) for part in (split.validation, split.test)
        )
        threshold = best_threshold(split.validation.targets, validation) if split.binary else None
        fitted.append(Shortcut(method, validation, test, threshold))
    return fitted


def provide_shortcuts(
    folder: Path,
    splits: Iterable[Split],
    store: ImageStore,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Have the baseline of each split in a study's folder, where `load_shortcuts` finds it."""
    for split in splits:
        path = shortcut_path(folder, split.hash)
        if not path.exists():
            statistics = store_statistics(store, progress=progress).to_numpy()
            save_shortcuts(fit_shortcuts(statistics, split), path)


def save_shortcuts(shortcuts: list[Shortcut], path: Path) -> None:
    """Write them to one ``.npz`` file, whole or not at all."""
    arrays = {
        f"{index}_{part}": getattr(shortcut, part)
        for index, shortcut in enumerate(shortcuts)
        for part in ("validation", "test")
    }
    methods = np.array([shortcut.method for shortcut in shortcuts])
    thresholds = np.array([np.nan if one.threshold is None else one.threshold for one in shortcuts])
    with written_aside(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, methods=methods, thresholds=thresholds, **arrays)


def load_shortcuts(path: Path) -> list[Shortcut]:
    """Read what `save_shortcuts` wrote.

    Raises:
        StudyError: When the file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            thresholds = [None if np.isnan(each) else float(each) for each in saved["thresholds"]]
            return [
                Shortcut(str(method), saved[f"{index}_validation"], saved[f"{index}_test"], threshold)
                for index, (method, threshold) in enumerate(zip(saved["methods"], thresholds, strict=True))
            ]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise StudyError(
            "the shortcut baseline cannot be read",
            where=path,
            found=error,
            remedy="Delete the file; the next report makes it again",
        ) from error


def _classifier(method: str, seed: int) -> _Classifier:
    # imported here: it costs every command a second or more
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    chosen: _Classifier = (
        HistGradientBoostingClassifier(random_state=seed, early_stopping=False)
        if method == "gradient boosting"
        else make_pipeline(StandardScaler(), LogisticRegression(max_iter=_MOST_ITERATIONS))
    )
    return chosen


def _probabilities(model: _Classifier, features: npt.NDArray[np.float32], split: Split) -> Floats:
    """Return probabilities of every class of the task, also of one that training lacks."""
    every = np.zeros((len(features), len(split.class_names)))
    every[:, model.classes_] = model.predict_proba(features)
    return every[:, 1] if split.binary else every
