"""`data`: image stores."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mammobench.cli.options import Json, Quiet
from mammobench.cli.printing import print_json, stderr

app = typer.Typer(no_args_is_help=True, help="Image stores: prepare, download, phantom, groups.")


@app.command("prepare")
def data_prepare(
    source: Annotated[Path, typer.Argument(help="A folder or zip of images in a known layout.")],
    out: Annotated[Path, typer.Option("--out", help="The store to make.")],
    layout: Annotated[
        str | None,
        typer.Option(
            "--format", help="The layout (ddsm, cbis-ddsm, mini-mias, folder), if it must not be guessed."
        ),
    ] = None,
    size: Annotated[int | None, typer.Option(help="Side of the images in pixels (299).")] = None,
    crops: Annotated[int | None, typer.Option(help="Crops of each lesion on whole films (3).")] = None,
    tiles: Annotated[int | None, typer.Option(help="Background tiles of each whole film (3).")] = None,
    jitter: Annotated[
        float | None, typer.Option(help="Offsets of the crops, 0 (none) to 1 (the lesion's rim stays in).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of what is drawn at random (0).")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Decode a source once into an image store.

    Example: `mammobench data prepare ddsm-mammography.zip --out stores/ddsm`
    """
    from mammobench.data.options import PrepareOptions
    from mammobench.data.sources import prepare
    from mammobench.progress import Bars

    with Bars(stderr(quiet=quiet)) as bars:
        store = prepare(
            source, out, format=layout,
            options=PrepareOptions(size=size, crops=crops, tiles=tiles, jitter=jitter, seed=seed),
            progress=lambda done, total: bars("Preparing images", done, total),
        )  # fmt: skip
    _tell_of_store(store, as_json=as_json)


@app.command("download")
def data_download() -> None:
    """Fetch the Kaggle set skooch/ddsm-mammography (about 6 GB) through kagglehub.

    Example: `mammobench data download`
    """
    from mammobench.data.download import download

    folder = download()
    typer.echo(f"Downloaded to {folder}\nNext: mammobench data prepare {folder} --out stores/ddsm")


@app.command("phantom")
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

    with Bars(stderr(quiet=quiet)) as bars:
        store = make_phantom(
            out, images=images, seed=seed, difficulty=difficulty,
            progress=lambda done, total: bars("Making synthetic phantom images", done, total),
        )  # fmt: skip
    _tell_of_store(store, as_json=as_json)


@app.command("groups")
def data_groups(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="An image store.")],
    seed: Annotated[int, typer.Option(help="Of the samples that the index is built from.")] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find crops of one lesion and overlapping tiles again, so that no split cuts them apart.

    Example: `mammobench data groups stores/ddsm`
    """
    from mammobench.data.groups import recover_groups
    from mammobench.data.store import ImageStore
    from mammobench.progress import Bars

    with Bars(stderr(quiet=quiet)) as bars:
        groups = recover_groups(ImageStore.open(store), progress=bars, seed=seed)
    told = groups.summary()
    if as_json:
        print_json({"store": str(store), **told})
        return
    typer.echo(f"{store}: {told['images']:,} images in {told['groups']:,} groups")
    typer.echo(f"  of a known patient or lesion: {told['known']:,} images")
    for kind, count in told["links"].items():
        typer.echo(f"  links, {kind}: {count:,}")
    typer.echo(f"  least confidence of a link: {told['least_confidence']}")
    typer.echo(f"  known patients or lesions put together by links: {told['joined']:,}")


def _tell_of_store(store: Any, *, as_json: bool) -> None:  # noqa: ANN401 - ImageStore, imported lazily
    manifest = store.manifest.model_dump(mode="json")
    if as_json:
        print_json({"store": str(store.path), **manifest})
        return
    typer.echo(f"{store.path}: {len(store)} images from {manifest['source']}")
    for name, count in manifest["counts"].items():
        typer.echo(f"  {name}: {count}")
    for warning in manifest["warnings"]:
        typer.echo(f"  note: {warning}")
    typer.echo(f"Next: mammobench search --space ddsm --data {store.path}")
