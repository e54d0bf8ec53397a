"""A saved Keras model, opened where it can be used and refused in words where it cannot."""

from pathlib import Path
from typing import Any

from mammobench.core.aliases import KerasModel
from mammobench.core.errors import ConfigError

MODEL = "model.keras"
"""The file that `mammobench reproduce` exports."""

_REMEDY = f"Use the {MODEL} that `mammobench reproduce` exports, or let it export that again"


def open_model(path: Path, *, size: int, classes: int | None = None) -> KerasModel:
    """Load a model of the family for predicting, in Keras's safe mode: nothing in the file is run as code.

    Args:
        path: A ``.keras`` file.
        size: Side of its input, in pixels.
        classes: Of its task; None to take as many as it has.

    Raises:
        ConfigError: For a file that Keras refuses (damaged, another kind, code in it, an unknown class), or a
            model of other images or classes.
    """
    # imported here: the process that asks does without it
    import keras

    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
        shapes = tuple(model.input_shape), tuple(model.output_shape)
    except Exception as error:  # noqa: BLE001 - what a bad file makes Keras raise is anything
        raise ConfigError(
            "Keras refuses the model",
            where=path,
            expected="a .keras file of layers that Keras knows, with no code in it",
            found=_first_line(error),
            remedy=_REMEDY,
        ) from None
    taken, given = shapes
    image = size, size, 1
    if len(taken) != 1 + len(image) or not all(map(_fits, taken[1:], image)):
        raise ConfigError(
            "the model is for other images",
            where=path,
            expected=f"an input of shape ({size}, {size}, 1)",
            found=_shape(taken),
            remedy=_REMEDY,
        )
    # of two classes the first has what the second leaves
    fitting = {classes, 1} if classes == 2 else {classes}  # noqa: PLR2004 - the classes of a binary task
    if len(given) != 2 or not (classes is None or given[1] in fitting):  # noqa: PLR2004 - batch, classes
        raise ConfigError(
            "the model gives other answers",
            where=path,
            expected=f"probabilities of {classes or 'its'} classes",
            found=f"an output of shape {_shape(given)}",
            remedy=_REMEDY,
        )
    return model


def _fits(own: object, side: int) -> bool:
    return own is None or own == side


def _shape(shape: tuple[Any, ...]) -> str:
    return f"({', '.join(map(str, shape[1:]))})"


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}, {text[0].rstrip('.')}" if text else type(error).__name__
