"""`run_trial`: one straight function from a configuration to its predictions.

A trial is a pure function of (TrialConfig, data, seed): weights, batches, dropout and augmentation draw from
seeds derived from the trial's, and each epoch's order from (seed, epoch), so that a trial that goes on from
its checkpoint ends as if it had never stopped.
"""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import pandas as pd

from mammobench.core.files import write_json, write_text, written_aside
from mammobench.core.metrics import best_threshold, scores
from mammobench.core.objectives import OBJECTIVES, objective_value
from mammobench.core.seeds import derive_seed
from mammobench.data.images.conditions import conditions_named
from mammobench.data.images.pixels import Pixels
from mammobench.data.splits.batches import training_batches
from mammobench.data.splits.split import Split
from mammobench.data.splits.tasks import get_task
from mammobench.data.store.image_store import ImageStore
from mammobench.models.family import build_model, portable
from mammobench.models.losses import build_loss, class_weights, encode_targets
from mammobench.models.optimizers import Plateau, build_optimizer
from mammobench.space.config import TrialConfig
from mammobench.training.checkpoint import Best, Checkpoint, History
from mammobench.training.costs import check_limits, measure_costs
from mammobench.training.epochs import EpochPredictions
from mammobench.training.filenames import (
    CHECKPOINT,
    CONFIG,
    EPOCHS,
    HISTORY,
    PREDICTIONS,
    STRESS,
    TENSORBOARD,
)
from mammobench.training.predict import Floats, Predictor
from mammobench.training.result import DivergedError, TrialResult
from mammobench.training.task import Observer, Run, Trial
from mammobench.training.tensorboard import EventLog

BEFORE_EPOCHS = ("data", "build", "costs", "trace")
"""The parts of a trial's seconds before its first epoch."""


@dataclass
class _Clock:
    """Wall-clock seconds by part."""

    seconds: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, part: str) -> float:
        now = time.perf_counter()
        elapsed, self._last = now - self._last, now
        self.seconds[part] = self.seconds.get(part, 0.0) + elapsed
        return elapsed


def run_trial(  # noqa: C901, PLR0915 - one straight function, in the order in which things happen
    trial: Trial,
    run: Run,
    store: ImageStore,
    split: Split,
    environment: Mapping[str, Any],
    observer: Observer,
) -> TrialResult:
    """Train one configuration, predict validation and test, and leave its artifacts in the run's folder.

    A checkpoint there of the same configuration, seed and images is continued, whether an interruption,
    `Trial.until` or the observer ended the training that left it; the pieces give the bits of one training.
    At the end the checkpoint holds the state after the last epoch, so that the training can go on another
    time.

    Args:
        trial: What to train.
        run: How; what concerns its process alone (threads, devices, answers, time) has no effect here.
        store: The images.
        split: Rows to train on, to validate on, and to predict sealed.
        environment: What `mammobench.training.runtime.configure` returned, recorded with the trial.
        observer: Told of epochs and conditions.

    Raises:
        InfeasibleError: When the model is over a limit; nothing is trained.
        DivergedError: When the loss or the objective is no longer a number.
        TrialError: When the checkpoint is another training's.
        OSError: When an artifact cannot be written.
    """
    clock, config, seed, folder = _Clock(), trial.config, trial.seed, run.folder
    what = {"config": config.model_dump(mode="json"), "seed": seed, "fingerprint": store.fingerprint,
            "split": split.hash}  # fmt: skip
    write_json(folder / CONFIG, what | {"environment": dict(environment)})
    pixels = Pixels.of(store, config.data, split.train)
    task = get_task(config.data.task)
    prior = np.bincount(split.train.targets, minlength=task.classes) / len(split.train.targets)
    targets = encode_targets(split.train.targets, task.classes)
    sample_weights = class_weights(prior, config.loss.class_weight)[split.train.targets].astype(np.float32)
    clock.lap("data")

    batch_size = config.training.batch_size
    steps = max(1, len(split.train.rows) // batch_size)
    model = build_model(config, classes=task.classes, seed=derive_seed(seed, "model"), fast=run.fast)
    model.compile(
        optimizer=build_optimizer(
            config.optimizer, steps_per_epoch=steps, max_epochs=config.training.max_epochs
        ),
        loss=build_loss(config.loss, classes=task.classes, prior=prior),
        jit_compile=_compile_with_xla(),
    )
    # under mixed_float16 the compiled optimizer wraps the one that was built
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    predict = Predictor(model, pixels, max(len(split.validation), len(split.test)))
    checkpoint = Checkpoint(folder / CHECKPOINT, model, identity=json.dumps(what, sort_keys=True))
    history: History
    history, best = checkpoint.restore()
    plateau = Plateau(
        OBJECTIVES[config.training.objective].direction, warmup_epochs=config.optimizer.warmup_epochs
    )
    clock.lap("build")
    paid = measure_costs(model, (*run.costs, *run.limits))
    if not history:
        # a training that goes on was within its limits: a latency measured anew must not end it
        check_limits(paid, run.limits)
    clock.lap("costs")
    events = EventLog(folder / TENSORBOARD, history) if run.tensorboard else None
    harsh = conditions_named(OBJECTIVES[config.training.objective].conditions)

    def go_on() -> bool:
        if not history:
            return True
        try:
            answer = observer.epoch(len(history), history[-1]["objective"])
        except BaseException:
            # whoever interrupts a training finds its last state on disk
            checkpoint.wait()
            raise
        clock.lap("wait")
        return answer

    def is_over() -> bool:
        waited = len(history) - best.epoch
        return len(history) >= trial.last_epoch or 0 < config.training.patience <= waited

    def objective_of(predicted: Floats) -> float:
        changed = [predict(split.validation.rows, condition) for condition in harsh]
        return objective_value(config.training.objective, split.validation.targets, predicted, changed)

    for row in history[:-1]:
        # whoever was to hear of it may have been killed
        observer.epoch(row["epoch"], row["objective"])
    epochs = EpochPredictions(folder / EPOCHS, checkpoint.kept) if run.keep_epochs else None
    tracing = True
    while (told_to_go_on := go_on()) and not is_over():
        epoch = len(history) + 1
        if config.optimizer.schedule == "plateau":
            factor = plateau.rate_after([row["objective"] for row in history])
            optimizer.learning_rate = config.optimizer.learning_rate * factor
        model.reset_metrics()
        loss = math.nan
        batches = training_batches(len(targets), batch_size, derive_seed(seed, "batches"), epoch)
        for step, batch in enumerate(batches, start=1):
            loss = float(
                model.train_on_batch(pixels(split.train.rows[batch]), targets[batch], sample_weights[batch])
            )
            if tracing:
                predict.trace()
                clock.lap("trace")
                tracing = False
            if not math.isfinite(loss):
                raise DivergedError(
                    "the training loss is not a finite number", where=f"epoch {epoch}", found=loss,
                    remedy="Search lower learning rates, or set optimizer.clip_norm",
                )  # fmt: skip
            observer.step(epoch, step, steps)
        train_seconds = clock.lap("train")
        predicted = predict(split.validation.rows)
        objective = objective_of(predicted)
        threshold = best_threshold(split.validation.targets, predicted) if task.binary else None
        validation_seconds = clock.lap("validate")
        if not math.isfinite(objective):
            raise DivergedError(
                f"the validation {config.training.objective} is not defined", where=f"epoch {epoch}",
                expected="finite predictions of images of every class",
            )  # fmt: skip
        measured = scores(split.validation.targets, predicted, threshold)
        history.append(
            {
                "epoch": epoch,
                "loss": loss,
                "learning_rate": float(keras.ops.convert_to_numpy(optimizer.learning_rate)),
                "train_seconds": train_seconds,
                "validation_seconds": validation_seconds,
                "objective": objective,
                **{f"validation_{name}": value for name, value in measured.items()},
            }
        )
        if epochs:
            started = sum(clock.seconds.get(part, 0.0) for part in BEFORE_EPOCHS)
            epochs.add(predicted, predict(split.test.rows), start_seconds=started)
            clock.lap("sealed")
        kept = epochs.arrays if epochs else None
        best = checkpoint.save(history, best, better=_improves(objective, best, config), kept=kept)
        write_text(folder / HISTORY, pd.DataFrame(history).to_csv(index=False))
        if events:
            events.add(history[-1])
        clock.lap("write")

    checkpoint.wait()
    clock.lap("write")
    used_epoch = len(history)
    if config.training.weights == "best":
        checkpoint.load_best(best)
        used_epoch = best.epoch
    validation = predict(split.validation.rows)
    test = predict(split.test.rows)
    objective = objective_of(validation)
    clock.lap("predict")
    with written_aside(folder / PREDICTIONS) as aside:
        np.savez_compressed(aside, validation_probability=validation, test_probability=test)
    rows = split.validation.rows, split.test.rows
    predict.write_stressed(
        folder / STRESS, conditions_named(run.conditions), (validation, test), rows, observer.condition
    )
    if run.model_path is not None:
        with written_aside(run.model_path) as aside:
            portable(model, config, classes=task.classes).save(aside)
    clock.lap("write")
    return TrialResult(
        objective=objective,
        threshold=best_threshold(split.validation.targets, validation) if task.binary else None,
        epochs=len(history),
        best_epoch=used_epoch,
        weights=model.count_params(),
        seconds=clock.seconds,
        environment=environment,
        stopped=not told_to_go_on and not is_over(),
        curve=tuple(row["objective"] for row in history),
        costs=paid,
    )


def _improves(objective: float, best: Best, config: TrialConfig) -> bool:
    if best.objective is None:
        return True
    if OBJECTIVES[config.training.objective].direction == "maximize":
        return objective > best.objective
    return objective < best.objective


def _compile_with_xla() -> bool | str:
    # XLA on the CPU runs these convolutions ten times slower; JAX knows no other way
    if keras.backend.backend() != "tensorflow":
        return "auto"
    return bool(keras.distribution.list_devices("gpu"))
