"""The searches of a live comparison: a study of each method and seed, which goes on as every study does."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mammobench.benchmark import filenames
from mammobench.benchmark.live.clock import is_spent, spent, timed
from mammobench.benchmark.live.told import Searched
from mammobench.benchmark.replay.methods import Method
from mammobench.benchmark.replay.simulator import method_seed
from mammobench.benchmark.replay.trace import Budget
from mammobench.data.store.image_store import ImageStore
from mammobench.space.search_space import Budget as SpaceBudget
from mammobench.space.search_space import SearchSpace
from mammobench.study.options import STUDY_OPTIONS, RunOptions
from mammobench.study.record import StudyRecord
from mammobench.study.trial_record import TrialRecord
from mammobench.training.process import TrialEnd
from mammobench.tuning.arguments import checked_options
from mammobench.tuning.engines.plugins import Plugin, offered
from mammobench.tuning.events import Event
from mammobench.tuning.loop import run_search
from mammobench.tuning.opening import start_or_continue
from mammobench.tuning.request import Request

_NO_LIMIT = 1_000_000
"""Trials of a search that another budget ends."""


@dataclass(frozen=True)
class Live:
    """What every search of a live comparison has in common.

    Attributes:
        space: What is searched, its trainings never stopped by their own patience.
        given: How it was named.
        data: The image store as it was named.
        split: As asked, if at all.
        budget: Of each search.
        workers: Trials at a time.
        precision: As `mammobench.search` has it.
        out: The comparison's folder.
    """

    space: SearchSpace
    given: str
    data: str
    split: str | None
    budget: Budget
    workers: int
    precision: str
    out: Path

    @property
    def trainings(self) -> float:
        """Whole trainings that the budget pays for; for one in seconds, those of the space's budget."""
        epochs = self.budget.epochs
        found = [float(self.budget.trials)] if self.budget.trials is not None else []
        found += [epochs / self.space.budget.max_epochs] if epochs is not None else []
        return min(found, default=float(self.space.budget.trials))


def search_live(
    live: Live,
    store: ImageStore,
    methods: Sequence[Method],
    seeds: int,
    *,
    observe: Callable[[StudyRecord, Event], None],
    progress: Callable[..., None],
) -> Iterator[Searched]:
    """Run the searches one after another, all methods of a seed together; those that have ended stay.

    Args:
        live: What they have in common.
        store: The images.
        methods: The methods.
        seeds: Searches of each.
        observe: Told of trials and epochs.
        progress: Told of how much of the budget of all searches is spent, in thousandths of a search.
    """
    total = 1_000 * seeds * len(methods)
    done = 0
    progress("Searching", 0, total)
    for seed in range(seeds):
        for method in methods:

            def tell(share: float, before: int = done) -> None:
                progress("Searching", min(total - 1, before + round(1_000 * share)), total)

            yield _search(live, store, method, seed, observe=observe, tell=tell)
            done += 1_000
            progress("Searching", done, total)


def study_path(out: Path, method: str, seed: int) -> Path:
    """Return the folder of a search's study."""
    return out / filenames.STUDIES / quote(method, safe="+") / f"{seed:04d}"


def _search(
    live: Live,
    store: ImageStore,
    method: Method,
    seed: int,
    *,
    observe: Callable[[StudyRecord, Event], None],
    tell: Callable[[float], None],
) -> Searched:
    how: dict[str, Any] = {"workers": live.workers, "speed": method.speed}

    def more(trials: Sequence[TrialRecord]) -> bool:
        return not is_spent(timed(trials), live.budget, **how)

    with ExitStack() as stack:
        engine, sampler = method.library, method.sampler
        if method.make is not None:
            engine = sampler = method.make.name if isinstance(method.make, Plugin) else method.name
            if not isinstance(method.make, Plugin):
                stack.enter_context(offered(engine, method.make))
        asked = {"engine": engine, "sampler": sampler, "pruner": method.pruner, "precision": live.precision,
                 "seed": method_seed(seed, method.name)}  # fmt: skip
        planned = max(1, round(live.trainings * method.speed))
        budget = SpaceBudget(trials=planned, max_epochs=live.space.budget.max_epochs)
        request = Request(
            space=replace(live.space, budget=budget),
            given=live.given,
            data=live.data,
            options=checked_options(STUDY_OPTIONS, asked),
            objectives=(live.space.objective,),
            limits={},
            folder=study_path(live.out, method.name, seed),
            split=live.split,
            keep_epochs=True,
        )
        record = stack.enter_context(start_or_continue(request, store))

        def seen(event: Event) -> None:
            observe(record, event)
            if isinstance(event, TrialEnd):
                tell(spent(timed(record.trials), live.budget, **how))

        run_search(
            record, store, trials=_NO_LIMIT, options=RunOptions(workers=live.workers), observe=seen, more=more
        )
        return Searched(method, seed, record, timed(record.trials))
