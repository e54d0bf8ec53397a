"""How sure a link is, measured on the store itself by what chance cannot hide.

Crops and tiles of one film differ by flips, quarter turns and offsets alone. Pairs that agree on any other
turn, and pass every other check, agree by chance, or on something else than tissue: they are decoys. Chance
knows no quarter turns, so as many decoys a degree are expected among the links; and since lettering stands
nearly upright, the decoys just beside the quarter turns are asked too, and the larger figure counts. This is
the target-decoy estimate of a false discovery rate (Elias and Gygi, Nature Methods 2007, 4:207).
"""

import numpy as np
import numpy.typing as npt

BESIDE = 4.0


def confidences(
    inliers: npt.ArrayLike, decoy_inliers: npt.ArrayLike, decoy_tilts: npt.ArrayLike, *, most_tilt: float
) -> npt.NDArray[np.float64]:
    """Return 1 less the share of chance links expected among the links with as many inliers or more.

    Args:
        inliers: int (n,); of the links.
        decoy_inliers: int (m,); of the decoys.
        decoy_tilts: (m,); degrees from the nearest quarter turn, 0 to 45.
        most_tilt: Largest tilt of a link, in degrees.

    Returns:
        float64 (n,), 0 to 1, never falling as inliers rise. One decoy more than were seen is reckoned with,
        so that no small store can be sure.
    """
    found, decoys, tilts = np.asarray(inliers), np.asarray(decoy_inliers), np.asarray(decoy_tilts)
    levels, position = np.unique(found, return_inverse=True)
    as_many = np.array([np.count_nonzero(found >= level) for level in levels])
    everywhere = np.array([np.count_nonzero(decoys >= level) for level in levels])
    near = decoys[tilts < BESIDE * most_tilt]
    beside = np.array([np.count_nonzero(near >= level) for level in levels])
    chance = np.maximum((everywhere + 1) * most_tilt / (45 - most_tilt), beside / (BESIDE - 1))
    return np.maximum.accumulate(1 - np.minimum(1, chance / as_many))[position] if len(found) else np.zeros(0)
