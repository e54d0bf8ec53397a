"""Downloads the Kaggle set through kagglehub."""

from pathlib import Path

from mammobench.core.errors import DataError

DATASET = "skooch/ddsm-mammography/versions/4"
_BY_HAND = "download the zip in a browser and give it to `mammobench data prepare`"


def download(*, force: bool = False) -> Path:
    """Download the Kaggle set (about 6 GB) into kagglehub's cache, or find it there.

    Args:
        force: Download again what is there already.

    Returns:
        The folder to hand to `mammobench.data.sources.registry.prepare`.

    Raises:
        DataError: When kagglehub is not installed, or the network or the login does not let it through.
    """
    try:
        import kagglehub  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise DataError(
            "kagglehub is not installed",
            expected="the extra kaggle",
            remedy=f"Install it with `pip install 'mammobench[kaggle]'`, or {_BY_HAND}",
        ) from error
    try:
        return Path(kagglehub.dataset_download(DATASET, force_download=force))
    except Exception as error:
        raise DataError(
            "the download failed",
            where=f"kaggle.com, {DATASET}",
            expected="a network and, where Kaggle asks for it, a login",
            found=f"{type(error).__name__}, {str(error).splitlines()[0] if str(error) else 'no message'}",
            remedy=f"Check the network, set KAGGLE_API_TOKEN, or {_BY_HAND}",
        ) from error
