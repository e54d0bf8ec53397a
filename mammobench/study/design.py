"""`Design`: how many configurations and training seeds a table of recorded trainings is to have."""

from typing import Annotated

from annotated_types import Interval
from pydantic import BaseModel, ConfigDict


class Design(BaseModel):
    """The plan of a study that records a table of trainings.

    Attributes:
        configurations: Of the space; the reference CNN comes on top.
        seeds: Training seeds of each.
        there: Configurations, the reference CNN among them, and training seeds of each, that the table has
            from elsewhere.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    configurations: Annotated[int, Interval(ge=1, le=100_000)]
    seeds: Annotated[int, Interval(ge=1, le=1_000)]
    there: tuple[Annotated[int, Interval(ge=0, le=100_001)], Annotated[int, Interval(ge=0, le=1_000)]] = (
        0,
        0,
    )

    def is_there(self, config: int, replicate: int) -> bool:
        """Return whether the table has a training from elsewhere."""
        return config < self.there[0] and replicate < self.there[1]
