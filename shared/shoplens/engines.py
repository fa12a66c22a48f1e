"""A model's file as a function, whatever it was written for: LiteRT, ONNX, or a SavedModel of TensorFlow's.

LiteRT computes what ships, on processor cores. The other two are for networks of a shop's own, and compute on a graphics card where
there is one; each needs its extra.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from shoplens.cores import Cores
from shoplens.models import LiteRtModel, ModelError

Batch = NDArray[np.float32]

_log = structlog.get_logger(__name__)


class Model(Protocol):
    """Safe to call from many threads."""

    def __call__(self, batch: Batch, /) -> Mapping[str, Batch]:
        """Run ``batch``, ``float32 [n, height, width, 3]`` or as the manifest's layout says, n ≥ 1.

        The outputs by name, each with ``n`` as its first axis. Raises what :meth:`shoplens.cores.Cores.turn` does, and ``ValueError``
        or ``RuntimeError`` for an input of another shape.
        """
        ...


def open_model(path: Path, cores: Cores) -> Model:
    """By what it is: a folder is a SavedModel, ``.onnx`` says itself, anything else is LiteRT. Raises ``ModelError``."""
    if path.is_dir():
        return SavedModel(path, cores)
    if path.suffix.lower() == ".onnx":
        return OnnxModel(path, cores)
    return LiteRtModel(path, cores)


class OnnxModel:
    """Implements ``Model`` by ONNX Runtime (https://onnxruntime.ai), on the graphics card where it was built for one that is there.

    TensorRT is passed over: it compiles a network anew, for minutes, for each number of pictures.
    """

    def __init__(self, path: Path, cores: Cores) -> None:
        """Raises ``ModelError`` where the extra is missing, or the file is none with one input."""
        try:
            import onnxruntime  # large, and only for who brings such a model
        except ImportError as error:
            raise ModelError(f"{path}: a model in ONNX needs the extra `onnx`: pip install 'shoplens[onnx]'") from error
        self._cores = cores
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores.count
        devices = [name for name in onnxruntime.get_available_providers() if name != "TensorrtExecutionProvider"]
        if "CUDAExecutionProvider" in devices:
            onnxruntime.preload_dlls()  # CUDA's libraries, from packages of their own
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=devices)
            (taken,) = self._session.get_inputs()
        except Exception as error:  # the library's own errors have no common base but this
            raise ModelError(f"{path}: this is not an ONNX model with one input ({error})") from error
        _log.info("model opened", file=path.name, devices=self._session.get_providers())
        self._input = taken.name
        self._one_by_one = isinstance(taken.shape[0], int) and taken.shape[0] == 1
        self._outputs = [each.name for each in self._session.get_outputs()]

    def __call__(self, batch: Batch, /) -> Mapping[str, Batch]:
        parts = [row[None] for row in batch] if self._one_by_one else [batch]
        made = [self._run(part) for part in parts]
        return {name: np.concatenate([each[place] for each in made]) for place, name in enumerate(self._outputs)}

    def _run(self, batch: Batch) -> list[Batch]:
        with self._cores.turn():
            try:
                return [np.asarray(each, np.float32) for each in self._session.run(self._outputs, {self._input: batch})]
            except Exception as error:  # as above
                raise ValueError(f"the model does not take this input: {error}") from error


class SavedModel:
    """Implements ``Model`` by TensorFlow: the function that the folder serves by default."""

    def __init__(self, path: Path, cores: Cores) -> None:
        """Raises ``ModelError`` where TensorFlow is missing, or the folder is no SavedModel with one input."""
        try:
            import tensorflow as tf  # takes seconds and half a gigabyte, and only for who brings such a model
        except ImportError as error:
            raise ModelError(f"{path}: a SavedModel needs TensorFlow: pip install tensorflow, or tensorflow-cpu") from error
        self._cores = cores
        try:
            # Kept: what it loaded lives as long as this object does.
            self._loaded = tf.saved_model.load(str(path))
            self._serve = self._loaded.signatures["serving_default"]
            _, taken = self._serve.structured_input_signature
            (self._input,) = taken
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise ModelError(f"{path}: this is not a SavedModel that serves with one input ({error})") from error

    def __call__(self, batch: Batch, /) -> Mapping[str, Batch]:
        import tensorflow as tf

        with self._cores.turn():
            try:
                outputs = self._serve(**{self._input: tf.constant(batch)})
            except (tf.errors.OpError, TypeError) as error:
                raise ValueError(f"the model does not take this input: {error}") from error
            return {name: np.asarray(each, np.float32) for name, each in outputs.items()}
