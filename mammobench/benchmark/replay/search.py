"""`replay`: one search of a method on a table."""

import math
from dataclasses import replace
from typing import Literal

import numpy as np

from mammobench.benchmark.replay.answers import Answering, Answers, Exact, Nearest, is_exact
from mammobench.benchmark.replay.methods import Method
from mammobench.benchmark.replay.simulator import Simulator, method_seed
from mammobench.benchmark.replay.surrogate import Surrogate
from mammobench.benchmark.replay.trace import Budget, Trace
from mammobench.benchmark.tables.observed import Observed
from mammobench.core.errors import ConfigError
from mammobench.space.search_space import Budget as SpaceBudget
from mammobench.tuning.engines.promoting import Spending

Asked = Literal["auto", "exact", "nearest", "surrogate"]


def replay(
    table: Observed,
    method: Method,
    *,
    seed: int,
    budget: Budget,
    workers: int = 1,
    answers: Asked | Answers = "auto",
) -> Trace:
    """Return what a method does on a table, the same wherever and however often it is run.

    Args:
        table: What a search may know of the table.
        method: The method.
        seed: Of the search; methods that are compared share it.
        budget: When it ends.
        workers: Trials at a time.
        answers: How the table answers a proposal; ``auto`` is exact where the whole space was recorded, else
            nearest. An object that answers is used as it is.

    Raises:
        ConfigError: For a budget below one training, or no workers.
        DataError: For an exact replay of a table without the whole space.
        EngineError: For what the method cannot do, and for a package that is not installed.
    """
    if workers < 1:
        raise ConfigError("no workers", where="workers", expected="1 or more", found=workers)
    trials = trials_within(table, budget, workers)
    made = answers_of(table, answers) if isinstance(answers, str) else answers
    constraints = int((table.status == "infeasible").any())
    planned = max(1, round(trials * method.speed))
    engine = method.engine(
        replace(table.space, budget=SpaceBudget(trials=planned, max_epochs=table.max_epochs)),
        direction=table.direction,
        seed=method_seed(seed, method.name),
        constraints=constraints,
        spending=spending_of(table, budget, workers=workers, speed=method.speed),
    )
    simulator = Simulator(
        table,
        made,
        engine,
        seed=seed,
        budget=budget,
        workers=workers,
        speed=method.speed,
        constraints=constraints,
    )
    return simulator.run(table=table.name, method=method.name)


def answers_of(table: Observed, asked: Asked) -> Answers:
    """Return what answers proposals on a table.

    Raises:
        DataError: For exact answers of a table without the whole space.
    """
    mode = answering(table, asked)
    if mode == "exact":
        return Exact(table)
    return Nearest(table) if mode == "nearest" else Surrogate(table)


def answering(table: Observed, asked: Asked) -> Answering:
    """Return which answers are meant."""
    if asked == "auto":
        return "exact" if is_exact(table) else "nearest"
    return asked


def whole_seconds(table: Observed) -> float:
    """Return the median seconds of a whole training of the table's."""
    whole = table.status == "ok"
    if not whole.any():
        raise ConfigError("no training of the table went well", where=table.name, expected="one or more")
    spent = np.nansum(table.epoch_seconds, axis=2) + table.start_seconds + table.end_seconds
    return float(np.median(spent[whole]))


def spending_of(table: Observed, budget: Budget, *, workers: int, speed: float = 1.0) -> Spending | None:
    """Return what a method that plans ahead may plan with, as somebody has it who knows what trainings take.

    Args:
        table: The table; of it, the mean seconds of its trainings' parts.
        budget: Of the search.
        workers: Trials at a time.
        speed: How many times as much of the budget the method has.

    Returns:
        The epochs, or the seconds in epochs, whichever are fewer; None where it ends by trials alone.
    """
    found = []
    if budget.seconds is not None:
        ok = table.status == "ok"
        epoch = float(np.nanmean(table.epoch_seconds[ok]))
        beside = float(np.mean(table.start_seconds[ok] + table.end_seconds[ok]))
        found.append(Spending(budget.seconds * workers * speed / epoch, beside / epoch))
    if budget.epochs is not None:
        found.append(Spending(budget.epochs * speed))
    return min(found, key=lambda each: each.epochs, default=None)


def trials_within(table: Observed, budget: Budget, workers: int) -> int:
    """Return how many whole trainings a budget pays for, in the median.

    Raises:
        ConfigError: For none.
    """
    if budget.seconds is None and budget.epochs is None and budget.trials is None:
        raise ConfigError("no budget", where="budget", expected="seconds, epochs or trials")
    paid = math.inf
    if budget.seconds is not None:
        paid = min(paid, workers * budget.seconds / whole_seconds(table))
    if budget.epochs is not None:
        paid = min(paid, budget.epochs / table.max_epochs)
    if budget.trials is not None:
        paid = min(paid, budget.trials)
    if paid < 1:
        raise ConfigError(
            "the budget pays for no whole training",
            where="budget",
            expected=f"{whole_seconds(table):.1f} s or more, or {table.max_epochs} epochs, or 1 trial",
            found=", ".join(f"{value:g} {name}" for name, value in vars(budget).items() if value is not None),
        )
    return int(paid)
