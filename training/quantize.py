"""A model that ships becomes one that computes in 8-bit integers where that costs no quality: post-training static quantisation.

``python -m training.quantize encoder --data DIR`` reads the float model that was trained (half-precision weights), watches its
activations on training photos, and writes the next version of it. Convolutions of the layers named here keep int8 weights, a scale a
channel, and int8 activations (Jacob et al. 2018); everything else stays in float. Which layers may be quantised was measured one
block at a time (``--sensitivity``): the first blocks of EfficientNet-Lite have few channels whose ranges differ widely, and the heads
turn small errors into other answers; the blocks between hold most of the weights and take most of the time.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import qtyping, quantizer
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from services.detector.geometry import Letterbox
from shoplens.domain import Pixels
from shoplens.models import InputSpec, Manifest
from shoplens.scaling import scaled
from training.detector.photos import street_photos
from training.encoder.photos import training_photos

SEED = 0
WATCHED = 200
"""Training photos whose activations give the ranges."""

TRIED = 16
"""Further photos on which ``--sensitivity`` compares with the float model."""

_KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MAX_POOL_2D", "RESHAPE")

Inputs = NDArray[np.float32]
"""``[n, height, width, 3]``, as the model is fed."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a part's model is quantised.

    source, version: the float model's folder and the version of what is made, below ``models``. layers: matches what may be integers.
    blocks: what ``--sensitivity`` tries one by one.
    """

    source: Path
    version: str
    layers: str
    blocks: tuple[str, ...]
    fed: Callable[[Pixels, InputSpec], Pixels]


def _letterboxed(pixels: Pixels, spec: InputSpec) -> Pixels:
    return Letterbox.fit(pixels.shape[1], pixels.shape[0], spec.width, spec.height).draw(pixels)


def _stretched(pixels: Pixels, spec: InputSpec) -> Pixels:
    return scaled(pixels, spec.width, spec.height)


_TRUNK = ("stem", *(f"block{number}_" for number in range(16)))

RECIPES = {
    "detector": Recipe(
        source=Path("models/detector/3"),
        version="4",
        layers=r"block(9|1[0-5])_|lateral|top|bottom|side._",
        blocks=(*_TRUNK, "lateral", "top", "bottom", "class._", "logits", "side._", "sides"),
        fed=_letterboxed,
    ),
    "encoder": Recipe(
        source=Path("build/encoder/float"),
        version="4",
        layers=r"block([4679]|1[0-5])_|kinds_(block8_|head)",
        blocks=(*_TRUNK, "head", "mask", "kinds_block8_", "kinds_head"),
        fed=_stretched,
    ),
}


def in_full(path: Path) -> bytes:
    """A LiteRT file whose half-precision weights are floats again, with nothing to unpack when it runs."""
    model = flatbuffer_utils.read_model(str(path))
    full: dict[int, int] = {}
    for graph in model.subgraphs:
        graph.operators = [operator for operator in graph.operators if not _unpacked(model, graph, operator, full)]
    return _written(model)


def _unpacked(model: Any, graph: Any, operator: Any, full: dict[int, int]) -> bool:
    """Whether the operator did nothing but unpack weights; its output then holds them itself.

    full: buffers of halves that were unpacked before, for parts of a network share weights, and those of floats made of them.
    """
    code = model.operatorCodes[operator.opcodeIndex]
    if max(code.builtinCode, code.deprecatedBuiltinCode) != schema.BuiltinOperator.DEQUANTIZE:
        return False
    packed, result = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    halves = model.buffers[packed.buffer].data
    if packed.type != schema.TensorType.FLOAT16 or halves is None:
        return False
    if packed.buffer not in full:
        weights = schema.BufferT()
        weights.data = np.frombuffer(np.asarray(halves, np.uint8).tobytes(), np.float16).astype(np.float32).view(np.uint8)
        model.buffers.append(weights)
        full[packed.buffer] = len(model.buffers) - 1
    result.buffer = full[packed.buffer]
    return True


def without_leftovers(content: bytes) -> bytes:
    """The model without the weights that no operator reads any more."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    read, held = set(), set()
    for graph in model.subgraphs:
        used = {index for operator in graph.operators for index in (*operator.inputs, *operator.outputs)}
        for index, tensor in enumerate(graph.tensors):
            (read if index in used else held).add(tensor.buffer)
    for buffer in held - read:
        model.buffers[buffer].data = None
    return _written(model)


def _written(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "model.tflite"
        flatbuffer_utils.write_model(model, str(written))
        return written.read_bytes()


class Quantiser:
    """Makes integer models of one float model; the activations are watched once."""

    def __init__(self, content: bytes, watched: Inputs) -> None:
        self._content = content
        (self._signature, names), *_ = Interpreter(model_content=content).get_signature_list().items()
        (self._input,) = names["inputs"]
        with quietly():
            self._ranges = self._of(".*").calibrate({self._signature: [{self._input: one[None]} for one in watched]})

    def quantised(self, layers: str) -> bytes:
        """The model with the layers that match ``layers`` in integers."""
        with quietly():
            return without_leftovers(bytes(self._of(layers).quantize(self._ranges).quantized_model))

    def _of(self, layers: str) -> quantizer.Quantizer:
        recipe = quantizer.Quantizer(self._content)
        for kind in _KINDS:
            recipe.add_static_config(layers, getattr(qtyping.TFLOperationName, kind), activation_num_bits=8, weight_num_bits=8)
        return recipe


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """The quantiser tells of every step."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def outputs(content: bytes, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
    """What a model makes of ``inputs``, by output, ``[n, …]``."""
    interpreter = Interpreter(model_content=content, num_threads=2)
    (signature, names), *_ = interpreter.get_signature_list().items()
    runner = interpreter.get_signature_runner(signature)
    made = [runner(**{names["inputs"][0]: one[None]}) for one in inputs]
    return {name: np.concatenate([each[name] for each in made]) for name in names["outputs"]}


def deviations(ours: dict[str, NDArray[np.float32]], theirs: dict[str, NDArray[np.float32]]) -> dict[str, float]:
    """By output: the mean difference, as a share of how much the output varies by itself."""
    return {name: float(np.abs(ours[name] - full).mean() / np.abs(full - full.mean()).mean()) for name, full in theirs.items()}


def photos(part: str, data: Path, count: int) -> list[Pixels]:
    """Training photos of a part, ``count`` of them, drawn by lot."""
    lot = np.random.default_rng(SEED)
    if part == "detector":
        street = street_photos(data, "train")
        return [street[row].pixels for row in lot.permutation(len(street))[:count]]
    taught = [photo for photo in training_photos(data) if not photo.held_back]
    return [taught[row].read() for row in lot.permutation(len(taught))[:count]]


def inputs(recipe: Recipe, spec: InputSpec, pictures: Sequence[Pixels]) -> Inputs:
    return spec.normalise(np.stack([recipe.fed(pixels, spec) for pixels in pictures]))


def ship(part: str, recipe: Recipe, content: bytes) -> Path:
    """Write the next version's folder: the integer model, and all else as in the float one's. The card is written by hand."""
    folder = Path("models") / part / recipe.version
    source = Manifest.load(recipe.source)
    shutil.copytree(recipe.source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(source.path.name, "README.md"))
    (folder / source.path.name).write_bytes(content)
    table = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    table["version"] = recipe.version
    (folder / "manifest.json").write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description="Quantise a model that ships to 8 bits, where that costs no quality.")
    parser.add_argument("part", choices=sorted(RECIPES))
    parser.add_argument("--data", type=Path, required=True, help="the folder with the sets of photos")
    parser.add_argument("--sensitivity", action="store_true", help="show what each block costs by itself, and write nothing")
    options = parser.parse_args()
    recipe = RECIPES[options.part]
    manifest = Manifest.load(recipe.source)
    seen = inputs(recipe, manifest.input, photos(options.part, options.data, WATCHED + TRIED))
    full = in_full(manifest.path)
    quantiser, expected = Quantiser(full, seen[:WATCHED]), outputs(full, seen[WATCHED:])
    for layers in recipe.blocks if options.sensitivity else (recipe.layers,):
        found = deviations(outputs(quantiser.quantised(layers), seen[WATCHED:]), expected)
        print(f"{layers:24s}", "  ".join(f"{name} {value:.4f}" for name, value in found.items()), flush=True)
    if not options.sensitivity:
        print(f"written: {ship(options.part, recipe, quantiser.quantised(recipe.layers))}")


if __name__ == "__main__":
    main()
