"""Names of what lies in an image store's folder: each stands here alone."""

MANIFEST = "manifest.json"
"""Counts, source, licence and fingerprint."""

INDEX = "index.parquet"
"""One row an image."""

GROUPS = "groups.parquet"
"""Recovered patients and lesions, as is `LINKS`."""

LINKS = "links.parquet"
IMAGE_STATISTICS = "statistics.parquet"
"""Statistics of each image, kept once they were calculated."""

AUDIT = "audit.html"
"""The page of an audit."""


def images_name(size: int, interpolation: str | None = None) -> str:
    """Return the name of the file of all images at a size, in pixels; of native ones without a word more."""
    return f"images-{size}.npy" if interpolation is None else f"images-{size}-{interpolation}.npy"
