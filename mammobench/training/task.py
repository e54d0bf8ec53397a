"""A trial as one value, and how it is to be run: what travels from the record to its training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mammobench.space.config import TrialConfig


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What decides, together with the images and their split, what a trial comes to.

    Attributes:
        number: Its place in the study.
        config: What to train; in a training its precision is no longer ``auto``. Its ``max_epochs`` is the
            whole budget, which schedules span, also where `until` is less.
        seed: Of its weights, batches, dropout and augmentation.
        until: Train until this epoch, counted from 1; None for the whole budget.
    """

    number: int = 0
    config: TrialConfig
    seed: int
    until: int | None = None

    @property
    def last_epoch(self) -> int:
        """The epoch after which its training ends at the latest."""
        return min(self.until or self.config.training.max_epochs, self.config.training.max_epochs)


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a trial is run; none of it changes a prediction by more than rounding.

    Attributes:
        folder: For its artifacts and log: config.json, history.csv, predictions.npz and checkpoint.npz.
        threads: CPU threads that it may use.
        devices: GPUs that it may use, as CUDA_VISIBLE_DEVICES names them; empty: as the environment says.
        start_from: A checkpoint of the same configuration and seed to continue where `folder` has none. Where
            it is gone, the training starts anew, which comes to the same.
        costs: Which of `mammobench.training.result.COSTS` to measure besides ``weights`` and ``flops``.
        limits: Name of a cost to the most that is allowed; a model over a limit is not trained.
        asks: Whether the trial waits after each epoch until it is told to go on or to stop.
        time_limit: Seconds that its process may take, waiting for answers aside; None for any number.
        tensorboard: Whether to write the curves for TensorBoard too, to ``tensorboard/`` in `folder`.
        model_path: Where to save the trained model, if at all.
        conditions: Names, of `mammobench.data.images.conditions.CONDITIONS`, under which validation and test
            are predicted too, into stress.npz; those that the images do not allow are left out.
        fast: Whether to use the backend's fast layers; None where there are any.
        keep_epochs: Whether validation and, sealed, test are predicted after each epoch into epochs.npz.
    """

    folder: Path
    threads: int = 1
    devices: tuple[str, ...] = ()
    start_from: Path | None = None
    costs: tuple[str, ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    asks: bool = False
    time_limit: float | None = None
    tensorboard: bool = False
    model_path: Path | None = None
    conditions: tuple[str, ...] = ()
    fast: bool | None = None
    keep_epochs: bool = False


@dataclass(frozen=True, kw_only=True)
class TrialTask:
    """What a trial's process needs to know.

    Attributes:
        trial: What to run.
        run: How.
        store: The image store's folder.
        fingerprint: The store's fingerprint, checked again by the process.
        split: File of the split.
    """

    trial: Trial
    run: Run
    store: Path
    fingerprint: str
    split: Path


class Observer:
    """Who is told how a training goes; this one takes no notice."""

    def epoch(self, epoch: int, objective: float) -> bool:  # noqa: ARG002 - for those that take notice
        """Take an epoch's end, and say whether to go on.

        Args:
            epoch: From 1. Where a checkpoint is continued, the epochs so far come first, of which nobody may
                have heard.
            objective: Its validation objective.

        Returns:
            False after the last epoch so far ends the training.
        """
        return True

    def step(self, epoch: int, step: int, steps: int) -> None:
        """Take the end of a training step; called after each, so it must be quick.

        Args:
            epoch: The one that is being trained, from 1.
            step: From 1 to `steps`.
            steps: In each epoch.
        """

    def condition(self, done: int, total: int) -> None:
        """Take the end of the predictions under one of `Run.conditions`."""
