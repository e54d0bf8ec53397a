"""`data`: image stores."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mammobench.cli import auditing
from mammobench.cli.options import Json, Quiet
from mammobench.cli.printing import print_json, stderr
from mammobench.core.invocation import as_started, command
from mammobench.data.sources.layouts import LAYOUTS

# spaces to go on with, and the side of the images that each takes
_SPACES = {"ddsm": 128, "quick": 48}

app = typer.Typer(
    name="data", no_args_is_help=True, help="Image stores: prepare, download, phantom, groups, audit."
)


@app.command("prepare")
def data_prepare(
    source: Annotated[Path, typer.Argument(help="A folder or zip of images in a known layout.")],
    out: Annotated[Path, typer.Option("--out", help="The store to make.")],
    layout: Annotated[
        str | None,
        typer.Option("--format", help=f"The layout ({', '.join(LAYOUTS)}), if it must not be guessed."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            help="Side of the images in pixels (299; folder: that of the largest image, if smaller)."
        ),
    ] = None,
    crops: Annotated[int | None, typer.Option(help="Crops of each lesion on whole films (3).")] = None,
    tiles: Annotated[int | None, typer.Option(help="Background tiles of each whole film (3).")] = None,
    jitter: Annotated[
        float | None, typer.Option(help="Offsets of the crops, 0 (none) to 1 (the lesion's rim stays in).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of what is drawn at random (0).")] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=CLASS,...",
            help="Folder: what its names of classes mean, such as `0=benign,1=malignant` or "
            "`Cancer=malignant mass`. CLASS is negative, or benign or malignant, alone or with mass or "
            "calcification.",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN=NAME,...",
            help="Folder: what its CSV table calls the columns file, label, pathology, lesion_type, patient, "
            "group, split, laterality, view, density, subtlety, such as `patient=patient_id,file=filename`.",
        ),
    ] = None,
    separator: Annotated[
        str | None,
        typer.Option(
            metavar="CHARACTER", help="Folder: between the columns of its CSV table, such as `';'` (,)."
        ),
    ] = None,
    patient_pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Folder: finds the patient in each file's name, as the group `patient` or the first, such "
            r"as `'case_(\d+)_'`; one with a / finds it in the path.",
        ),
    ] = None,
    all_test: Annotated[
        bool,
        typer.Option(
            "--all-test", help="Folder: an external test set; every image is a test image, none is drawn."
        ),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Decode a source once into an image store.

    Example: `mammobench data prepare ddsm-mammography.zip --out stores/ddsm`

    Own images: `mammobench data prepare patches --out stores/mine --labels 0=benign,1=malignant`
    """
    from mammobench.core.progress import Bars
    from mammobench.data.images.options import PrepareOptions, read_pairs
    from mammobench.data.sources.registry import prepare

    options = PrepareOptions(
        size=size, crops=crops, tiles=tiles, jitter=jitter, seed=seed,
        labels=None if labels is None else read_pairs(labels, "--labels"),
        columns=None if columns is None else read_pairs(columns, "--columns"),
        separator=separator, patient_pattern=patient_pattern, all_test=all_test or None,
    )  # fmt: skip
    with Bars(stderr(quiet=quiet)) as bars:
        store = prepare(
            source, out, format=layout, options=options,
            progress=lambda done, total: bars("Preparing images", done, total),
        )  # fmt: skip
    _tell_of_store(store, as_json=as_json)


@app.command("download")
def data_download() -> None:
    """Fetch the Kaggle set skooch/ddsm-mammography (about 6 GB) through kagglehub.

    Example: `mammobench data download`
    """
    from mammobench.data.sources.download import download

    folder = download()
    typer.echo(f"Downloaded to {folder}\nNext: {command('data', 'prepare', folder, '--out', 'stores/ddsm')}")


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
    from mammobench.core.progress import Bars
    from mammobench.data.images.phantom import make_phantom

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
    from mammobench.core.progress import Bars
    from mammobench.data.groups import recover_groups
    from mammobench.data.store.image_store import ImageStore

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


app.add_typer(auditing.app)


def _tell_of_store(store: Any, *, as_json: bool) -> None:
    manifest = store.manifest.model_dump(mode="json")
    if as_json:
        print_json({"store": str(store.path), **manifest})
        return
    typer.echo(f"{store.path}: {len(store)} images from {manifest['source']}")
    side = manifest["image_size"]
    typer.echo(f"  side: {side} px ({len(store) * side**2 / 2**20:,.1f} MiB of images)")
    for name, count in manifest["counts"].items():
        typer.echo(f"  {name}: {count}")
    for warning in manifest["warnings"]:
        typer.echo(f"  note: {warning}")
    space = next((name for name, least in _SPACES.items() if side >= least), None)
    if space is None:
        typer.echo(as_started(f"Next: a space with an image_size of at most {side}, for `mammobench search`"))
    else:
        typer.echo(f"Next: {command('search', '--space', space, '--data', store.path)}")
