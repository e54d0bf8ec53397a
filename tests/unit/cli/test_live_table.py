"""The live table at every width, and signs of life within an epoch, on a terminal and in a log."""

import io
import re
import time
from dataclasses import replace

import pytest
from rich.console import Console
from rich.text import Text

from mammobench.cli.live_table import TrialTable
from mammobench.cli.printing import stderr
from mammobench.core.progress import Bars
from mammobench.core.signs import Pace
from mammobench.study.record import StudyRecord
from mammobench.training.process import EpochEnd, StepEnd, TrialEnd
from mammobench.tuning.events import Event, TrialStart

QUICK = {"often": 0.0, "until": 1e9, "seldom": 0.0}


def events_of(study: StudyRecord) -> list[Event]:
    """Return what is told of two running trials, the first within its third epoch."""
    record = replace(study.trials[-1], state="running", objective=None, curve=(), seconds={}, epochs=0)
    return [
        TrialStart(replace(record, trial=replace(record.trial, number=13))),
        EpochEnd(13, 2, 0.4321),
        StepEnd(13, 3, 120, 400, 1.2345),
        TrialStart(replace(record, trial=replace(record.trial, number=14))),
    ]


def screen(study: StudyRecord, events: list[Event], *, width: int, height: int = 30) -> list[str]:
    """Return the lines that stand on a terminal at the end."""
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=height, color_system=None)
    table = TrialTable(console, trials=20, workers=2)
    with table.live():
        for event in events:
            table.observe(study, event)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    # the last frame begins where the cursor went up for the last time
    return Text.from_ansi(printed.split("\x1b[2K")[-1]).plain.splitlines()


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_numbers_stand_at_every_width(simulated_study: StudyRecord, width: int) -> None:
    lines = screen(simulated_study, events_of(simulated_study), width=width)
    assert max(map(len, lines)) <= width
    told = "\n".join(lines)
    for record in simulated_study.trials[-8:]:
        numbers = rf"{record.number} +finished +{record.epochs}/9 +{record.objective:.3f} +\d+ +\S"
        assert re.search(numbers, told)
    assert re.search(r"13 +running +2/9 +0\.432 +\d+", told)
    assert re.search(r"14 +running +0/9 +\d+", told)
    assert "trial 13: epoch 3 of 9, step 120 of 400, 1.2 s a step" in told
    assert "trial 14: 0 of 9 epochs done" in told
    words = " ".join(told.split())
    assert "12 of 20 trials" in words
    # in full whatever the width
    assert re.search(r"its configuration: filters=\S+ activation=\S+ dropout=\S+ loss\.name=\S+ ", words)
    assert not re.search(r"(^| )name=", words)


@pytest.mark.parametrize("height", [12, 24, 50])
def test_the_newest_trials_and_the_summary_fit_the_height(simulated_study: StudyRecord, height: int) -> None:
    lines = screen(simulated_study, events_of(simulated_study), width=80, height=height)
    assert len(lines) <= height
    assert "12 of 20 trials" in "\n".join(lines)
    assert any(re.match(r" +14 +running", line) for line in lines)


def test_seconds_go_on_between_events(simulated_study: StudyRecord) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=30, color_system=None)
    table = TrialTable(console, trials=20, workers=2)
    with table.live():
        for event in events_of(simulated_study):
            table.observe(simulated_study, event)
        time.sleep(2.2)
    frames: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert {"1", "2"} <= {*re.findall(r"13 +running +2/9 +0\.432 +(\d+)", frames)}


def log(study: StudyRecord, events: list[Event], pace: Pace, *, seconds: float) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    table = TrialTable(console, trials=20, workers=2, pace=pace)
    with table.live():
        for event in events:
            table.observe(study, event)
        time.sleep(seconds)
    told: str = console.file.getvalue()  # type: ignore[attr-defined]
    return told.splitlines()


def test_a_silent_log_tells_where_each_running_trial_stands(simulated_study: StudyRecord) -> None:
    first, second, *_ = log(simulated_study, events_of(simulated_study), Pace(**QUICK), seconds=1.5)
    assert first.startswith("trial  13 running  epoch 3 of 9, step 120 of 400, 1.2 s a step, ")
    assert second.startswith("trial  14 running  0 of 9 epochs done, ")
    assert first.endswith(" s so far")


def test_a_log_that_is_not_silent_has_no_lines_between(simulated_study: StudyRecord) -> None:
    ended = TrialEnd(13, None, "the loss is not a number", total_seconds=3.0)
    (only,) = log(simulated_study, [*events_of(simulated_study), ended], Pace(), seconds=1.2)
    assert only.startswith("trial  13 failed   the loss is not a number  3.0 s  filters=")


def test_validation_is_named_and_a_reason_takes_the_configurations_place(
    simulated_study: StudyRecord,
) -> None:
    events = [*events_of(simulated_study), StepEnd(13, 3, 400, 400, 1.0)]
    assert "trial 13: epoch 3 of 9, validation" in screen(simulated_study, events, width=80)
    events += [TrialEnd(14, None, None, infeasible=True)]
    told = "\n".join(screen(simulated_study, events, width=80))
    assert re.search(r"14 +infeasible +0/9 +0 +over a limit", told)


def test_a_log_is_due_a_line_each_minute_and_later_each_five(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    pace, due = Pace(), []
    for second in range(0, 1800, 10):
        now = 1000.0 + second
        if second == 90:
            pace.told()
        if pace.due():
            due.append(second)
    assert due == [60, 150, 210, 270, 330, 390, 450, 510, 570, 870, 1170, 1470, 1770]


def test_a_bar_in_a_log_tells_of_what_takes_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mammobench.core.progress.Pace", lambda: Pace(**QUICK))
    with Bars(stderr()) as bars:
        bars("Preparing images", 3, 12)
        time.sleep(1.3)
        bars("Preparing images", 12, 12)
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first == "Preparing images: 3 of 12 after 1 s"
    assert last == "Preparing images: done in 1 s"
    with Bars(stderr(quiet=True)) as bars:
        bars("Preparing images", 3, 12)
        time.sleep(1.3)
    assert capsys.readouterr().err == ""
