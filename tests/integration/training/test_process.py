import gc
import math
import os
import threading
import time
from itertools import takewhile
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from mammobench.data.store.image_store import ImageStore
from mammobench.training.filenames import CHECKPOINT
from mammobench.training.process import (
    EpochEnd,
    StepEnd,
    TrialEnd,
    TrialProcess,
    call_in_process,
    wait_for_any,
)
from tests.trial_tasks import ENDLESS, LONG_EPOCHS, make_task, messages_of, run_to_end

pytestmark = pytest.mark.xdist_group("trials")


def objectives(messages: list[EpochEnd | TrialEnd]) -> dict[int, float]:
    return {message.epoch: message.objective for message in messages if isinstance(message, EpochEnd)}


def validation(folder: Path) -> np.ndarray:
    with np.load(folder / "predictions.npz") as saved:
        return np.array(saved["validation_probability"])


def kill_server_of(trial: int) -> None:
    server = psutil.Process(trial).parent()
    assert server is not None
    server.kill()
    # it is the searching process's to reap
    while server.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)


def test_a_trial_tells_its_epochs_and_its_result(phantom: ImageStore, tmp_path: Path) -> None:
    process = TrialProcess(make_task(phantom, tmp_path / "0007"))
    *epochs, end = messages_of(process)
    assert isinstance(end, TrialEnd)
    assert end.result is not None
    assert (end.number, end.reason, end.fault, end.infeasible) == (7, None, None, False)
    assert objectives(epochs) == dict(enumerate(end.result.curve, start=1))
    assert len(end.result.curve) == 3
    assert end.costs == end.result.costs
    assert end.result.environment["threads"] == 1
    assert 0 < end.start_seconds < end.total_seconds
    assert process.pid is None
    assert list(process.messages()) == []
    process.stop()
    process.answer(go_on=True)


def test_signs_of_life_within_an_epoch_are_told_and_change_no_bit(
    phantom: ImageStore, tmp_path: Path
) -> None:
    told: list[StepEnd] = []
    process = TrialProcess(make_task(phantom, tmp_path / "0007", LONG_EPOCHS), on_step=told.append)
    assert list(objectives(list(messages_of(process)))) == [1, 2, 3]
    assert {step.number for step in told} == {7}
    assert {step.epoch for step in told} <= {1, 2, 3}
    assert all(0 < step.step <= step.steps for step in told)
    places = [(step.epoch, step.step) for step in told]
    assert places == sorted({*places})
    assert all(0 < step.seconds < 10 for step in told if step.seconds is not None)
    # about one a second
    assert len(told) <= sum(seconds_of(tmp_path / "0007")) + 3

    run_to_end(make_task(phantom, tmp_path / "silent", LONG_EPOCHS))
    assert np.array_equal(validation(tmp_path / "0007"), validation(tmp_path / "silent"))


def seconds_of(folder: Path) -> list[float]:
    return pd.read_csv(folder / "history.csv")["train_seconds"].tolist()


def epochs_kept(before: list[float], folder: Path) -> int:
    """Return how many epochs of an earlier training stand in a history: no two take the same time."""
    pairs = zip(before, seconds_of(folder), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def test_a_trial_that_asks_is_stopped_and_goes_on_elsewhere_to_the_same_bits(
    phantom: ImageStore, tmp_path: Path
) -> None:
    whole = run_to_end(make_task(phantom, tmp_path / "whole"))
    process = TrialProcess(make_task(phantom, tmp_path / "stopped", asks=True))
    epochs = []
    for message in messages_of(process):
        if isinstance(message, EpochEnd):
            epochs.append(message.epoch)
            process.answer(go_on=message.epoch < 2)
    assert isinstance(stopped := message, TrialEnd)
    assert epochs == [1, 2]
    assert stopped.result is not None
    assert stopped.result.stopped
    promoted = make_task(phantom, tmp_path / "promoted", start_from=tmp_path / "stopped" / CHECKPOINT)
    *told, end = messages_of(TrialProcess(promoted))
    assert isinstance(end, TrialEnd)
    assert whole.result is not None
    assert end.result is not None
    assert list(objectives(told)) == [1, 2, 3]
    assert epochs_kept(seconds_of(tmp_path / "stopped"), tmp_path / "promoted") == 2
    assert end.result.curve == whole.result.curve
    np.testing.assert_array_equal(validation(tmp_path / "promoted"), validation(tmp_path / "whole"))


def test_a_checkpoint_of_its_own_goes_before_another_trials_and_a_lost_one_is_done_without(
    phantom: ImageStore, tmp_path: Path
) -> None:
    run_to_end(make_task(phantom, tmp_path / "one", until=1))
    run_to_end(make_task(phantom, tmp_path / "two", until=2))
    before = seconds_of(tmp_path / "two")
    task = make_task(phantom, tmp_path / "two", start_from=tmp_path / "one" / CHECKPOINT)
    assert list(objectives(list(messages_of(TrialProcess(task))))) == [1, 2, 3]
    assert epochs_kept(before, tmp_path / "two") == 2
    task = make_task(phantom, tmp_path / "new", start_from=tmp_path / "lost" / CHECKPOINT)
    assert list(objectives(list(messages_of(TrialProcess(task))))) == [1, 2, 3]
    assert epochs_kept(before, tmp_path / "new") == 0


def test_a_model_over_a_limit_ends_untrained_with_its_costs(phantom: ImageStore, tmp_path: Path) -> None:
    end = run_to_end(make_task(phantom, tmp_path / "0007", limits={"flops": 1000}))
    assert (end.infeasible, end.result, end.reason, end.fault) == (True, None, None, None)
    assert end.costs == {"weights": 45, "flops": 2 * (256 * 36 + 4)}
    assert not (tmp_path / "0007" / "history.csv").exists()


def test_a_trial_sees_the_devices_that_it_was_leased(phantom: ImageStore, tmp_path: Path) -> None:
    process = TrialProcess(make_task(phantom, tmp_path / "0007", asks=True, devices=("5",)))
    for message in messages_of(process):
        if isinstance(message, EpochEnd):
            # TensorFlow has started and found no such device, and trains on the processor
            process.answer(go_on=True)
    assert isinstance(end := message, TrialEnd)
    assert end.result is not None
    assert end.result.environment["gpu"] is None


def test_stopping_leaves_no_process_and_a_checkpoint_to_go_on_from(
    phantom: ImageStore, tmp_path: Path
) -> None:
    process = TrialProcess(make_task(phantom, tmp_path / "0007", ENDLESS))
    pid = process.pid
    assert pid is not None
    for message in messages_of(process):
        assert isinstance(message, EpochEnd)
        if message.epoch == 3:
            break
    assert not psutil.pid_exists(pid)
    (tmp_path / "0007" / ".checkpoint-cut.npz").write_text("what a killed process leaves")
    before = seconds_of(tmp_path / "0007")
    task = make_task(phantom, tmp_path / "0007", ENDLESS, until=4)
    told = list(messages_of(TrialProcess(task)))
    assert epochs_kept(before, tmp_path / "0007") in {2, 3}
    assert max(objectives(told)) == 4
    assert not list((tmp_path / "0007").glob(".*"))


@pytest.mark.slow  # TensorFlow is loaded twice more
@pytest.mark.timeout(600)
def test_a_killed_server_costs_no_running_trial_and_is_started_again(
    phantom: ImageStore, tmp_path: Path
) -> None:
    process = TrialProcess(make_task(phantom, tmp_path / "0007", asks=True))
    assert process.pid is not None
    kill_server_of(process.pid)
    for message in messages_of(process):
        if isinstance(message, EpochEnd):
            process.answer(go_on=True)
        else:
            assert message.result is not None
    orphan = TrialProcess(make_task(phantom, tmp_path / "0008", ENDLESS))
    pid = orphan.pid
    assert pid is not None
    wait_for_any([orphan], timeout=60)
    trial = psutil.Process(pid)
    server = trial.parent()
    assert server is not None
    server.suspend()
    threading.Timer(1.0, server.kill).start()
    # a server that dies over a request is started again; its trials count as ended, and must be
    assert call_in_process(math.sqrt, 4.0) == 2.0
    orphan.stop()
    psutil.wait_procs([trial], timeout=10)
    assert not trial.is_running() or trial.status() == psutil.STATUS_ZOMBIE


def test_trials_leave_nothing_open_in_the_searching_process(phantom: ImageStore, tmp_path: Path) -> None:
    run_to_end(make_task(phantom, tmp_path / "first", limits={"weights": 1}))
    searching = psutil.Process()
    servers = [child for child in searching.children() if "forkserver" in " ".join(child.cmdline())]

    def is_open() -> list[int]:
        gc.collect()
        # a server closes its side of a trial a moment after the trial's end
        while any(server.children() for server in servers):
            time.sleep(0.01)
        return [searching.num_threads(), *(process.num_fds() for process in [searching, *servers])]

    before = is_open()
    for number in range(4):
        run_to_end(make_task(phantom, tmp_path / str(number), limits={"weights": 1}))
    deadline = time.monotonic() + 10
    while (after := is_open()) != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert after == before


def test_a_function_is_called_where_the_libraries_are() -> None:
    assert call_in_process(math.sqrt, 9.0) == 3.0
    with pytest.raises(RuntimeError, match="_exit failed: its process ended with status 4"):
        call_in_process(os._exit, 4)
