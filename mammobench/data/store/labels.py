"""The five labels of the Kaggle set, which every source is brought to."""

from enum import IntEnum
from typing import Self


class Label(IntEnum):
    """What a patch shows: nothing, or one of four kinds of lesion."""

    NEGATIVE = 0
    BENIGN_CALCIFICATION = 1
    BENIGN_MASS = 2
    MALIGNANT_CALCIFICATION = 3
    MALIGNANT_MASS = 4

    @property
    def lesion_type(self) -> str:
        """``none``, ``calcification`` or ``mass``."""
        return ("none", "calcification", "mass", "calcification", "mass")[self]

    @property
    def pathology(self) -> str:
        """``none``, ``benign`` or ``malignant``."""
        return ("none", "benign", "benign", "malignant", "malignant")[self]

    @property
    def title(self) -> str:
        """The name in plain words, such as ``benign mass``."""
        return self.name.lower().replace("_", " ")

    @classmethod
    def of(cls, pathology: str, lesion_type: str) -> Self:
        """Return the label of a ``benign`` or ``malignant`` ``calcification`` or ``mass``."""
        return cls[f"{pathology}_{lesion_type}".upper()]
