"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from mammobench.study.options import OPTIONS

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on standard error.")]
StudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="A name under reports/, or a path.")]
StudiesArgument = Annotated[
    list[str], typer.Argument(metavar="STUDY...", help="Names or paths, of one data set.")
]
StorageOption = Annotated[
    str | None,
    typer.Option(help=OPTIONS["storage"].help),
]
DataOption = Annotated[Path | None, typer.Option("--data", help="An image store.")]


def database(url: str | None) -> str | None:
    """Return the URL of the database, given here or in the environment, where it may hold a password."""
    from mammobench.study.storage.url import asked_storage

    return asked_storage(url)
