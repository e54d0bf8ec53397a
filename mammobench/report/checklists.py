"""The reporting checklists CLAIM 2024 and TRIPOD+AI, filled in as far as a run can.

The items stand in ``checklists.json``: number, section, a few words of our own on what is asked for, and the
key of this run's answer. The wording that counts is that of the two publications.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from mammobench.data.splits.split import PARTS, Split
from mammobench.evaluation.leaderboard import Leaderboard, unit_of
from mammobench.evaluation.openings import openings_of
from mammobench.report import text
from mammobench.report.columns import title_of
from mammobench.report.facts import Table
from mammobench.study.filenames import EVALUATIONS, SCORES
from mammobench.study.paths import page_command
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.filenames import EXPLANATIONS

OPEN = "For the authors."
_SOFTWARE = (
    "python",
    "mammobench",
    "keras",
    "tensorflow",
    "numpy",
    "backend",
    "precision",
    "processor",
    "gpu",
)


def checklist_tables(studies: Sequence[StudyRecord], board: Leaderboard) -> tuple[Table, ...]:
    """Fill both checklists for the selected configuration; empty before there is one.

    Args:
        studies: Of the same images and task.
        board: Their leaderboard.
    """
    row = board.selected
    if row is None:
        return ()
    study = studies[board.studies.index(row["study"])] if "study" in row else studies[0]
    known = _Run(study, board).answers()
    tables = []
    for checklist in json.loads(files("mammobench.report").joinpath("checklists.json").read_text("utf-8")):
        rows = tuple(
            (number, section, about, known[key] if key else OPEN)
            for number, section, about, key in checklist["items"]
        )
        filled = sum(line[-1] != OPEN for line in rows)
        note = (
            f"{filled} of {len(rows)} items have an answer from this run, to be checked and worded by "
            f"the authors. Items by number, in words of our own: {checklist['source']}."
        )
        heads = ("item", "section", "asks for", "this run")
        tables.append(Table(str(checklist["name"]), heads, rows, (note,)))
    return tuple(tables)


class _Run:
    """The answers of a run to what checklists ask for.

    Args:
        study: Of the selected configuration.
        board: Its leaderboard.
    """

    def __init__(self, study: StudyRecord, board: Leaderboard) -> None:
        self.study, self.board = study, board
        self.row = next(row for row in board.rows if row["selected"])
        self.trial: TrialRecord = study.trial(int(self.row["trial"]))
        self.split: Split = board.splits[self.row["split_hash"]]

    def answers(self) -> dict[str, str]:
        """Return each answer by the key that ``checklists.json`` has for it."""
        return self._of_the_data() | self._of_the_model() | self._of_the_evaluation() | self._of_the_rest()

    def _of_the_data(self) -> dict[str, str]:
        spec, split, config = self.study.spec, self.split, self.trial.config.data
        store = spec.store
        counts = "; ".join(
            f"{part} {text.whole(len(found.targets))} images ("
            + ", ".join(
                f"{text.whole(int(count))} {name}"
                for name, count in zip(
                    split.class_names,
                    np.bincount(found.targets, minlength=len(split.class_names)),
                    strict=True,
                )
            )
            + ")"
            for part, found in ((part, getattr(split, part)) for part in PARTS)
        )
        unit, warnings = unit_of(split), " ".join(split.warnings)
        disjoint = (
            "Crops of one lesion stand in several parts: the split leaks."
            if split.leaks
            else "No patient or lesion group stands in two parts."
            if split.grouped
            else "Images; patients and lesions are not known."
        )
        names = ", ".join(split.class_names)
        synthetic = "Synthetic: no image shows a person. " if store.get("synthetic") else ""
        return {
            "retrospective": f"{synthetic}Retrospective: images that existed before the study.",
            "source": f"{synthetic}{store.get('source', 'unknown source')}. "
            f"Licence: {store.get('licence', 'unknown')}.",
            "eligible": f"Images that the task {split.task} has a class for ({names}); "
            f"who is in the set is for the authors. {warnings}".strip(),
            "preprocessing": f"Patches of {config.image_size} px, from {store.get('image_size', '?')} px "
            f"({config.interpolation}); intensity {config.intensity}.",
            "predictors": f"The pixels of a patch, {config.image_size} x {config.image_size}; nothing else.",
            "missing": "An image without a label for the task is left out; nothing is imputed.",
            "truth": f"The labels of the source, as classes {' and '.join(split.class_names)}; how they were "
            "established is for the authors.",
            "partitions": f"The {split.name} split, seed {config.split_seed}: {counts}.",
            "disjoint": f"{disjoint} Intervals resample {unit}s.",
            "size": f"{text.whole(len(split.test.targets))} test images of "
            f"{text.whole(len(np.unique(split.test.groups)))} {'groups' if split.grouped else 'images'}; "
            "not planned in advance by mammobench.",
            "numbers": f"{counts}. {warnings}".strip(),
            "imbalance": f"Training: {counts.split(';')[0].removeprefix('train ')}. Class weight "
            f"{self.trial.config.loss.class_weight:g}, loss {self.trial.config.loss.name}; the threshold is "
            "chosen on validation. Nothing was resampled.",
        }

    def _of_the_model(self) -> dict[str, str]:
        spec, trial, config = self.study.spec, self.trial, self.trial.config
        environment = ", ".join(
            f"{key} {text.setting(trial.environment[key])}" for key in _SOFTWARE if key in trial.environment
        )
        model = ", ".join(
            f"{key} {value}" for key, value in config.values().items() if key.startswith("model.")
        )
        optimizer, training = config.optimizer, config.training
        augmented = [key for key, value in config.augmentation.model_dump().items() if value]
        tried = int((self.board.frame["role"] == "searched").sum())
        search = (
            f"{tried} configurations of the space {spec.space_name} by {spec.engine}, {spec.sampler}, pruner "
            f"{spec.pruner}, seed {spec.seed}"
        )
        chosen = (
            f"Best validation {title_of(spec.objective)}; weights of epoch {trial.best_epoch} of "
            f"{trial.epochs}"
        )
        return {
            "technology": f"Deep learning: a convolutional neural network for the task {self.split.task}, "
            f"chosen among {tried} configurations.",
            "model": f"{text.whole(trial.weights)} weights; {model}.",
            "software": f"{environment}.",
            "initial": f"From scratch: Glorot's uniform (LeCun's normal for SELU), seed {trial.seed}; no "
            "pretrained weights.",
            "training": f"{optimizer.name}, learning rate {optimizer.learning_rate:.3g}, schedule "
            f"{optimizer.schedule}, batches of {training.batch_size}, at most {training.max_epochs} epochs; "
            f"loss {config.loss.name}; augmentation: {', '.join(augmented) or 'none'}.",
            "selection": f"{chosen}, over {search}. The test set was not used for selection.",
            "building": f"Convolutional neural networks; {search}. {chosen}.",
            "ensemble": "None: one network.",
            "updating": "None: the model was trained once and not updated.",
            "output": f"{self._output()} `mammobench predict` calculates it.",
        }

    def _of_the_evaluation(self) -> dict[str, str]:
        row, board, study = self.row, self.board, self.study
        shown = [name for name in ("f1", "accuracy", "recall", "precision", "auroc", "auprc", "brier")
                 if text.is_number(row.get(f"test_{name}"))]  # fmt: skip
        figures = "; ".join(f"{title_of(name)} {text.with_interval(row, f'test_{name}')}" for name in shown)
        worst = [trial.worst for trial in board.stress if trial.name == row["name"]]
        level = f"{100 * board.level:.0f}"
        elsewhere = sorted(map(_external, study.folder.glob(f"{EVALUATIONS}/*/{SCORES}")))
        accuracy = "; ".join(
            f"{words} {text.with_interval(row, f'test_{name}')}"
            for words, name in (("sensitivity", "recall"), ("specificity", "specificity"))
            if text.is_number(row.get(f"test_{name}"))
        )
        return {
            "metrics": ", ".join(title_of(name) for name in shown)
            + ", on test, at the threshold chosen on validation.",
            "uncertainty": f"{level} % intervals, bootstrap of {board.resamples:,} resamples over "
            f"{unit_of(self.split)}s, shared by all configurations; differences are paired.",
            "robustness": f"Worst under {worst[0].condition}: test F1 {worst[0].scores['f1']}."
            if worst
            else f"Not done: {page_command('stress', self.study.folder)}.",
            "explained": "Grad-CAM of the most confident correct and wrong test predictions."
            if (self.trial.folder / EXPLANATIONS).exists()
            else f"Not done: {page_command('explain', self.study.folder)}.",
            "internal": f"Test images of the same source, the {self.split.name} split; by the log, "
            f"{openings_of(study.folder).told()}.",
            "external": f"On {', '.join(elsewhere)} (mammobench evaluate)."
            if elsewhere
            else f"Not done: {page_command('evaluate', self.study.folder, '--data', 'STORE')}.",
            "performance": f"{row['name']}: {figures}.",
            "accuracy": f"{accuracy or figures}.",
            "failures": "Confusion matrices and recall by lesion type in this report; why predictions "
            "were wrong is for the authors.",
        }

    def _of_the_rest(self) -> dict[str, str]:
        spec = self.study.spec
        synthetic = (
            "Synthetic images say nothing about real mammograms. " if spec.store.get("synthetic") else ""
        )
        leaks = "The split leaks, so scores are too high. " if self.split.leaks else ""
        return {
            "use": "Research on methods. Not a medical device; a clinical role is for the authors to argue.",
            "goal": f"To select the best configuration for the task {self.split.task} and to quantify the "
            "uncertainty; development and evaluation.",
            "limits": f"{synthetic}{leaks}Patches cut out around findings by others, one source, no "
            "recalibration; further limitations are for the authors.",
            "protocol": f"The command of the search: {spec.command}",
            "available": f"mammobench {spec.versions.get('mammobench', '')} (MIT); "
            f"{page_command('reproduce', self.study.folder, '--trial', str(self.trial.number))} retrains the "
            "model and compares.".replace("  ", " "),
            "shared": f"{spec.store.get('source', 'unknown source')}, licence "
            f"{spec.store.get('licence', 'unknown')}; fingerprint {spec.fingerprint}.",
            "input": "A patch of another size is resized, one that does not decode is refused; "
            "nothing else of an input's quality is checked.",
        }

    def _output(self) -> str:
        names = self.split.class_names
        if self.trial.threshold is None:
            return f"A probability of each of {', '.join(names)}; the most probable one is predicted."
        return (
            f"The probability of {names[1]}; {names[1]} at {self.trial.threshold:.3g} or above, the "
            "threshold with the best F1 on validation."
        )


def _external(path: Path) -> str:
    """Name the set of an evaluation, and say where it was not apart from the study's own."""
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        mark = str(written.get("overlap"))
    except (OSError, ValueError, AttributeError):
        mark = "unreadable"
    words = {
        "overlapping": "it overlaps with the study's own images",
        "not compared": "it was not compared with the study's own images",
        "unreadable": "its file cannot be read",
    }
    return f"{path.parent.name} ({words[mark]})" if mark in words else path.parent.name
