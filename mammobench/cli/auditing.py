"""`data audit`: leakage, shortcuts and artefacts of a data set."""

from pathlib import Path
from typing import Annotated

import typer

from mammobench.cli.options import Json, Quiet
from mammobench.cli.printing import print_json, stderr
from mammobench.data.store.filenames import AUDIT

app = typer.Typer()


@app.command("audit")
def data_audit(
    store: Annotated[Path, typer.Argument(help="An image store.")],
    out: Annotated[
        Path | None, typer.Option("--out", help=f"The HTML file; default: {AUDIT} in the store.")
    ] = None,
    split: Annotated[
        str, typer.Option(help="The split of the shortcut baseline: official, grouped or reference.")
    ] = "official",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check a store for leakage, shortcuts and tiles with artefacts, and write a page.

    Example: `mammobench data audit stores/ddsm`
    """
    from mammobench.analysis.audit import audit_store, write_audit
    from mammobench.analysis.audit.page import as_values, findings, lead_of, with_interval
    from mammobench.core.progress import Bars
    from mammobench.data.store.image_store import ImageStore

    opened = ImageStore.open(store)
    with Bars(stderr(quiet=quiet)) as bars:
        audit = audit_store(opened, split=split, progress=bars)
    page = write_audit(audit, out or opened.path / AUDIT)
    if as_json:
        print_json({**as_values(audit), "page": str(page)})
        return
    typer.echo(f"{store}: {len(opened)} images from {opened.manifest.source}")
    typer.echo(audit.counts.assign(all=audit.counts.sum(axis=1)).to_string())
    typer.echo(lead_of(audit))
    for sentence in findings(audit):
        typer.echo(f"  {sentence}")
    for one in audit.baselines:
        typer.echo(
            f"  {one.task:<12} {one.method:<20} AUROC {with_interval(one.auroc)}  F1 {with_interval(one.f1)}"
        )
    typer.echo(f"Page: {page}")
