"""What a reader may choose of the images that a source makes."""

from dataclasses import dataclass, fields

from mammobench.errors import DataError

SMALLEST = 8
LARGEST = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareOptions:
    """How images are cut and resized; None leaves it to the source.

    Attributes:
        size: Side of the square images, in pixels.
        crops: How many crops of each lesion, each with an offset of its own.
        tiles: How many background tiles of each film, at most.
        jitter: How far the offsets go: 0 (every crop in the middle of its lesion) to 1 (as far as the lesion
            stays within the crop).
        seed: Root of all random numbers.
    """

    size: int | None = None
    crops: int | None = None
    tiles: int | None = None
    jitter: float | None = None
    seed: int | None = None

    def check(self, taken: frozenset[str], source: str) -> None:
        """Compare the options given with their ranges and with those that a source takes.

        Raises:
            DataError: For an option that is out of range or means nothing to the source.
        """
        ranges = {
            "size": (SMALLEST, LARGEST),
            "crops": (1, 100),
            "tiles": (0, 1000),
            "jitter": (0, 1),
            "seed": (0, 2**31),
        }
        for option in fields(self):
            value = getattr(self, option.name)
            if value is None:
                continue
            if option.name not in taken:
                raise DataError(
                    f"not an option of the layout {source}",
                    where=f"--{option.name}",
                    expected=f"one of {', '.join(f'--{name}' for name in sorted(taken))}"
                    if taken
                    else "no options",
                    found=value,
                    remedy=f"Leave --{option.name} out",
                )
            low, high = ranges[option.name]
            if not low <= value <= high:
                raise DataError(
                    "out of range", where=f"--{option.name}", expected=f"{low} to {high}", found=value
                )
