"""All that mammobench uses of KerasTuner's private names; `test_private_names` in tests/contracts is on them.

| name | why | the public call that would replace it |
|---|---|---|
| `Oracle._random_values` | takes 20 repeats in a row for the end of the space | one to override |
| `BayesianOptimizationOracle._get_hp_bounds` | a log `Int` comes out one too large | a mended one |
| `HyperbandOracle._get_size` | a round waits for trials that a small space has not | one to override |

Each is a method that KerasTuner's own `populate_space` calls.
"""

from typing import Any

import keras_tuner
import numpy as np
import numpy.typing as npt


class ValuesDrawn(keras_tuner.Oracle):
    """An oracle whose random values are drawn by `random_values`."""

    def random_values(self) -> dict[str, Any] | None:
        """Draw values of the hyperparameters; None where there are none left."""
        raise NotImplementedError

    def _random_values(self) -> dict[str, Any] | None:
        return self.random_values()


class BoundsGiven(keras_tuner.oracles.BayesianOptimizationOracle):
    """A Bayesian oracle that searches between the bounds of `bounds`."""

    def bounds(self) -> npt.NDArray[np.float64]:
        """Return the least and largest probability of each hyperparameter that is not fixed, (n, 2)."""
        raise NotImplementedError

    def _get_hp_bounds(self) -> npt.NDArray[np.float64]:
        return self.bounds()


class SizesGiven(keras_tuner.oracles.HyperbandOracle):
    """A Hyperband oracle whose rounds are of the sizes of `size`."""

    def size(self, bracket: int, number: int, usual: int) -> int:
        """Return how many trials a round has.

        Args:
            bracket: The bracket's number, which is its last round's.
            number: The round's, from 0.
            usual: How many it has by Hyperband.
        """
        raise NotImplementedError

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        return self.size(bracket_num, round_num, super()._get_size(bracket_num, round_num))
