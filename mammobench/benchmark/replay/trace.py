"""`Trace`: all that one search of a method on a table did, on the simulated clock."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True)
class Trace:
    """One search: the same to the byte wherever and however often it is run, its thinking aside.

    Attributes:
        table: Name of the table.
        method: Name of the method.
        seed: Of the search.
        trials: One row a trial, in the order of their numbers: ``trial`` int64; ``config`` int64, the
            recorded configuration that answers it; ``training_seed`` int64, from 0; ``continues`` int64, the
            trial whose training goes on, or -1; ``until`` int64, the epoch that it was to reach; ``worker``
            int64, from 0; ``started``, ``ended`` float64, simulated seconds (``ended`` is NaN where the
            budget ran out first); ``epochs`` int64, trained when it ended, those before a promotion included;
            ``status`` (finished | pruned | failed | infeasible | running); ``distance`` float64, from the
            proposal to the configuration that answers it, 0 in an exact replay; ``values`` the proposal as
            JSON with sorted keys.
        events: One row for the end of each epoch, in the order in which they happened: ``seconds`` float64;
            ``trial`` int64; ``epoch`` int64, from 1, counted through promotions; ``value`` float64, the
            validation objective of this epoch.
        budget: Simulated seconds, epochs or trials at which it ended, whichever it was given.
        thinking: float64, real seconds that the method took for each proposal and decision, no part of the
            simulated clock and of `trials` and `events`.
        speed: How many times as fast as they were recorded trainings ran: 2 gives a method twice the budget
            at each moment, of epochs and trials too.
    """

    table: str
    method: str
    seed: int
    trials: pd.DataFrame
    events: pd.DataFrame
    budget: "Budget"
    thinking: npt.NDArray[np.float64]
    speed: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Budget:
    """When a search ends: at the first of these; at least one is given.

    Attributes:
        seconds: Simulated; epochs that would end later have not happened.
        epochs: Trained in all, by all workers.
        trials: Searched trials started; promotions are trials, the reference CNN is not counted.
    """

    seconds: float | None = None
    epochs: int | None = None
    trials: int | None = None
