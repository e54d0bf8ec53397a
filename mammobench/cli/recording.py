"""`record` and `table`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as Shown

from mammobench.cli.declared import with_options
from mammobench.cli.options import Json, Quiet, database
from mammobench.cli.printing import print_json, stderr
from mammobench.cli.searching import searching
from mammobench.study.options import RUN_OPTIONS, STUDY_OPTIONS

app = typer.Typer()

_OPTIONS = {
    name: option
    for name, option in {**STUDY_OPTIONS, **RUN_OPTIONS}.items()
    if name not in {"engine", "sampler", "pruner", "stop_when_settled", "tensorboard"}
}


@app.command()
@with_options(_OPTIONS, before="as_json")
def record(
    out: Annotated[Path, typer.Option(help="The table's folder; its name is the table's.")],
    space: Annotated[str | None, typer.Option(help="Name of a search space, or a YAML file.")] = None,
    data: Annotated[Path | None, typer.Option(help="An image store.")] = None,
    configurations: Annotated[
        int, typer.Option(help="Of the space; the reference CNN comes on top.", min=1)
    ] = 128,
    seeds: Annotated[int, typer.Option(help="Training seeds of each configuration.", min=1)] = 3,
    split: Annotated[
        str | None, typer.Option(help="official, grouped or reference (leaks); default: the space's.")
    ] = None,
    max_parameters: Annotated[
        float | None, typer.Option(help="Weights that a model may have; larger ones count as infeasible.")
    ] = None,
    description: Annotated[str, typer.Option(help="A sentence or more for the table's card.")] = "",
    study: Annotated[
        str | None, typer.Option(help="Train nothing: export this study's whole curves as a table.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    **options: Any,
) -> None:
    """Record trainings of a space's configurations as a table, on which `compare` replays search methods.

    Every configuration is trained for all epochs with each training seed. The same command goes on after an
    interruption; with more `--configurations` or `--seeds` it adds them. A recording goes on as it stands:
    {standing} may be left out.

    Example: `mammobench record --space small --data stores/ddsm --configurations 64 --out tables/small`
    """
    from mammobench import api
    from mammobench.core.errors import ConfigError
    from mammobench.core.progress import Bars

    console = stderr(quiet=quiet)
    if study is not None:
        with Bars(console) as bars:
            _tell(api.export_table(study, out, description=description, progress=bars), as_json=as_json)
        return
    if space is None or data is None:
        missing = "--space" if space is None else "--data"
        raise ConfigError(
            "missing option",
            where=missing,
            expected="--space and --data to record trainings, or --study to export those of a study",
        )
    options["storage"] = database(options["storage"])
    planned = configurations * seeds
    with (
        searching(console, trials=planned, workers=options["workers"]) as table,
        Bars(console) as bars,
        table.live(),
    ):
        made = api.record(
            space, data=data, out=out, configurations=configurations, seeds=seeds, split=split,
            max_parameters=max_parameters, description=description,
            observe=table.observe, progress=bars, **options,
        )  # fmt: skip
    if made is None:
        console.print("No configuration is whole yet; the same command goes on.", highlight=False)
        raise typer.Exit(1)
    _tell(made, as_json=as_json)


@app.command()
def table(
    folder: Annotated[Path, typer.Argument(metavar="TABLE", help="A table's folder.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check a table of recorded trainings, and say what it holds.

    Example: `mammobench table tables/small`
    """
    from mammobench import api

    # it is done in a moment, with nothing to show meanwhile
    del quiet
    _tell(api.Table.open(folder), as_json=as_json)


def _tell(made: Any, *, as_json: bool) -> None:
    facts = made.facts()
    if as_json:
        print_json({"table": str(made.folder), **facts})
        return
    out = Console(soft_wrap=True, highlight=False)
    shown = Shown(box=None, show_header=False)
    for key, value in facts.items():
        shown.add_row(key.replace("_", " "), f"{value:.2f}" if isinstance(value, float) else str(value))
    out.print(shown)
    out.print(f"Table:      {made.folder}")
