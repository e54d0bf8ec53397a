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
    tables: Annotated[list[Path], typer.Argument(metavar="TABLE...", help="Tables of recorded trainings.")],
    methods: Annotated[
        str,
        typer.Option(
            help="Names with commas between, [library:]sampler[+pruner][*factor], or default, or all."
        ),
    ] = "default",
    seeds: Annotated[int, typer.Option(help="Searches of each method on each table.", min=1)] = 50,
    out: Annotated[Path, typer.Option(help="The comparison's folder.")] = Path("reports/methods"),
    budget_seconds: Annotated[
        float | None, typer.Option(help="Simulated seconds of a search; default: of the space's trials.")
    ] = None,
    budget_epochs: Annotated[int | None, typer.Option(help="Epochs that a search trains in all.")] = None,
    budget_trials: Annotated[int | None, typer.Option(help="Trials that a search starts.")] = None,
    workers: Annotated[int, typer.Option(help="Simulated workers.", min=1)] = 1,
    answers: Annotated[
        str, typer.Option(help="How tables answer proposals: auto, exact, nearest or surrogate.")
    ] = "auto",
    jobs: Annotated[int | None, typer.Option(help="Processes; default: one for each core.", min=1)] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Replay search methods on tables of recorded trainings, and say which is better and how sure that is.

    Nothing is trained. The same command goes on after an interruption; with more methods, tables or
    `--seeds` it adds theirs.

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
                tables,
                methods=methods,
                seeds=seeds,
                out=out,
                budget=budget if any(value is not None for value in given) else None,
                workers=workers,
                answers=answers,  # type: ignore[arg-type]
                jobs=jobs,
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
