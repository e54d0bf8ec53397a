"""Real trials of a second or two, in processes of their own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mammobench.data.splits.split import make_split
from mammobench.data.store.image_store import ImageStore
from mammobench.space.config import TrialConfig
from mammobench.training.process import EpochEnd, TrialEnd, TrialProcess, wait_for_any
from mammobench.training.task import Run, Trial, TrialTask

SMALL = {
    "data.image_size": 16,
    "model.filters": [4],
    "training.batch_size": 16,
    "training.max_epochs": 3,
    "training.patience": 0,
    "training.precision": "float32",
}
LONG_EPOCHS = {**SMALL, "data.image_size": 48, "model.filters": [128, 128], "training.batch_size": 1,
               "training.max_epochs": 3}  # fmt: skip
ENDLESS = {**SMALL, "training.max_epochs": 10_000}


def make_task(
    store: ImageStore, folder: Path, values: dict[str, Any] | None = None, **options: Any
) -> TrialTask:
    """Return a task for a trial in `folder`, with its split beside the folder."""
    config = TrialConfig.from_values(values or SMALL)
    split = make_split(store, config.data)
    path = folder.parent / f"{split.hash}.npz"
    split.save(path)
    folder.mkdir(exist_ok=True)
    of_trial = {name: options.pop(name) for name in ("number", "seed", "until") if name in options}
    trial = Trial(config=config, **({"number": 7, "seed": 0} | of_trial))
    known = {"store": store.path, "fingerprint": store.fingerprint, "split": path}
    of_task = {name: options.pop(name, value) for name, value in known.items()}
    return TrialTask(trial=trial, run=Run(folder=folder, **options), **of_task)


def messages_of(process: TrialProcess) -> Iterator[EpochEnd | TrialEnd]:
    """Yield all that a trial says, to its end."""
    try:
        while True:
            assert wait_for_any([process], timeout=120), "the trial says nothing for two minutes"
            for message in process.messages():
                yield message
                if isinstance(message, TrialEnd):
                    return
    finally:
        process.stop()


def run_to_end(task: TrialTask) -> TrialEnd:
    """Run a trial and return its last word."""
    *_, end = messages_of(TrialProcess(task))
    assert isinstance(end, TrialEnd)
    return end
