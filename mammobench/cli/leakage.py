"""`leakage`: the effect of a leaking split on test scores."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mammobench.cli.options import Json, Quiet
from mammobench.cli.printing import print_json, stderr
from mammobench.cli.searching import searching

app = typer.Typer()


@app.command()
def leakage(
    space: Annotated[str, typer.Option("--space", help="Name of a search space, or a YAML file.")],
    data: Annotated[Path, typer.Option("--data", help="An image store.")],
    trials: Annotated[int, typer.Option(help="Configurations besides the reference CNN.")] = 5,
    workers: Annotated[int, typer.Option(help="Trials at a time.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the configurations and their training.")] = 0,
    precision: Annotated[str, typer.Option(help="auto, float32, mixed_bfloat16 or mixed_float16.")] = "auto",
    out: Annotated[
        str | None, typer.Option("--out", help="Name under reports/, or a path; default: leakage-SPACE.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train the same configurations under the reference split, which leaks, and under clean ones.

    Example: `mammobench leakage --space ddsm --data stores/ddsm`
    """
    from mammobench import api
    from mammobench.analysis.leakage import SPLITS, run_leakage, write_leakage
    from mammobench.analysis.leakage.page import PICTURE, lead_of, support_of, table_of
    from mammobench.core.progress import Bars

    console = stderr(quiet=quiet)
    planned, name = len(SPLITS) * (trials + 1), api.load_space(space).name
    with searching(console, trials=planned, workers=workers) as table, Bars(console) as bars, table.live():
        found, folder = run_leakage(
            space, data=data, trials=trials, workers=workers, seed=seed, precision=precision, folder=out,
            observe=table.observe, progress=bars,
        )  # fmt: skip
    page = write_leakage(found, folder, title=f"Leakage: {name}")
    if as_json:
        differences = [
            {"leaking": one, "other": other, "metric": metric, **asdict(interval)}
            for (one, other, metric), interval in found.differences.items()
        ]
        scores = table_of(found).to_dict("records")
        print_json(
            {"page": str(page), "synthetic": found.synthetic, "differences": differences, "scores": scores}
        )
        return
    typer.echo(table_of(found).pivot(index="configuration", columns="split").round(3).to_string())
    typer.echo(lead_of(found))
    for sentence in support_of(found):
        typer.echo(f"  {sentence}")
    typer.echo(f"Page:    {page}\nPicture: {page.with_name(PICTURE)}")
