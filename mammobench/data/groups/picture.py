"""A link for the eye: both images side by side, with lines between the points that agree."""

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from mammobench.core.errors import DataError
from mammobench.data.groups.features import Images, extract_from
from mammobench.data.groups.verify import Match, match
from mammobench.data.store.image_store import ImageStore

GAP = 12
MARGIN = 40
MOST_LINES = 40
_GREEN, _WHITE = (90, 220, 60), (255, 255, 255)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def picture_of_link(store: ImageStore, link: pd.Series) -> bytes:
    """Draw the two images of a link, as they are in the store, and their matched points.

    Args:
        store: The image store.
        link: A row of `Groups.links`.

    Returns:
        A PNG.

    Raises:
        DataError: When the link's images are not in the store.
    """
    first, second = int(link["first"]), int(link["second"])
    if not 0 <= min(first, second) <= max(first, second) < len(store):
        raise DataError(
            "no such images", where=store.path, expected=f"rows 0 to {len(store) - 1}",
            found=f"a link of {first} and {second}", remedy="Take a link of this store's groups",
        )  # fmt: skip
    images = store.images(store.manifest.image_size)
    pair = np.stack([images[first], images[second]])
    found = match(extract_from(pair), 0, 1, mirrored=bool(link["mirrored"]), native=pair.shape[1])
    canvas = _side_by_side(pair)
    if found:
        _draw_lines(canvas, found, pair.shape[1])
    _caption(canvas, store, link)
    _, encoded = cv2.imencode(".png", canvas)
    return encoded.tobytes()


def _side_by_side(pair: Images) -> Images:
    side = pair.shape[1]
    canvas = np.zeros((side + 2 * MARGIN, 2 * side + GAP, 3), np.uint8)
    for number, image in enumerate(pair):
        left = number * (side + GAP)
        canvas[MARGIN : MARGIN + side, left : left + side] = image[..., None]
    return canvas


def _draw_lines(canvas: Images, found: Match, side: int) -> None:
    half = (side - 1) / 2
    first = found.first * ((-1, 1) if found.mirrored else (1, 1)) + half
    second = found.second + half + (side + GAP, 0)
    chosen = np.unique(np.linspace(0, found.inliers - 1, MOST_LINES).round().astype(int))
    for one, other in zip(first[chosen], second[chosen], strict=True):
        ends = [_pixel(one), _pixel(other)]
        cv2.line(canvas, ends[0], ends[1], _GREEN, 1, cv2.LINE_AA)
        for end in ends:
            cv2.circle(canvas, end, 3, _GREEN, 1, cv2.LINE_AA)


def _pixel(point: npt.NDArray[np.floating]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1])) + MARGIN


def _caption(canvas: Images, store: ImageStore, link: pd.Series) -> None:
    side = (canvas.shape[1] - GAP) // 2
    for number, name in enumerate(("first", "second")):
        text = str(store.index["id"][int(link[name])])
        cv2.putText(canvas, text, (number * (side + GAP) + 4, 26), _FONT, 0.5, _WHITE, 1, cv2.LINE_AA)
    turned = f"turned {link['turn']}" + (", mirrored" if link["mirrored"] else "")
    text = f"{link['kind']}: {link['inliers']} points, {turned}, confidence {link['confidence']:.3f}"
    cv2.putText(canvas, text, (4, canvas.shape[0] - 14), _FONT, 0.45, _WHITE, 1, cv2.LINE_AA)
