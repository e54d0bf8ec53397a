"""What needs TensorFlow itself: faster forms of Keras layers with the same mathematics, and Grad-CAM.

The only file of this package that imports TensorFlow; used where TensorFlow is Keras's backend.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mammobench.core.aliases import Tensor
from mammobench.models.toolkit import Toolkit

_BYTE = 256


@keras.saving.register_keras_serializable(package="mammobench")
class FusedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` whose bias is TensorFlow's BiasAdd, which fuses with the convolution.

    In bfloat16 the bias's gradient is summed in float32, which Keras's is not on the CPU.
    """

    def call(self, inputs: Tensor) -> Tensor:
        """Convolve (batch, height, width, channels) and add the bias."""
        outputs = self.convolution_op(inputs, self.kernel)
        if not self.use_bias:
            return outputs
        add = _add_bias if outputs.dtype == tf.bfloat16 else tf.nn.bias_add
        return add(outputs, tf.convert_to_tensor(self.bias))


@tf.custom_gradient
def _add_bias(outputs: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, Callable[..., Any]]:
    """Add a bias to (batch, height, width, channels) in bfloat16.

    On the CPU TensorFlow's own gradient of BiasAdd, and so Keras's, sums in bfloat16: 320,000 ones give 512.
    """

    def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return upstream, tf.reduce_sum(upstream, axis=(0, 1, 2))

    return tf.nn.bias_add(outputs, bias), gradients


@keras.saving.register_keras_serializable(package="mammobench")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` of feature maps through one fused operation.

    The inputs keep their precision; statistics are float32. Like Keras's, the moving variance takes the
    batch's biased variance, where the fused operation itself returns the unbiased one.
    """

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor = None) -> Tensor:
        """Normalise (batch, height, width, channels) over all but the channels."""
        if mask is not None:
            return super().call(inputs, training=training, mask=mask)
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        if not (training and self.trainable):
            outputs, *_ = tf.compat.v1.nn.fused_batch_norm(
                inputs,
                gamma,
                beta,
                mean=tf.convert_to_tensor(self.moving_mean),
                variance=tf.convert_to_tensor(self.moving_variance),
                epsilon=self.epsilon,
                is_training=False,
            )
            return outputs
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, gamma, beta, epsilon=self.epsilon, is_training=True
        )
        count = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], "float32")
        biased = variance * ((count - 1) / count)
        keep = 1.0 - self.momentum
        self.moving_mean.assign_sub((tf.convert_to_tensor(self.moving_mean) - mean) * keep)
        self.moving_variance.assign_sub((tf.convert_to_tensor(self.moving_variance) - biased) * keep)
        return outputs


@keras.saving.register_keras_serializable(package="mammobench")
class ByteDropout(keras.layers.Dropout):
    """`keras.layers.Dropout` that draws 8 random bits a value instead of 32.

    The keep rate is therefore a multiple of 1/256, the one nearest to ``1 - rate``, and kept values are
    scaled by exactly its inverse, so that the mean is unchanged. The draws come from the layer's seed
    generator, whose state is saved with the model.
    """

    @property
    def kept_of_256(self) -> int:
        """How many of 256 values are kept on average, at least 1."""
        return max(1, round((1 - float(self.rate)) * _BYTE))

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Drop values of a tensor of any shape, in training only."""
        kept = self.kept_of_256
        if not training or kept == _BYTE:
            return inputs
        return inputs * _byte_mask(tf.shape(inputs), inputs.dtype, kept, self.seed_generator.next())


def _byte_mask(shape: tf.Tensor, dtype: tf.DType, kept: int, seed: tf.Tensor) -> tf.Tensor:
    size = tf.reduce_prod(shape)
    words = tf.random.stateless_uniform(
        [(size + 3) // 4], tf.cast(seed, "int32"), minval=None, maxval=None, dtype=tf.int32
    )
    values = tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:size], shape)
    return tf.cast(values < kept, dtype) * tf.cast(_BYTE / kept, dtype)


@keras.saving.register_keras_serializable(package="mammobench")
class WindowMaxPooling2D(keras.layers.MaxPooling2D):
    """`keras.layers.MaxPooling2D` of 2 x 2 windows whose gradient takes a third of the time.

    TensorFlow's gradient searches every window again; this one compares its four corners with the maximum,
    in the same order, so that the first of equal values gets the gradient. Other windows, and sides of odd
    length, go TensorFlow's way.
    """

    def call(self, inputs: Tensor) -> Tensor:
        """Pool (batch, height, width, channels)."""
        _, height, width, channels = inputs.shape
        plain = self.pool_size == (2, 2) and self.strides == (2, 2)
        if not plain or None in {height, width, channels} or height % 2 or width % 2:
            return super().call(inputs)
        return _max_pool(inputs)


@tf.custom_gradient
def _max_pool(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    pooled = tf.nn.max_pool2d(x, 2, 2, "VALID")

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        width, channels = pooled.shape[2], pooled.shape[3]
        rows = tf.reshape(x, (-1, 2, width, 2 * channels))
        corners = [rows[:, row, :, side * channels :][..., :channels] for row in (0, 1) for side in (0, 1)]
        largest = tf.reshape(pooled, (-1, width, channels))
        left = tf.reshape(upstream, (-1, width, channels))
        parts = []
        for corner in corners[:3]:
            parts.append(tf.cast(tf.equal(corner, largest), x.dtype) * left)
            left -= parts[-1]
        parts.append(left)  # what no other corner took
        top, bottom = tf.concat(parts[:2], -1), tf.concat(parts[2:], -1)
        return tf.reshape(tf.stack([top, bottom], axis=1), tf.shape(x))

    return pooled, gradient


FAST = Toolkit(
    convolution=FusedConv2D,
    batch_normalization=FusedBatchNormalization,
    layer_normalization=keras.layers.LayerNormalization,
    group_normalization=keras.layers.GroupNormalization,
    dropout=ByteDropout,
    max_pooling=WindowMaxPooling2D,
    pools_first=True,
)
"""The layers of networks on TensorFlow."""


def weighted_maps(
    model: keras.Model, maps: keras.KerasTensor, pixels: npt.NDArray[np.uint8], answers: npt.NDArray[np.int64]
) -> tf.Tensor:
    """Return feature maps weighted by the mean gradient of each image's score, summed and cut at zero.

    The score is that before the probability.

    Args:
        model: A functional model whose last layer is dense: one sigmoid unit, or softmax.
        maps: Which of its tensors, (batch, height, width, channels).
        pixels: As the model takes them, (n, size, size, 1).
        answers: The class of the score, (n,); with one unit, class 0 has the negative score.

    Returns:
        float32 (n, height, width), 0 or more.
    """
    last = model.layers[-1]
    inner = keras.Model(model.input, [maps, last.input])
    with tf.GradientTape() as tape:
        seen, features = inner(tf.convert_to_tensor(pixels), training=False)
        scores = tf.cast(features, tf.float32) @ tf.cast(last.kernel, tf.float32)
        if last.use_bias:
            scores += tf.cast(last.bias, tf.float32)
        if last.units == 1:
            of_answer = scores[:, 0] * (2.0 * answers.astype(np.float32) - 1.0)
        else:
            of_answer = tf.gather(scores, answers, axis=1, batch_dims=1)
    gradient = tf.cast(tape.gradient(of_answer, seen), tf.float32)
    weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * tf.cast(seen, tf.float32), axis=-1))
