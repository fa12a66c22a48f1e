"""From a Keras network to a LiteRT file with half-precision weights."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

Serve = Callable[[tf.Tensor], dict[str, tf.Tensor]]


def convert(model: keras.Model, serve: Serve, name: str, shape: Sequence[int]) -> bytes:
    """The file of the function ``serve``, which runs ``model`` on float32 ``[n, *shape]``, its input called ``name``."""
    # Keras 3's own archive: TensorFlow's saver alone does not see its variables, and the converter would freeze zeros.
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", serve, input_signature=[tf.TensorSpec([None, *shape], tf.float32, name=name)])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serve"])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())
