"""`compare`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as Shown

from mammobench.cli.options import Json, Quiet
from mammobench.cli.printing import print_json, stderr

app = typer.Typer()


@app.command()
def compare(
    tables: Annotated[
        list[Path] | None, typer.Argument(metavar="[TABLE...]", help="Tables of recorded trainings.")
    ] = None,
    space: Annotated[
        str | None, typer.Option(help="Replay nothing: search this space with every method, and train.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="The image store to search it on.")] = None,
    methods: Annotated[
        str,
        typer.Option(
            help="Names with commas between, [library:]sampler[+pruner][*factor], or default, or all."
        ),
    ] = "default",
    seeds: Annotated[
        int | None,
        typer.Option(help="Searches of each method on each table. Default: 50, or 5 that train.", min=1),
    ] = None,
    out: Annotated[Path, typer.Option(help="The comparison's folder.")] = Path("reports/methods"),
    budget_seconds: Annotated[
        float | None,
        typer.Option(help="Seconds that a search trains, replayed ones too. Default: of the space's trials."),
    ] = None,
    budget_epochs: Annotated[int | None, typer.Option(help="Epochs that a search trains in all.")] = None,
    budget_trials: Annotated[int | None, typer.Option(help="Trials that a search starts.")] = None,
    workers: Annotated[
        int, typer.Option(help="Trials at a time, simulated where they are replayed.", min=1)
    ] = 1,
    answers: Annotated[
        str, typer.Option(help="How tables answer proposals: auto, exact, nearest or surrogate.")
    ] = "auto",
    jobs: Annotated[
        int | None, typer.Option(help="Processes that replay; default: one for each core.", min=1)
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Of searches that train: official, grouped or reference (leaks).")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="Of searches that train: auto, float32, mixed_bfloat16 or mixed_float16.")
    ] = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare search methods, replayed on tables of recorded trainings, and say how sure the answer is.

    On tables nothing is trained. With `--space` and `--data` instead, every method searches for itself. The
    same command goes on after an interruption; with more methods, tables or `--seeds` it adds theirs.

    Example: `mammobench compare reports/tables/mias-abnormality --methods random,tpe+median,asha --seeds 20`
    """
    from mammobench import api
    from mammobench.benchmark.replay.trace import Budget
    from mammobench.core.errors import ConfigError
    from mammobench.core.progress import Bars

    modes = ("auto", "exact", "nearest", "surrogate")
    if answers not in modes:
        raise ConfigError(
            "unknown answers", where="--answers", expected=f"one of {', '.join(modes)}", found=answers
        )
    given = (budget_seconds, budget_epochs, budget_trials)
    budget = Budget(seconds=budget_seconds, epochs=budget_epochs, trials=budget_trials)
    console = stderr(quiet=quiet)
    try:
        with Bars(console) as bars:
            found = api.compare(
                tables or (),
                space=space,
                data=data,
                methods=methods,
                seeds=seeds,
                out=out,
                budget=budget if any(value is not None for value in given) else None,
                workers=workers,
                answers=answers,  # type: ignore[arg-type]
                jobs=jobs,
                split=split,
                precision=precision,
                progress=bars,
            )
    except KeyboardInterrupt:
        console.print(
            "\nStopped. Every finished search is kept, and the same command goes on from there.",
            highlight=False,
        )
        raise typer.Exit(130) from None
    _tell(found, as_json=as_json)


def _tell(found: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(found.to_dict())
        return
    out = Console(soft_wrap=True, highlight=False)
    out.print(f"[bold]{found.lead}[/]")
    ranking = found.ranking()
    shown = Shown(box=None, pad_edge=False)
    # what a terminal of 80 columns holds; the page has the rest
    columns = [ranking.columns[place] for place in (0, 1, 3, 5)]
    for name in columns:
        shown.add_column(name)
    for row in ranking[columns].itertuples(index=False):
        shown.add_row(*row)
    out.print(shown)
    out.print(f"Page:       {found.page}")
