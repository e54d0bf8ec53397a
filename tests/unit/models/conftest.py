from collections.abc import Iterator

import keras
import pytest


@pytest.fixture(autouse=True)
def _float32() -> Iterator[None]:
    """Leave Keras's global precision as it was."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    yield
    keras.config.set_dtype_policy(before)
