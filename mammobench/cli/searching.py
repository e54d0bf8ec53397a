"""`search` and `worker`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from mammobench.cli.declared import with_options
from mammobench.cli.failures import failures_as_json, nothing_came_of_it, tell_of_failures
from mammobench.cli.options import DataOption, Json, Quiet, StorageOption, database
from mammobench.cli.printing import print_json, stderr
from mammobench.study.filenames import LEADERBOARD, PAGE, WORKERS
from mammobench.study.options import OPTIONS
from mammobench.tuning.engines.methods import ENGINES, pruner_help, sampler_help

app = typer.Typer()


@app.command()
@with_options(
    OPTIONS,
    before="replicates",
    engines=" or ".join(ENGINES),
    samplers=sampler_help(),
    pruners=pruner_help(),
)
def search(
    space: Annotated[str, typer.Option("--space", help="Name of a search space, or a YAML file.")],
    data: DataOption = None,
    split: Annotated[
        str | None, typer.Option(help="official, grouped or reference (leaks); default: the space's.")
    ] = None,
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
    trials: Annotated[int | None, typer.Option(help="Configurations in all; default: the space's.")] = None,
    study: Annotated[
        str | None, typer.Option(help="Name under reports/, or a path; default: the space's.")
    ] = None,
    replicates: Annotated[int, typer.Option(help="Seeds to train each finalist with at the end.", min=0)] = 0,
    finalists: Annotated[
        int, typer.Option(help="How many of the best by validation get --replicates.", min=1)
    ] = 3,
    launch: Annotated[
        str | None, typer.Option(help="Submit the workers as jobs: slurm, or local to try it out.")
    ] = None,
    launch_option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="partition, account, qos, gpus, cpus, time, memory, array."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    **options: Any,
) -> None:
    """Search a space, or continue a study that exists, and write its report.

    Without `--data` it uses synthetic phantom images, and says so.

    A study that exists goes on as it stands: `--trials`, {standing} may be left out. Whatever differs from
    what it was made with is refused; only `--trials` may be more.

    Example: `mammobench search --space quick`
    """
    from mammobench import api
    from mammobench.core.progress import Bars

    options["storage"] = database(options["storage"])
    console = stderr(quiet=quiet)
    if data is None:
        console.print(
            "No --data given: searching on [bold]synthetic[/] phantom images. Results say nothing about real "
            "mammograms.",
            highlight=False,
        )
    submit = None
    if launch is not None:
        submit = _submit(
            launch, launch_option or [], storage=options["storage"], data=data, workers=options["workers"],
            trials=trials, timeout=options["timeout"],
        )  # fmt: skip
    planned = trials or api.load_space(space).budget.trials
    with (
        searching(console, trials=planned, workers=options["workers"]) as table,
        Bars(console) as bars,
        table.live(),
    ):
        done = api.search(
            space, data=data, split=split, objective=objective, max_parameters=max_parameters,
            max_latency=max_latency, trials=trials, study=study, replicates=replicates, finalists=finalists,
            launch=submit, observe=table.observe, progress=bars,
            **options,
        )  # fmt: skip
    if submit is None:
        _tell_of_search(done, as_json=as_json)
        if nothing_came_of_it(done):
            raise typer.Exit(1)


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

    with searching(stderr(quiet=quiet), trials=trials or 0, workers=workers) as table, table.live():
        api.work(
            study, storage=database(storage), data=data, workers=workers, trials=trials, timeout=timeout,
            trial_timeout=trial_timeout, share_devices=share_devices, observe=table.observe,
        )  # fmt: skip


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
    from mammobench.core.errors import ConfigError
    from mammobench.study.paths import command_for
    from mammobench.tuning.launch import JobPlan
    from mammobench.tuning.launch import launch as launch_workers

    plan = JobPlan.from_options(options)
    if launcher not in {"slurm", "local"}:
        raise ConfigError("unknown launcher", where="--launch", expected="slurm or local", found=launcher)
    if storage is None:
        raise ConfigError(
            "workers elsewhere need a record that they can reach",
            where="--launch",
            expected="--storage postgresql://... beside it",
        )

    def submit(record: Any) -> None:
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
            f"Submitted {len(jobs)} jobs: {', '.join(jobs)}\nLogs:    {record.folder / WORKERS}\n"
            f"Report:  {command_for('report', record.folder)}"
        )

    return submit


@contextmanager
def searching(console: Console, *, trials: int, workers: int) -> Iterator[Any]:
    """Give the live table, and turn Ctrl-C into a word on how to go on."""
    from mammobench.cli.live_table import TrialTable

    try:
        yield TrialTable(console, trials=trials, workers=workers)
    except KeyboardInterrupt:
        console.print(
            "\nStopped. Every finished trial is kept, the running one has a checkpoint, and the same command "
            "goes on from there.",
            highlight=False,
        )
        raise typer.Exit(130) from None


def _tell_of_search(study: Any, *, as_json: bool) -> None:
    from mammobench.cli.answering import print_answer
    from mammobench.report.answer import build_answer
    from mammobench.study.paths import command_for

    ranking = study.ranking()
    selected = ranking.selected
    report = study.folder / PAGE
    reproduce_command = command_for("reproduce", study.folder)
    if as_json:
        print_json(
            {
                "study": str(study.folder),
                "lead": build_answer(ranking).lead,
                "report": str(report),
                "leaderboard": str(study.folder / LEADERBOARD),
                "finished": sum(trial.state == "finished" for trial in study.trials),
                "pruned": sum(trial.state == "pruned" for trial in study.trials),
                "infeasible": sum(trial.state == "infeasible" for trial in study.trials),
                "failed": sum(trial.state == "failed" for trial in study.trials),
                **failures_as_json(study),
                "synthetic": bool(study.record.spec.store["synthetic"]),
                "selected": None if selected is None else selected.to_dict(),
                "reproduce": reproduce_command,
            }
        )
        return
    print_answer([study.record], ranking)
    out = Console(soft_wrap=True, highlight=False)
    out.print(f"Report:     {report}")
    out.print(f"Table:      {study.folder / LEADERBOARD}")
    out.print(f"Reproduce:  {reproduce_command}")
    tell_of_failures(study, out)
