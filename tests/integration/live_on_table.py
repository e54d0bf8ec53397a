"""A live search that trains a table's own configurations: what stands behind the test of live against replay.

Run as a program on one core, as the table was recorded with one thread a training.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mammobench.benchmark.comparison import Comparison
from mammobench.benchmark.live.comparing import compare_live
from mammobench.benchmark.replay.answers import Nearest, key_of
from mammobench.benchmark.replay.methods import Method, parse_method
from mammobench.benchmark.replay.simulator import method_seed
from mammobench.benchmark.replay.trace import Budget
from mammobench.benchmark.tables.observed import read_observed
from mammobench.benchmark.tables.table import Table
from mammobench.core.seeds import derive_seed
from mammobench.space.search_space import SearchSpace
from mammobench.tuning.engines.base import Engine, NoProposal, Outcome, Proposal


class OnTable(Engine):
    """A method whose proposals are trained as their nearest recorded configuration, with its recorded seed.

    Args:
        inner: The method.
        table: The recorded trainings.
        seed: Of the search.
        asked: Where each proposal of the method is kept, as JSON.
    """

    def __init__(self, inner: Engine, table: Table, seed: int, asked: list[str]) -> None:
        self._inner, self._table, self._seed = inner, read_observed(table), seed
        self._answers, self._visits = Nearest(self._table), Counter[int]()
        self._root = int(table.metadata["seed"])
        self._asked, self._proposals = asked, dict[int, Proposal]()

    def propose(self, number: int) -> Proposal | NoProposal:
        answer = self._inner.propose(number)
        if isinstance(answer, NoProposal):
            return answer
        self._asked.append(key_of(answer.values))
        self._proposals[number] = answer
        config = self._answers.config_of(answer.values)
        training = self._answers.answer(answer.values, self._visits[config], self._seed)
        self._visits[config] += 1
        seed = derive_seed(self._root, config, training.training_seed, "training")
        return Proposal(number, self._table.proposals[config] or {}, answer.epochs, seed=seed)

    def resume(self, proposal: Proposal, curve: Sequence[float] = ()) -> None:
        self._inner.resume(self._proposals.get(proposal.number, proposal), curve)

    def report(self, number: int, epoch: int, value: float) -> None:
        self._inner.report(number, epoch, value)

    @property
    def stops(self) -> bool:
        return self._inner.stops

    def should_stop(self, number: int) -> bool:
        return self._inner.should_stop(number)

    def learn(self, outcome: Outcome) -> None:
        proposal = self._proposals.get(outcome.proposal.number, outcome.proposal)
        self._inner.learn(replace(outcome, proposal=proposal))


def search_on_table(
    table: Table, store: Path, out: Path, *, methods: Sequence[str], seeds: int, trials: int
) -> tuple[Comparison, dict[str, list[list[str]]]]:
    """Return the comparison, and by method what each search proposed, as JSON."""
    asked: dict[str, list[list[str]]] = {name: [] for name in methods}

    def maker(name: str) -> Any:
        def make(space: SearchSpace, *, directions: Any, seed: int) -> Engine:
            number = next((each for each in range(seeds) if method_seed(each, name) == seed), 0)
            found = asked[name]
            found[number:] = [[]]
            inner = parse_method(name).engine(space, direction=directions[0], seed=seed)
            return OnTable(inner, table, number, found[number])

        return make

    comparison = compare_live(
        table.recorded.space,
        data=store,
        methods=[Method(name=name, make=maker(name)) for name in methods],
        seeds=seeds,
        out=out,
        budget=Budget(trials=trials),
        workers=1,
        split=None,
        precision="float32",
        figures=False,
        observe=lambda *_: None,
        progress=lambda *_: None,
    )
    return comparison, asked


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    folder, images, made, names, number, most = sys.argv[1:]
    compared, proposed = search_on_table(
        Table.open(folder),
        Path(images),
        Path(made),
        methods=names.split(","),
        seeds=int(number),
        trials=int(most),
    )
    traces = [
        {
            "method": trace.method,
            "seed": trace.seed,
            "seconds": (trace.trials["ended"] - trace.trials["started"]).tolist(),
            "status": trace.trials["status"].tolist(),
            "epochs": trace.trials["epochs"].tolist(),
            "trial": trace.events["trial"].tolist(),
            "value": trace.events["value"].tolist(),
        }
        for trace in compared.traces
    ]
    print(json.dumps({"asked": proposed, "traces": traces}))
