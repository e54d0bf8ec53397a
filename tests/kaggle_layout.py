"""The Kaggle layout on a small scale, written byte by byte, so that tests can damage any of it."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mammobench.data.sources.tfrecords import masked_crc


def varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])


def message(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def example(**features: bytes | int) -> bytes:
    """Serialize a tf.train.Example by hand."""
    entries = b""
    for name, value in features.items():
        values = (
            message(1, message(1, value))
            if isinstance(value, bytes)
            else message(3, message(1, varint(value)))
        )
        entries += message(1, message(1, name.encode()) + message(2, values))
    return message(1, entries)


def tfrecord(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    checksums = [struct.pack("<I", masked_crc(data)) for data in (length, content)]
    return length + checksums[0] + content + checksums[1]


@dataclass
class Layout:
    """The Kaggle layout in a folder: 7 records a shard, 6 rows in each pair of arrays."""

    folder: Path
    with_filename: bool = True
    images: list[npt.NDArray[np.uint8]] = field(default_factory=list)

    def write(self) -> None:
        rng = np.random.default_rng(5)
        for shard in range(5):
            records = [self.record(rng, shard * 7 + row) for row in range(7)]
            self.write_shard(shard, records)
        for part in ("test10", "cv10"):
            pixels = rng.integers(0, 256, (6, 299, 299, 1), dtype=np.uint8)
            self.write_arrays(part, pixels, np.array([0, 1, 2, 3, 4, 0]))

    def record(self, rng: np.random.Generator, number: int) -> bytes:
        label = number % 5
        image = rng.integers(0, 256, (299, 299), dtype=np.uint8)
        self.images.append(image)
        features: dict[str, bytes | int] = {
            "label": label,
            "label_normal": int(label > 0),
            "image": image.tobytes(),
        }
        if self.with_filename:
            name = f"P_{number // 10:05d}_LEFT_CC.jpg" if label else "NORMAL"
            features["filename"] = name.encode("utf-32-le")
        return example(**features)

    def shard(self, number: int) -> Path:
        return self.folder / f"training10_{number}" / f"training10_{number}.tfrecords"

    def write_shard(self, number: int, records: list[bytes]) -> None:
        self.shard(number).parent.mkdir(parents=True, exist_ok=True)
        self.shard(number).write_bytes(b"".join(map(tfrecord, records)))

    def write_arrays(
        self, part: str, images: npt.NDArray[np.generic], labels: npt.NDArray[np.generic]
    ) -> None:
        (self.folder / f"{part}_data").mkdir(parents=True, exist_ok=True)
        np.save(self.folder / f"{part}_data" / f"{part}_data.npy", images)
        np.save(self.folder / f"{part}_labels.npy", labels)
