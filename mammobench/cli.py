"""The command line: parse, call, print, exit status.

Every command is a thin call of a function of `mammobench.api`. Imports stand in the commands, so that
``--help`` and a misspelt option answer at once.
"""

import errno
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from mammobench.errors import MammobenchError

app = typer.Typer(
    name="mammobench",
    help="Which CNN configuration is best on these mammograms, and how sure can we be?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(no_args_is_help=True, help="Image stores: prepare, download, phantom.")
app.add_typer(data_app, name="data")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.")]
StudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="A name under reports/, or a path.")]
StorageOption = Annotated[
    str | None,
    typer.Option(help="postgresql://user@host/database for many machines; the password from PGPASSWORD."),
]
DataOption = Annotated[Path | None, typer.Option("--data", help="An image store.")]


def main() -> None:
    """Run the command line; a `MammobenchError` is printed without a traceback."""
    try:
        app()
    except MammobenchError as error:
        _stderr().print(f"[bold red]error:[/] {_escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_status)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}:
            raise
        where = f"{error.filename}: " if error.filename else ""
        _stderr().print(
            f"[bold red]error:[/] {_escape(where)}{error.strerror}. Nothing finished is lost; make room or "
            "mend the permissions and run the same command again.",
            highlight=False,
            soft_wrap=True,
        )
        sys.exit(1)


def _version(value: bool) -> None:
    if value:
        typer.echo(version("mammobench"))
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def search(
    space: Annotated[str, typer.Option("--space", help="Name of a search space, or a YAML file.")],
    data: DataOption = None,
    engine: Annotated[str, typer.Option(help="The search library: optuna or keras-tuner.")] = "optuna",
    sampler: Annotated[
        str | None,
        typer.Option(
            help="optuna: tpe, random, gp, cmaes, qmc, grid, nsga2; keras-tuner: random, bayesian, "
            "hyperband, grid."
        ),
    ] = None,
    pruner: Annotated[
        str, typer.Option(help="What stops trials early: none, median, asha, hyperband (Optuna's).")
    ] = "none",
    objective: Annotated[
        list[str] | None,
        typer.Option(help="A validation metric; again for more, or weights, flops, latency_ms."),
    ] = None,
    max_parameters: Annotated[
        float | None, typer.Option(help="Weights that a model may have; larger ones are not trained.")
    ] = None,
    max_latency: Annotated[
        float | None, typer.Option(help="Milliseconds that a model may take for one image.")
    ] = None,
    stop_when_settled: Annotated[
        bool, typer.Option("--stop-when-settled", help="Let Optuna's terminator end the search.")
    ] = False,
    trials: Annotated[int | None, typer.Option(help="Configurations in all; default: the space's.")] = None,
    workers: Annotated[int, typer.Option(help="Trials at a time.")] = 1,
    timeout: Annotated[float | None, typer.Option(help="Seconds after which no trial is started.")] = None,
    trial_timeout: Annotated[float | None, typer.Option(help="Seconds after which a trial fails.")] = None,
    seed: Annotated[int, typer.Option(help="Of the search and all its trials.")] = 0,
    precision: Annotated[str, typer.Option(help="auto, float32, mixed_bfloat16 or mixed_float16.")] = "auto",
    study: Annotated[
        str | None, typer.Option(help="Name under reports/, or a path; default: the space's.")
    ] = None,
    storage: StorageOption = None,
    artifacts: Annotated[
        str | None, typer.Option(help="Folder or s3://bucket/prefix where machines share trials' files.")
    ] = None,
    heartbeat: Annotated[
        int,
        typer.Option(
            help="Seconds between a worker's signs of life; six missed, and its trial is run again."
        ),
    ] = 10,
    share_devices: Annotated[
        bool, typer.Option("--share-devices", help="Two trials may use one GPU.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Trials write TensorBoard logs.")
    ] = False,
    launch: Annotated[
        str | None, typer.Option(help="Submit the workers as jobs: slurm, or local to try it out.")
    ] = None,
    launch_option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="partition, account, qos, gpus, cpus, time, memory, array."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search a space, or continue a study that exists, and write its report.

    Without `--data` it uses synthetic phantom images, and says so.

    Example: `mammobench search --space quick`
    """
    from mammobench import api
    from mammobench.progress import Bars

    console = _stderr(quiet=quiet)
    if data is None:
        console.print(
            "No --data given: searching on [bold]synthetic[/] phantom images. Results say nothing about real "
            "mammograms.",
            highlight=False,
        )
    submit = None
    if launch is not None:
        submit = _submit(
            launch, launch_option or [], storage=_database(storage), data=data, workers=workers,
            trials=trials, timeout=timeout,
        )  # fmt: skip
    planned = trials or api.load_space(space).budget.trials
    with _searching(console, trials=planned, workers=workers) as table, Bars(console) as bars, table.live():
        done = api.search(
            space, data=data, engine=engine, sampler=sampler, pruner=pruner, objective=objective,
            max_parameters=max_parameters, max_latency=max_latency, stop_when_settled=stop_when_settled,
            trials=trials, workers=workers, timeout=timeout, trial_timeout=trial_timeout, seed=seed,
            precision=precision, study=study, storage=_database(storage), artifacts=artifacts,
            heartbeat=heartbeat,
            share_devices=share_devices, tensorboard=tensorboard, launch=submit, observe=table.observe,
            progress=bars,
        )  # fmt: skip
    if submit is None:
        _tell_of_search(done, as_json=as_json)


def _submit(
    launcher: str,
    options: list[str],
    *,
    storage: str | None,
    data: Path | None,
    workers: int,
    trials: int | None,
    timeout: float | None,
) -> Callable[[Any], None]:
    """Return what submits the workers of a study that has been made."""
    from mammobench import api
    from mammobench.errors import ConfigError
    from mammobench.launch import JobPlan
    from mammobench.launch import launch as launch_workers

    plan = JobPlan.from_options(options)
    if launcher not in {"slurm", "local"}:
        raise ConfigError("unknown launcher", where="--launch", expected="slurm or local", found=launcher)
    if storage is None:
        raise ConfigError(
            "workers elsewhere need a record that they can reach",
            where="--launch",
            expected="--storage postgresql://... beside it",
        )

    def submit(record: Any) -> None:  # noqa: ANN401 - StudyRecord, imported lazily
        work = partial(
            api.work,
            record.folder.resolve(),
            storage=storage,
            data=None if data is None else data.resolve(),
            trials=trials,
            timeout=timeout,
            observe=api.print_event,
        )
        cluster: Any = launcher
        jobs = launch_workers(
            work, record.folder, storage=storage, workers=workers, plan=plan, cluster=cluster
        )
        typer.echo(
            f"Submitted {len(jobs)} jobs: {', '.join(jobs)}\nLogs:    {record.folder / 'workers'}\n"
            f"Report:  mammobench report {_name(record.folder)}"
        )

    return submit


@app.command()
def worker(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Its name in the database, or its folder.")],
    storage: StorageOption = None,
    data: DataOption = None,
    workers: Annotated[int, typer.Option(help="Trials at a time on this machine.")] = 1,
    trials: Annotated[int | None, typer.Option(help="Configurations in all; default: as asked.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds after which no trial is started.")] = None,
    trial_timeout: Annotated[float | None, typer.Option(help="Seconds after which a trial fails.")] = None,
    share_devices: Annotated[
        bool, typer.Option("--share-devices", help="Two trials may use one GPU.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Be one more worker for a study in a database, on any machine; come and go as you like.

    Example: `mammobench worker ddsm --storage postgresql://me@db.example.org/mammobench --data stores/ddsm`
    """
    from mammobench import api

    with _searching(_stderr(quiet=quiet), trials=trials or 0, workers=workers) as table, table.live():
        api.work(
            study, storage=_database(storage), data=data, workers=workers, trials=trials, timeout=timeout,
            trial_timeout=trial_timeout, share_devices=share_devices, observe=table.observe,
        )  # fmt: skip


@contextmanager
def _searching(console: Console, *, trials: int, workers: int) -> Iterator[Any]:
    """Give the live table, and turn Ctrl-C into a word on how to go on."""
    from mammobench.live_table import TrialTable

    try:
        yield TrialTable(console, trials=trials, workers=workers)
    except KeyboardInterrupt:
        console.print(
            "\nStopped. Every finished trial is kept, the running one has a checkpoint, and the same command "
            "goes on from there.",
            highlight=False,
        )
        raise typer.Exit(130) from None


def _database(url: str | None) -> str | None:
    """Return the URL of the database, given here or in the environment, where it may hold a password."""
    from mammobench.storage_url import asked_storage

    return asked_storage(url)


def _tell_of_search(study: Any, *, as_json: bool) -> None:  # noqa: ANN401 - api.Study, imported lazily
    ranking = study.ranking()
    selected = ranking.selected
    report = study.folder / "index.html"
    reproduce_command = f"mammobench reproduce {_name(study.folder)}"
    if as_json:
        _print_json(
            {
                "study": str(study.folder),
                "report": str(report),
                "leaderboard": str(study.folder / "leaderboard.csv"),
                "finished": sum(trial.state == "finished" for trial in study.trials),
                "pruned": sum(trial.state == "pruned" for trial in study.trials),
                "infeasible": sum(trial.state == "infeasible" for trial in study.trials),
                "failed": sum(trial.state == "failed" for trial in study.trials),
                "synthetic": bool(study.record.spec.store["synthetic"]),
                "selected": None if selected is None else _plain(selected.to_dict()),
                "reproduce": reproduce_command,
            }
        )
        return
    out = Console(soft_wrap=True, highlight=False)
    if selected is None:
        out.print("No searched trial has finished.")
    else:
        synthetic = " (synthetic data)" if study.record.spec.store["synthetic"] else ""
        out.print(
            f"[bold]Validation selected trial {selected['trial']}[/]{synthetic}: "
            f"test F1 {_interval(selected, 'test_f1')}, accuracy {_interval(selected, 'test_accuracy')}"
        )
    out.print(f"Report:     {report}")
    out.print(f"Table:      {study.folder / 'leaderboard.csv'}")
    out.print(f"Reproduce:  {reproduce_command}")


@app.command()
def report(
    study: StudyArgument,
    out: Annotated[Path | None, typer.Option(help="The HTML file; default: index.html in the study.")] = None,
    as_json: Json = False,
) -> None:
    """Write a study's HTML report and leaderboard.csv.

    Example: `mammobench report quick`
    """
    from mammobench import api

    path = api.Study.open(study).report(out)
    table = path.with_name("leaderboard.csv")
    if as_json:
        _print_json({"report": str(path), "leaderboard": str(table)})
    else:
        typer.echo(f"Report:  {path}\nTable:   {table}")


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
    from mammobench.progress import Bars
    from mammobench.reproduce import reproduce_trial, selected_trial

    record = api.Study.open(study).record
    chosen = selected_trial(record, trial)
    console = _stderr(quiet=quiet)
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
        _print_json(
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
def spaces(
    name: Annotated[str | None, typer.Argument(help="A space to show, or a YAML file to check.")] = None,
    keys: Annotated[bool, typer.Option("--keys", help="List every key that a space may set.")] = False,
    as_json: Json = False,
) -> None:
    """List the search spaces; show one with its size; check a file.

    Example: `mammobench spaces quick`
    """
    from mammobench.config import TrialConfig
    from mammobench.space_file import load_space, shipped_spaces

    if keys:
        rows = [[key, json.dumps(value)] for key, value in TrialConfig().values().items()]
        _print_rows(["key", "default"], rows, as_json=as_json)
    elif name is None:
        listed = [load_space(shipped) for shipped in shipped_spaces()]
        rows = [
            [space.name, space.task, f"{space.image_size} px", _size(space.size), str(space.budget.trials),
             _summary(space.description)]
            for space in listed
        ]  # fmt: skip
        _print_rows(["space", "task", "images", "size", "trials", "what for"], rows, as_json=as_json)
    else:
        space = load_space(name)
        if as_json:
            _print_json({**space.to_dict(), "size": None if space.size == float("inf") else space.size})
            return
        budget = f"{space.budget.trials} trials of at most {space.budget.max_epochs} epochs"
        typer.echo(
            f"{space.name}: {_size(space.size)}, {budget}, {space.task} at {space.image_size} px, "
            f"by {space.objective}\n{space.description}\n"
        )
        rows = [
            [item.key, item.describe(), ", ".join(f"{key} = {' or '.join(map(str, when))}"
                                                  for key, when in item.when.items())]
            for item in space.hyperparameters
        ]  # fmt: skip
        _print_rows(["hyperparameter", "values", "only where"], rows, as_json=False)


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
    from mammobench import doctor as doctors

    examination = doctors.examine(_any_folder(study))
    done = doctors.mend(examination) if mend else []
    if mend:
        examination = doctors.examine(examination.folder)
    if as_json:
        _print_json({**examination.to_dict(), "mended": done})
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
    from mammobench.dashboard import Dashboard
    from mammobench.study import StudyRecord

    url = _database(storage)
    folder = _any_folder(study)
    record = (
        StudyRecord.join(folder, folder.name, url=url)
        if storage is not None and url is not None
        else api.Study.open(study).record
    )
    with Dashboard(record, port=port) as shown:
        typer.echo(f"{shown.address}\nCtrl-C ends it.")
        shown.serve()


def _any_folder(study: str) -> Path:
    """Return a study's folder, which may be too damaged to be known by its study.json."""
    path = Path(study)
    return path if path.is_dir() else Path("reports") / study


@data_app.command("prepare")
def data_prepare(
    source: Annotated[Path, typer.Argument(help="A folder or zip of images in a known layout.")],
    out: Annotated[Path, typer.Option("--out", help="The store to make.")],
    layout: Annotated[
        str | None, typer.Option("--format", help="The layout, if it must not be guessed.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Decode a source once into an image store.

    Example: `mammobench data prepare ddsm-mammography.zip --out stores/ddsm`
    """
    from mammobench.data.sources import prepare
    from mammobench.progress import Bars

    with Bars(_stderr(quiet=quiet)) as bars:
        store = prepare(
            source, out, format=layout, progress=lambda done, total: bars("Preparing images", done, total)
        )
    _tell_of_store(store, as_json=as_json)


@data_app.command("download")
def data_download() -> None:
    """Fetch the Kaggle set skooch/ddsm-mammography (about 6 GB) through kagglehub.

    Example: `mammobench data download`
    """
    from mammobench.data.download import download

    folder = download()
    typer.echo(f"Downloaded to {folder}\nNext: mammobench data prepare {folder} --out stores/ddsm")


@data_app.command("phantom")
def data_phantom(
    out: Annotated[Path, typer.Option("--out", help="The store to make.")],
    images: Annotated[int, typer.Option(help="How many.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    difficulty: Annotated[float, typer.Option(help="0 (easy) to 1.")] = 0.5,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make synthetic mammogram patches with known truth, as an image store.

    Example: `mammobench data phantom --out stores/phantom --images 500`
    """
    from mammobench.data.phantom import make_phantom
    from mammobench.progress import Bars

    with Bars(_stderr(quiet=quiet)) as bars:
        store = make_phantom(
            out, images=images, seed=seed, difficulty=difficulty,
            progress=lambda done, total: bars("Making synthetic phantom images", done, total),
        )  # fmt: skip
    _tell_of_store(store, as_json=as_json)


def _tell_of_store(store: Any, *, as_json: bool) -> None:  # noqa: ANN401 - ImageStore, imported lazily
    manifest = store.manifest.model_dump(mode="json")
    if as_json:
        _print_json({"store": str(store.path), **manifest})
        return
    typer.echo(f"{store.path}: {len(store)} images from {manifest['source']}")
    for name, count in manifest["counts"].items():
        typer.echo(f"  {name}: {count}")
    for warning in manifest["warnings"]:
        typer.echo(f"  note: {warning}")
    typer.echo(f"Next: mammobench search --space ddsm --data {store.path}")


def _stderr(*, quiet: bool = False) -> Console:
    return Console(stderr=True, quiet=quiet)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    typer.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _print_rows(head: list[str], rows: list[list[str]], *, as_json: bool) -> None:
    if as_json:
        _print_json([dict(zip(head, row, strict=True)) for row in rows])
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*map(_escape, row))
    Console(highlight=False).print(table)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return values as JSON holds them: NaN and NumPy scalars do not exist there."""
    plain = {key: value.item() if hasattr(value, "item") else value for key, value in values.items()}
    return {key: None if value != value else value for key, value in plain.items()}  # noqa: PLR0124 - NaN


def _interval(row: Any, name: str) -> str:  # noqa: ANN401 - a pandas row
    return f"{row[name]:.3f} [{row[f'{name}_low']:.3f}, {row[f'{name}_high']:.3f}]"


def _name(folder: Path) -> str:
    return folder.name if folder.parent == Path("reports") else str(folder)


def _size(size: float) -> str:
    return "continuous" if size == float("inf") else f"{size:,.0f} configurations"


def _summary(description: str) -> str:
    lines = [line for line in description.splitlines() if not line.startswith("mammobench ")]
    return " ".join(lines).split(". ")[0].rstrip(".")
