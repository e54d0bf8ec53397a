"""Studies whose truth is known and varies: how many images, which classes, who is best, what is missing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mammobench.core.files import write_json
from mammobench.core.metrics import best_threshold
from mammobench.core.seeds import generator
from mammobench.data.splits.split import PARTS, Part, Split, _hash
from mammobench.data.splits.tasks import TASKS, get_task
from mammobench.evaluation.replicates import replicates_folder
from mammobench.evaluation.shortcut import METHODS, Shortcut, save_shortcuts
from mammobench.study.filenames import shortcut_path
from mammobench.study.record import StudyRecord
from mammobench.training.filenames import PREDICTIONS, REPLICATE, STRESS
from tests.conftest import write_simulated_study

WORLDS = ("equal", "winner", "spread", "better than selected", "worse than shortcut", "ties")
REPLICATED = 0.5
Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Plan:
    """What a study is made of.

    Attributes:
        world: One of `WORLDS`.
        task: Its task.
        objective: Of the search.
        images: In test.
        positives: Share of the images whose class is not 0; of the rarest class where there are several.
        largest: Images in the largest group; 1 where no group is known.
        trials: Searched ones.
        reference: Whether trial 0 is the reference CNN.
        replicates: By trial number.
        shortcuts: Whether there are baselines of image statistics.
        stressed: Whether trial 1 has predictions under stress.
        failed: Trials that failed.
        lost: A trial whose predictions are missing, if any.
        leaks: Whether the split says that it leaks.
    """

    world: str = "spread"
    task: str = "malignancy"
    objective: str = "f1"
    images: int = 300
    positives: float = 0.3
    largest: int = 1
    trials: int = 7
    reference: bool = True
    replicates: tuple[tuple[int, int], ...] = ()
    shortcuts: bool = True
    stressed: bool = False
    failed: tuple[int, ...] = ()
    lost: int | None = None
    leaks: bool = False


def varied_plan(seed: int) -> Plan:
    """Draw a plan; the worlds, the tasks and the sizes take turns."""
    numbers = generator(seed, "plan")
    images = round(60 * 50 ** float(numbers.random()))
    few = min(0.4, numbers.integers(4, 40) / images)
    trials = int(numbers.choice([0, 1, 2, 3, 5, 8, 12], p=[0.02, 0.1, 0.13, 0.2, 0.2, 0.2, 0.15]))
    # the first is often the selected one
    known = sorted(numbers.permutation(trials + 1).tolist(), key=lambda trial: trial != 1)
    several = int(numbers.integers(1, 6)) if numbers.random() < REPLICATED else 0
    return Plan(
        world=WORLDS[seed % len(WORLDS)],
        task=str(numbers.choice(list(TASKS))),
        objective=str(numbers.choice(["f1", "auroc", "brier"])),
        images=images,
        positives=float(numbers.choice([few, 0.3, 0.5, 0.8], p=[0.4, 0.3, 0.15, 0.15])),
        largest=int(numbers.choice([1, 3, 6])),
        trials=trials,
        reference=bool(numbers.random() < 0.8) or trials == 0,
        replicates=tuple((int(trial), int(numbers.integers(1, 6))) for trial in known[:several]),
        shortcuts=bool(numbers.random() < 0.7),
        stressed=bool(numbers.random() < 0.2),
        failed=(trials,) if trials > 2 and numbers.random() < 0.2 else (),
        lost=1 if trials > 2 and numbers.random() < 0.1 else None,
        leaks=bool(numbers.random() < 0.1),
    )


def write_varied_study(folder: Path, plan: Plan, seed: int = 0, **spec: Any) -> StudyRecord:
    """Write a study as planned."""
    maker = _Predictions(plan, _split(plan, seed), seed)
    study = write_simulated_study(
        folder, trials=plan.trials, task=plan.task, objective=plan.objective, reference=plan.reference,
        failed=dict.fromkeys(plan.failed, "the loss is nan"), splits=(maker.split,), predict=maker.of_trial,
        **spec,
    )  # fmt: skip
    if plan.shortcuts:
        path = shortcut_path(folder, maker.split.hash)
        save_shortcuts([maker.shortcut(method) for method in METHODS], path)
    for trial, count in plan.replicates:
        if trial not in plan.failed:
            for place in range(1, count + 1):
                maker.write_replicate(study.trial_folder(trial), trial, place)
    if plan.stressed and 1 not in plan.failed and plan.trials:
        maker.write_stress(study.trial_folder(1), 1)
    if plan.lost is not None:
        (study.trial_folder(plan.lost) / PREDICTIONS).unlink()
    return study


def _split(plan: Plan, seed: int) -> Split:
    numbers, known, parts, row = generator(seed, "split"), get_task(plan.task), {}, 0
    classes = np.asarray(known.classes_of_labels)
    rest = 1 - plan.positives * (1 if known.binary else known.classes - 1)
    by_class = np.r_[max(rest, 0.0), np.full(known.classes - 1, plan.positives)]
    shares = np.array([by_class[each] / (classes == each).sum() if each >= 0 else 0 for each in classes])
    for name in PARTS:
        count = plan.images if name == "test" else 40 + plan.images // 2
        sizes = numbers.integers(1, plan.largest + 1, count)
        groups = np.repeat(np.arange(count), sizes)[:count]
        # validation has some of each class, so that a threshold can be chosen
        wanted = shares if name == "test" else shares + 0.2 * (classes >= 0)
        labels = numbers.choice(5, count, p=wanted / wanted.sum())[groups].astype(np.int64)
        own = numbers.random(count) < 0.1
        labels[own] = numbers.choice(5, int(own.sum()), p=wanted / wanted.sum())
        parts[name] = Part(np.arange(row, row + count), known.targets(labels), labels, row + groups)
        row += count
    return Split(
        name="reference" if plan.leaks else "official", task=plan.task, class_names=known.class_names,
        **parts, leaks=plan.leaks, grouped=plan.largest > 1,
        warnings=("The reference split LEAKS.",) if plan.leaks else (), hash=_hash(parts),
    )  # fmt: skip


class _Predictions:
    """Probabilities whose errors cluster by group and are partly shared by all models of a study."""

    def __init__(self, plan: Plan, split: Split, seed: int) -> None:
        self.plan, self.split, self.seed = plan, split, seed
        self.common = {name: self._noise(name, "common") for name in ("validation", "test")}

    def of_trial(self, trial: int, part: str) -> Probabilities:
        """Return what a trial predicts; tied ones, in pairs, predict the same."""
        who = trial // 2 if self.plan.world == "ties" else trial
        return self._predict(self._quality(trial, part), part, "trial", who)

    def shortcut(self, method: str) -> Shortcut:
        """Return a baseline's predictions."""
        quality = 0.75 if self.plan.world == "worse than shortcut" else 0.2
        validation, test = (
            self._predict(quality, part, method).astype(float) for part in ("validation", "test")
        )
        return Shortcut(method, validation, test, self._threshold(validation))

    def write_replicate(self, folder: Path, trial: int, place: int) -> None:
        """Write a replicate of a trial."""
        validation, test = (
            self._predict(self._quality(trial, part), part, "replicate", trial, place)
            for part in ("validation", "test")
        )
        where = replicates_folder(folder) / str(place)
        where.mkdir(parents=True)
        np.savez(where / PREDICTIONS, validation_probability=validation, test_probability=test)
        threshold = self._threshold(validation)
        write_json(where / REPLICATE, {"seed": place, "threshold": threshold, "objective": 0.5})

    def write_stress(self, folder: Path, trial: int) -> None:
        """Write predictions of unchanged images, of darker ones, and of none recognised."""
        arrays: dict[str, Any] = {}
        for part in ("validation", "test"):
            known = self.of_trial(trial, part)
            arrays[f"{part}_probability"] = np.stack([known, known**2, 0 * known])
        conditions = np.array(["unchanged", "gamma 2", "border only"])
        np.savez(folder / STRESS, allow_pickle=False, conditions=conditions, **arrays)

    def _quality(self, trial: int, part: str) -> float:
        test, world = part == "test", self.plan.world
        if trial == 0 and self.plan.reference:
            return 0.25
        if world == "winner":
            return 0.8 if trial == 1 else 0.3
        if world == "better than selected":
            # the first looks best on validation, the second and third are
            return {1: 0.25 if test else 1.0, 2: 0.8 if test else 0.4, 3: 0.7 if test else 0.4}.get(
                trial, 0.4
            )
        if world == "spread":
            return float(generator(self.seed, "quality", trial).uniform(0.1, 0.7))
        return 0.35

    def _threshold(self, validation: Probabilities) -> float | None:
        return best_threshold(self.split.validation.targets, validation) if self.split.binary else None

    def _noise(self, part: str, *names: str | int) -> npt.NDArray[np.float64]:
        numbers = generator(self.seed, "noise", part, *names)
        groups = getattr(self.split, part).groups
        _, codes = np.unique(groups, return_inverse=True)
        shape = (len(groups), len(self.split.class_names))
        return 0.6 * numbers.normal(size=(codes.max() + 1, shape[1]))[codes] + 0.5 * numbers.normal(
            size=shape
        )

    def _predict(self, quality: float, part: str, *names: str | int) -> Probabilities:
        targets = getattr(self.split, part).targets
        noise = self.common[part] + 0.7 * self._noise(part, *names)
        logits = 2 * (2 * quality * np.eye(len(self.split.class_names))[targets] + noise)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)
        result: Probabilities = probabilities[:, 1] if self.split.binary else probabilities
        return result
