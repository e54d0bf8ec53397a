"""The command `replicate`: a study's finalists with other seeds."""

from typing import Annotated

import typer

from mammobench.cli.options import DataOption, Json, Quiet, StudyArgument
from mammobench.cli.printing import print_json, print_rows, stderr

app = typer.Typer()


@app.command()
def replicate(
    study: StudyArgument,
    replicates: Annotated[int, typer.Option(help="Seeds for each.", min=1)] = 5,
    top: Annotated[int, typer.Option(help="How many of the searched trials, by validation.", min=1)] = 3,
    trial: Annotated[int | None, typer.Option(help="One trial's number instead.")] = None,
    data: DataOption = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train the finalists and the reference CNN with other seeds, and show the spread between seeds.

    Example: `mammobench replicate quick --top 1 --replicates 3`
    """
    from mammobench import api
    from mammobench.analysis.replication import replicate_study
    from mammobench.core.progress import Bars

    opened = api.Study.open(study)
    console = stderr(quiet=quiet)
    try:
        with Bars(console) as bars:
            trials = replicate_study(
                opened.record, replicates=replicates, top=top, number=trial, data=data, progress=bars
            )
            bars("Writing the report", 0, 1)
            report = opened.report()
            bars("Writing the report", 1, 1)
    except KeyboardInterrupt:
        console.print(
            "\nStopped. What is done is kept, and the same command goes on with what is missing.",
            highlight=False,
        )
        raise typer.Exit(130) from None
    if as_json:
        rows = [{"trial": each.trial, "name": each.name, **each.columns} for each in trials]
        print_json({"study": str(opened.folder), "report": str(report), "trials": rows})
        return
    print_rows(
        ["configuration", "seeds", "test F1, mean", "sd", "lowest", "highest"],
        [
            [
                each.name,
                str(len(each.seeds)),
                *(
                    f"{each.columns[f'replicate_f1_{part}']:.3f}"
                    for part in ("mean", "sd", "lowest", "highest")
                ),
            ]
            for each in trials
        ],
        as_json=False,
    )
    typer.echo(f"Report:  {report}")
