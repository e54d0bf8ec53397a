"""The commands `explain` and `predict`: what a study's model sees, and what it says of images."""

from typing import Annotated

import typer

from mammobench.cli.options import DataOption, Json, Quiet, StudyArgument
from mammobench.cli.printing import print_json, print_rows, stderr

app = typer.Typer()


@app.command()
def explain(
    study: StudyArgument,
    trial: Annotated[int | None, typer.Option(help="Its number; default: validation's choice.")] = None,
    each: Annotated[int, typer.Option(help="How many images of each kind.", min=1)] = 4,
    data: DataOption = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show where a model looks, by Grad-CAM: the test images on which it is surest, right and wrong.

    Example: `mammobench explain quick`
    """
    from mammobench import api
    from mammobench.explain import explain_study
    from mammobench.progress import Bars

    opened = api.Study.open(study)
    with Bars(stderr(quiet=quiet)) as bars:
        done = explain_study(
            opened.record,
            number=trial,
            each=each,
            data=data,
            on_epoch=lambda epoch, epochs: bars("Training the trial again", epoch, max(epoch, epochs)),
        )
        bars("Writing the report", 0, 1)
        report = opened.report()
        bars("Writing the report", 1, 1)
    shown = list(zip(done.examples, done.identifiers, strict=True))
    if as_json:
        print_json(
            {
                "trial": done.trial,
                "explanations": str(done.path),
                "report": str(report),
                "images": [{"id": name, **vars(example)} for example, name in shown],
            }
        )
        return
    print_rows(
        ["kind", "image", "probability"],
        [[example.kind, name, f"{example.probability:.3f}"] for example, name in shown],
        as_json=False,
    )
    typer.echo(f"Kept in {done.path}\nReport:  {report}")
