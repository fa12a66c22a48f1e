"""The judge's weights out of the file that ships, so that a further lesson goes on from them: half precision, which is what serves."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from training.copies.judge import judge

Floats = NDArray[np.float32]


def restored(path: Path) -> keras.Model:
    """The network of a ``judge.tflite`` that :func:`training.copies.judge.convert` wrote. Raises ``ValueError`` where it is another's."""
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    steps = interpreter._get_ops_details()
    halves = {int(step["outputs"][0]): int(step["inputs"][0]) for step in steps if step["op_name"] == "DEQUANTIZE"}

    def constant(tensor: int) -> Floats:
        return np.asarray(interpreter.get_tensor(halves[tensor]), np.float32)

    def constants(name: str) -> list[list[Floats]]:
        """Those that each step of a kind takes, in order."""
        taken = [[constant(int(tensor)) for tensor in step["inputs"] if int(tensor) in halves] for step in steps if step["op_name"] == name]
        return [each for each in taken if each]

    try:
        (mean,), (scale,) = constants("SUB")[0], constants("MUL")[0]
    except (IndexError, ValueError) as error:
        raise ValueError(f"{path}: this is no file of the judge's") from error
    model = judge(mean, 1 / scale)
    kernels = {"Conv2D": [weight.transpose(1, 2, 3, 0) for weight, _ in constants("CONV_2D")]}
    kernels["Dense"] = [weight.T for weight, _ in constants("FULLY_CONNECTED")]
    biases = {"Conv2D": [bias for _, bias in constants("CONV_2D")], "Dense": [bias for _, bias in constants("FULLY_CONNECTED")]}
    for kind in (keras.layers.Conv2D, keras.layers.Dense):
        left = list(zip(kernels[kind.__name__], biases[kind.__name__], strict=True))
        for layer in (layer for layer in model.layers if isinstance(layer, kind)):
            fitting = [place for place, (kernel, _) in enumerate(left) if kernel.shape == tuple(layer.kernel.shape)]
            if not fitting:
                raise ValueError(f"{path}: no weights of the shape {tuple(layer.kernel.shape)}; this is another network's file")
            layer.set_weights(list(left.pop(fitting[0])))
    return model
