"""The command `delete`: a study goes, with all that is its own."""

import sys
from typing import Annotated

import typer

from mammobench.cli.options import Json, Quiet, StorageOption, StudyArgument, database
from mammobench.cli.printing import print_json, stderr

app = typer.Typer()


@app.command()
def delete(
    study: StudyArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    storage: StorageOption = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Remove a study for good: its record in the folder or the database, its artifacts, its folder.

    It lists what goes and asks. A study that is searched is left alone; a damaged one can be removed too.
    What cannot be reached is named and stays, with exit status 1. Without a folder here, `--storage` says
    where the record is.

    Example: `mammobench delete quick --yes`
    """
    from mammobench.core.errors import ConfigError
    from mammobench.core.progress import Bars
    from mammobench.study.deletion import delete as delete_study
    from mammobench.study.deletion import plan_deletion

    plan = plan_deletion(study, url=database(storage) if storage is not None else None)
    ask, can_ask = not yes, sys.stdin.isatty()
    if ask or not (as_json or quiet):
        typer.echo("\n".join(plan.lines()), err=as_json or quiet or (ask and not can_ask))
    if ask:
        if not can_ask:
            raise ConfigError(
                "nobody can be asked here whether this is to go, and nothing has been removed",
                where="--yes",
                remedy="Repeat the command with --yes",
            )
        if not typer.confirm("Remove all of this for good?", err=True):
            typer.echo("Nothing has been removed.", err=True)
            raise typer.Exit(1)
    with Bars(stderr(quiet=quiet)) as bars:
        left = delete_study(plan, told=lambda done, total: bars("Removing artifacts", done, total))
    if as_json:
        print_json({**plan.to_dict(), "left": list(left)})
    elif not quiet:
        typer.echo(f"Removed {plan.name}." if not left else f"Removed what could be removed of {plan.name}.")
    if left:
        stderr().print("\n".join(f"Not removed: {reason}" for reason in left), highlight=False, markup=False)
        raise typer.Exit(1)
