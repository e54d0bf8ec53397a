"""`compare_live`: search methods compared by searches of their own."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from mammobench.benchmark import filenames
from mammobench.benchmark.asked import ANSWERS_LIVE, chosen_methods, continued, require_counts
from mammobench.benchmark.comparison import Comparison
from mammobench.benchmark.live.searches import Live, search_live
from mammobench.benchmark.live.told import told
from mammobench.benchmark.replay.methods import EngineMaker, Method
from mammobench.benchmark.replay.trace import Budget
from mammobench.benchmark.statistics.assessment import assess
from mammobench.benchmark.whole_trainings import whole_trainings
from mammobench.core.errors import ConfigError
from mammobench.core.files import write_json
from mammobench.data.store.image_store import ImageStore
from mammobench.space.search_space import SearchSpace
from mammobench.space.yaml_file import load_space
from mammobench.study.lock import locked
from mammobench.study.record import StudyRecord
from mammobench.study.spec import direction_of
from mammobench.tuning.arguments import asked_space, require_usable
from mammobench.tuning.events import Event


def compare_live(
    space: str | Path | SearchSpace,
    *,
    data: str | Path,
    methods: str | Sequence[str | Method | EngineMaker],
    seeds: int,
    out: str | Path,
    budget: Budget | None,
    workers: int,
    split: str | None,
    precision: str,
    figures: bool,
    observe: Callable[[StudyRecord, Event], None],
    progress: Callable[..., None],
) -> Comparison:
    """Search a space with each method under each seed, and compare them.

    The arguments are those of `mammobench.benchmark.compare.compare`.

    Raises:
        SpaceError: For a space that cannot be used.
        ConfigError: For a wrong argument, or a comparison in `out` that was asked something else.
        DataError: For a store that cannot be used.
        EngineError: For a method that there is not, and for a package that is not installed.
        TrialError: When the first trials of a search all fail for one reason.
    """
    chosen = chosen_methods(methods)
    require_counts(seeds=seeds, workers=workers)
    loaded = space if isinstance(space, SearchSpace) else load_space(space)
    given = space.name if isinstance(space, SearchSpace) else str(space)
    loaded = whole_trainings(asked_space(loaded, objectives=(), trials=None, split=split))
    store = ImageStore.open(Path(data))
    budget = budget or Budget(epochs=loaded.budget.trials * loaded.budget.max_epochs)
    live = Live(loaded, given, str(data), split, budget, workers, precision, Path(out))
    if live.trainings < 1 or (budget.seconds is not None and budget.seconds <= 0):
        raise ConfigError(
            "the budget pays for no whole training",
            where="budget",
            expected=f"{loaded.budget.max_epochs} epochs or more, or 1 trial or more, or seconds above 0",
            found=", ".join(f"{value:g} {name}" for name, value in vars(budget).items() if value is not None),
        )
    for method in chosen:
        # what cannot search says so before anything is written
        method.engine(loaded, direction=direction_of(loaded.objective), seed=0)
    for warning in require_usable(store, loaded):
        progress(warning.rstrip("."), 0, 0)
    asked = {
        loaded.name: {
            "table": str(store.path.resolve()),
            "digest": store.fingerprint,
            "budget": {key: value for key, value in asdict(budget).items() if value is not None},
            "workers": workers,
            "answers": ANSWERS_LIVE,
            "synthetic": store.manifest.synthetic,
            "source": store.manifest.source,
            "citations": list(store.manifest.citations),
            "description": "",
        }
    }
    with locked(live.out):
        known = continued(live.out, asked)
        write_json(live.out / filenames.COMPARISON, {"format": filenames.FORMAT, "tables": known})
        searches = list(search_live(live, store, chosen, seeds, observe=observe, progress=progress))
        progress("Comparing", 0, 1)
        observed, sealed, traces = told(searches, loaded, name=loaded.name, budget=budget, workers=workers)
        comparison = Comparison(
            folder=live.out,
            assessment=assess([(observed, sealed)], traces),
            asked=asked,
            observed={loaded.name: observed},
            traces=traces,
        )
        comparison.report(figures=figures)
        progress("Comparing", 1, 1)
    return comparison
