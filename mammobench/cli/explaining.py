"""The commands `explain` and `predict`: explanations and predictions of a study's model."""

from pathlib import Path
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
    """Make Grad-CAM heat maps of the most confident test predictions, correct and wrong.

    Example: `mammobench explain quick`
    """
    from mammobench import api
    from mammobench.analysis.explain import explain_study
    from mammobench.core.progress import Bars

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


@app.command()
def predict(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A study, or a .keras file that `reproduce` wrote.")
    ],
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGES...", help="png, jpg, tif, pgm, bmp or dcm; folders too.")
    ],
    heatmaps: Annotated[
        Path | None, typer.Option("--heatmaps", help="Write Grad-CAM heat maps as PNG files there.")
    ] = None,
    trial: Annotated[int | None, typer.Option(help="A study's trial; default: validation's choice.")] = None,
    data: DataOption = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Predict patches with a study's model at its threshold. Research software, not a medical device.

    Example: `mammobench predict quick patch.png --heatmaps maps`
    """
    from mammobench import api
    from mammobench.analysis.prediction import (
        NOTICE,
        SYNTHETIC,
        model_of_file,
        model_of_study,
        predict_files,
        write_overlays,
    )
    from mammobench.core.progress import Bars
    from mammobench.data.sources.loose import find_images

    # before anything is trained again
    files = find_images(images)
    with Bars(stderr(quiet=quiet)) as bars:
        if model.endswith(".keras"):
            chosen = model_of_file(Path(model))
        else:
            chosen = model_of_study(
                api.Study.open(model).record,
                number=trial,
                data=data,
                on_epoch=lambda epoch, epochs: bars("Training the trial again", epoch, max(epoch, epochs)),
            )
        done = predict_files(
            chosen,
            files,
            heat=heatmaps is not None,
            progress=lambda read, total: bars("Reading the images", read, total),
        )
    written = iter(write_overlays(done, heatmaps) if heatmaps is not None else ())
    maps = [None if item.overlay is None else str(next(written)) for item in done]
    broken = [item for item in done if item.error is not None]
    notices = [NOTICE, *([SYNTHETIC] if chosen.synthetic else [])]
    names = chosen.class_names
    if as_json:
        print_json(
            {
                "model": str(chosen.path),
                "name": chosen.name,
                "task": chosen.config.data.task,
                "threshold": chosen.threshold,
                "notices": notices,
                "unreadable": len(broken),
                "images": [
                    {
                        "file": str(item.file),
                        "probabilities": item.probabilities or None,
                        "decision": item.decision or None,
                        "note": item.note,
                        "heatmap": heatmap,
                        "error": item.error,
                    }
                    for item, heatmap in zip(done, maps, strict=True)
                ],
            }
        )
        _end_of_prediction(len(broken), len(done))
        return
    shown = names[1:] if chosen.threshold is not None else names
    print_rows(
        ["file", *shown, "decision", "note"],
        [
            [
                str(item.file),
                *(f"{item.probabilities[name]:.3f}" if item.error is None else "" for name in shown),
                item.decision if item.error is None else "none",
                item.note if item.error is None else item.error.removeprefix(f"{item.file}: "),
            ]
            for item in done
        ],
        as_json=False,
    )
    at = f", {names[1]} at {chosen.threshold:.3g} or above" if chosen.threshold is not None else ""
    typer.echo(f"By {chosen.name}, task {chosen.config.data.task}{at}")
    if any(maps):
        typer.echo(f"Heat maps for the decisions: {heatmaps}")
    typer.echo("\n".join(notices))
    _end_of_prediction(len(broken), len(done))


def _end_of_prediction(broken: int, files: int) -> None:
    """End with status 1 where files could not be read."""
    if broken:
        what = (
            "no image could be read" if broken == files else f"{broken} of {files} images could not be read"
        )
        stderr().print(f"[bold red]error:[/] {what}; the reasons stand beside their files.", highlight=False)
        raise typer.Exit(1)
