"""mini-MIAS on a small scale: eight films and their Info.txt."""

from pathlib import Path

import cv2
import numpy as np

from mammobench.data.sources.mias_info import read_info

INFO = """\
INFORMATION:
6th column mdb

mdb001 G CIRC B 535 425 97
mdb002 D NORM
mdb003 F CALC M 400 600 30
mdb003 F ARCH B 800 200 40
mdb004 D CALC M *NOTE 3*
mdb005 F CIRC B
mdb006 G SPIC M 500 500 20
mdb007 G SPIC M 20 1000 10
mdb008 D NORM
"""


def write_films(folder: Path, suffix: str = ".pgm") -> Path:
    """Eight films with air at the left and a lesion of one grey value wherever Info.txt has one."""
    folder.mkdir(parents=True)
    (folder / "Info.txt").write_text(INFO)
    for number in range(1, 9):
        film = np.full((1024, 1024), 60, dtype=np.uint8)
        film[:, :100] = 0
        for record in read_info(folder / "Info.txt", "Info.txt"):
            if record.name == f"mdb{number:03d}":
                for lesion in record.lesions[: 0 if number == 7 else 2]:
                    cv2.circle(film, (int(lesion.x), int(lesion.y)), int(lesion.radius), (200,), -1)
        assert cv2.imwrite(str(folder / f"mdb{number:03d}{suffix}"), film)
    return folder
