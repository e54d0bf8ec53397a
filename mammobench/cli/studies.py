"""What is done with a study that exists: `report`, `reproduce`, `evaluate`, `doctor`, `dashboard`."""

from pathlib import Path
from typing import Annotated

import typer

from mammobench.cli.options import (
    DataOption,
    Json,
    Quiet,
    StorageOption,
    StudiesArgument,
    StudyArgument,
    database,
)
from mammobench.cli.printing import print_json, stderr
from mammobench.study.filenames import PAGE, REPORT_FILES

app = typer.Typer()


@app.command()
def report(
    studies: StudiesArgument,
    out: Annotated[
        Path | None, typer.Option(help=f"The file; default: {PAGE}, {REPORT_FILES['pdf']}... in the study.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--format", help="html, pdf, markdown, latex, csv or parquet; default: as FILE ends, else html."
        ),
    ] = None,
    zero_division: Annotated[
        str,
        typer.Option(
            metavar="nan|0|1",
            help="Precision of a class that is never predicted: nan (left out of means), 0 or 1.",
        ),
    ] = "nan",
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a study's report, or that of several ranked together; HTML brings its table (CSV) along.

    Example: `mammobench report quick --format markdown`
    """
    import webbrowser

    from mammobench.cli.answering import print_answer
    from mammobench.core.progress import Bars
    from mammobench.evaluation.openings import openings_of
    from mammobench.report.answer import build_answer
    from mammobench.report.formats import format_of
    from mammobench.report.html import table_beside
    from mammobench.report.write import open_studies, rank, report_on

    kind = format_of(kind, out)
    opened = open_studies(studies)
    with Bars(stderr(quiet=quiet)) as bars:
        bars("Writing the report", 0, 1)
        board = rank(opened, zero_division=zero_division)
        path = report_on(opened, out=out, kind=kind, leaderboard=board)
        bars("Writing the report", 1, 1)
    tables = {"html": table_beside(path), "csv": path, "parquet": path}
    table = tables.get(kind)
    if as_json:
        print_json(
            {
                "studies": [str(study.folder) for study in opened],
                "format": kind,
                "lead": build_answer(board).lead,
                "report": str(path),
                "leaderboard": None if table is None else str(table),
                "ranking": board.rows,
                "test_openings": {str(study.folder): openings_of(study.folder).to_dict() for study in opened},
            }
        )
    else:
        print_answer(opened, board)
        typer.echo("\n".join([f"Report:  {path}", *([f"Table:   {table}"] if kind == "html" else [])]))
    if show and not webbrowser.open(path.resolve().as_uri()):
        stderr().print("No browser was found to open it.", highlight=False)


@app.command()
def evaluate(
    study: StudyArgument,
    data: Annotated[Path, typer.Option("--data", help="An image store of another set.")],
    trial: Annotated[int | None, typer.Option(help="Its number; default: validation's choice.")] = None,
    study_data: Annotated[
        Path | None, typer.Option(help="The study's own image store; default: where the search read it.")
    ] = None,
    allow_overlap: Annotated[
        bool,
        typer.Option(
            "--allow-overlap", help="Go on with images or patients of the study; marks all figures."
        ),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Test a study's model on another set, at the threshold that the study's own validation chose.

    Example: `mammobench evaluate ddsm --data stores/mini-mias`
    """
    from mammobench import api
    from mammobench.analysis.transfer import evaluate_elsewhere
    from mammobench.core.progress import Bars
    from mammobench.data.store.image_store import ImageStore

    record, store = api.Study.open(study).record, ImageStore.open(data)
    with Bars(stderr(quiet=quiet)) as bars:
        done = evaluate_elsewhere(
            record,
            store,
            number=trial,
            own=study_data,
            allow_overlap=allow_overlap,
            on_epoch=lambda epoch, epochs: bars("Training the trial again", epoch, max(epoch, epochs)),
            progress=lambda read, total: bars("Comparing with the study's images", read, total),
        )
    if as_json:
        print_json(done.values())
        return
    kind = " (synthetic)" if done.synthetic else ""
    mark = "" if done.mark == "none" else f"  ({done.mark})"
    typer.echo(f"Trial {done.trial} of {record.spec.name} on {done.store}{kind}: {done.source}")
    if done.overlap is None:
        typer.echo("NOT COMPARED with the study's own images: the model may have been trained on these.")
    elif mark:
        typer.echo(f"OVERLAPPING with the study's own images. {done.overlap.told()}.")
    if done.overlap is not None and done.overlap.namesakes:
        typer.echo(
            f"{done.overlap.namesakes} images are of patients whose names stand in the study too. The "
            "sources differ, so this may be chance."
        )
    if done.auroc is not None:
        typer.echo(f"AUROC {done.auroc}{mark}")
    for row in done.slices.to_dict("records"):
        title = " ".join(str(row[key]) for key in ("slice", "value") if row[key])
        scores = (
            f"{metric} {row[metric]:.3f} [{row[f'{metric}_low']:.3f}, {row[f'{metric}_high']:.3f}]"
            for metric in ("f1", "recall", "accuracy")
            if row[metric] == row[metric]
        )
        typer.echo(f"  {title:<26} {row['images']:>6} images  {'  '.join(scores)}{mark}")
    typer.echo(f"Kept in {done.folder}")


@app.command()
def reproduce(
    study: StudyArgument,
    trial: Annotated[int | None, typer.Option(help="Its number; default: validation's choice.")] = None,
    data: DataOption = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train the selected trial again, compare its predictions, and export the model with its card.

    Example: `mammobench reproduce quick`
    """
    from mammobench import api
    from mammobench.analysis.reproduction import reproduce_trial, selected_trial
    from mammobench.core.progress import Bars

    record = api.Study.open(study).record
    chosen = selected_trial(record, trial)
    console = stderr(quiet=quiet)
    what = f"Training trial {chosen.number} again"
    with Bars(console) as bars:
        bars(what, 0, chosen.epochs)
        done = reproduce_trial(
            record,
            number=chosen.number,
            data=data,
            on_epoch=lambda epoch, epochs: bars(what, epoch, max(epoch, epochs)),
        )
    if as_json:
        print_json(
            {
                "trial": done.trial.number,
                "identical": done.identical,
                "largest_difference": done.largest_difference,
                "mean_difference": done.mean_difference,
                "stored_f1": done.stored_f1,
                "new_f1": done.new_f1,
                "differs": {key: list(pair) for key, pair in done.differs.items()},
                "model": str(done.model),
                "card": str(done.card),
            }
        )
    else:
        typer.echo(f"{done.verdict()}\nModel:  {done.model}\nCard:   {done.card}")


@app.command()
def doctor(
    study: StudyArgument,
    mend: Annotated[
        bool, typer.Option("--mend", help="Mend what can be mended; copies of it are kept.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what is in a study's folder, what is damaged, and what can be mended.

    Example: `mammobench doctor quick`
    """
    from mammobench.analysis import doctor as doctors
    from mammobench.study.paths import any_folder

    examination = doctors.examine(any_folder(study))
    done = doctors.mend(examination) if mend else []
    if mend:
        examination = doctors.examine(examination.folder)
    if as_json:
        print_json({**examination.to_dict(), "mended": done})
    else:
        typer.echo("\n".join([*done, *examination.lines()]))
    if examination.damaged:
        raise typer.Exit(1)


@app.command()
def dashboard(
    study: StudyArgument,
    port: Annotated[int, typer.Option(help="0 for any free one.")] = 8080,
    storage: StorageOption = None,
) -> None:
    """Open optuna-dashboard on a study, to look at and not to touch; Ctrl-C ends it.

    Example: `mammobench dashboard quick`
    """
    from mammobench import api
    from mammobench.study.dashboard import Dashboard
    from mammobench.study.paths import new_folder
    from mammobench.study.record import StudyRecord

    url = database(storage)
    if storage is not None and url is not None:
        folder = new_folder(study, where="STUDY")
        record = StudyRecord.join(folder, folder.name, url=url)
    else:
        record = api.Study.open(study).record
    with Dashboard(record, port=port) as shown:
        typer.echo(f"{shown.address}\nCtrl-C ends it.")
        shown.serve()
