"""Mammogram patches: sources > images > splits > groups > store; imports go along these arrows.

A source reads a layout and hands records to the store's writer; images are what is done to pixels; splits cut
a store into training, validation and test rows for a task, and never a group. From outside: what the
docstring of each folder names.
"""

from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    """Give `mammobench.data.intensity`, as exported models' cards of earlier versions name it."""
    if name == "intensity":
        from mammobench.data.images import intensity  # noqa: PLC0415 - loads OpenCV

        return intensity
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
