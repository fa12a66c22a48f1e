"""Models as folders: a manifest that describes, and a file that computes, in LiteRT where it ships with us.

A model is a versioned folder, ``models/<name>/<version>/``, which holds ``manifest.json``, the file it names and a
model card. The manifest says everything that the calling code must know: input size and normalisation, what each
output tensor means, the names of the classes, where the knowledge came from. What only one kind of model needs
(thresholds, widths, fitted weights) stands under ``parameters`` and is read by that kind's engine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from shoplens.cores import Cores
from shoplens.errors import ShoplensError

MANIFEST_NAME = "manifest.json"


class ModelError(ShoplensError):
    """A model folder that cannot be used. Raised while a service starts, so it never crosses a wire."""

    reason = "unusable-model"
    title = "The model cannot be used"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a model wants to be fed: float32 ``[n, height, width, 3]``, each value ``(pixel * scale - mean) / std``.

    layout: ``nhwc``, or ``nchw`` for ``[n, 3, height, width]``, as networks from PyTorch have it.
    """

    height: int
    width: int
    colour: str = "rgb"
    scale: float = 1.0 / 255.0
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    layout: str = "nhwc"

    def normalise(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pixels ``uint8 [..., 3]`` RGB, 0..255, already of the right size, as the floats the model was trained on."""
        values = np.ascontiguousarray(pixels[..., ::-1] if self.colour == "bgr" else pixels).astype(np.float32)
        channels = sorted(set(zip(self.mean, self.std, strict=True)))
        if len(channels) > 1:
            channels = list(zip(self.mean, self.std, strict=True))
        # With one number for all channels numpy is twenty times as fast as with one for each.
        values *= np.array([self.scale / std for _, std in channels], dtype=np.float32)
        values -= np.array([mean / std for mean, std in channels], dtype=np.float32)
        return np.ascontiguousarray(np.moveaxis(values, -1, -3)) if self.layout == "nchw" else values


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One output tensor: what it means, and its shape without the batch axis.

    tensor: what the file calls it, where that is not the manifest's own name for it.
    """

    meaning: str
    shape: tuple[int, ...]
    tensor: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Something the model was made from, and the licence it came under."""

    name: str
    licence: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A model's own description; see the module's docstring."""

    name: str
    version: str
    path: Path
    """The model's file (a SavedModel's folder), absolute or relative to the working directory; its name is ``file`` in the manifest."""
    input: InputSpec
    outputs: Mapping[str, OutputSpec]
    classes: tuple[str, ...]
    sources: tuple[Source, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | str) -> Manifest:
        """Read a model's folder, or its manifest file.

        Raises:
            ModelError: a file is missing, is not JSON, or lacks a field; the message names the file and the field.
        """
        path = Path(path)
        manifest = path / MANIFEST_NAME if path.is_dir() else path
        try:
            table = json.loads(manifest.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(f"{manifest}: there is no model manifest here ({error.strerror})") from error
        except ValueError as error:
            raise ModelError(f"{manifest}: this is not JSON ({error})") from error
        try:
            loaded = cls._from_table(table, manifest.parent)
        except KeyError as error:
            raise ModelError(f"{manifest}: the field {error.args[0]!r} is missing") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{manifest}: a field has the wrong type ({error})") from error
        if not loaded.path.exists():
            raise ModelError(f"{manifest}: it names {loaded.path.name!r}, which is not in the folder")
        return loaded

    @classmethod
    def _from_table(cls, table: Mapping[str, Any], folder: Path) -> Manifest:
        source = table["input"]
        return cls(
            name=str(table["name"]),
            version=str(table["version"]),
            path=folder / str(table["file"]),
            input=InputSpec(
                height=int(source["height"]),
                width=int(source["width"]),
                colour=str(source.get("colour", "rgb")),
                scale=float(source.get("scale", 1.0 / 255.0)),
                mean=tuple(float(value) for value in source.get("mean", (0.5, 0.5, 0.5))),
                std=tuple(float(value) for value in source.get("std", (0.5, 0.5, 0.5))),
                layout=_layout(source.get("layout", "nhwc")),
            ),
            outputs={
                str(name): OutputSpec(str(spec["meaning"]), tuple(int(side) for side in spec["shape"]), _text(spec.get("tensor")))
                for name, spec in table["outputs"].items()
            },
            classes=tuple(str(name) for name in table["classes"]),
            sources=tuple(Source(str(entry["name"]), str(entry["licence"])) for entry in table.get("sources", ())),
            parameters=dict(table.get("parameters", {})),
        )


def _layout(value: object) -> str:
    if value not in ("nhwc", "nchw"):
        raise ValueError(f"the layout of an input is nhwc or nchw, not {value}")
    return str(value)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


class LiteRtModel:
    """A LiteRT file as a function from one batch to named outputs; safe to call from many threads.

    An interpreter keeps its tensors in place, so one call at a time enters it: there is one with a thread for every core, for
    the call that has all of them, and as many with a single thread as there are cores, made when a crowd first needs them.
    """

    def __init__(self, path: Path | str, cores: Cores | None = None) -> None:
        """Load the file. ``cores`` are shared with other models. Raises ModelError where it is none with one named input."""
        self._path = path
        self._cores = cores or Cores()
        self._idle: dict[int, list[_Interpreter]] = {self._cores.count: [_Interpreter(path, self._cores.count)]}

    def __call__(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run ``batch``, ``float32 [n, height, width, 3]``, n ≥ 1; the outputs by name, each with ``n`` as its first axis.

        Row by row: a batch would save no time and take its multiple of memory, and between rows others get their turn.
        Raises what :meth:`shoplens.cores.Cores.turn` does.
        """
        rows = [self._one(row[None]) for row in batch]
        return rows[0] if len(rows) == 1 else {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}

    def _one(self, row: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        with self._cores.turn() as threads:
            interpreter = self._take(threads)
            try:
                return interpreter.run(row)
            finally:
                self._idle[threads].append(interpreter)

    def _take(self, threads: int) -> _Interpreter:
        try:
            # There are never more calls in here than cores; list operations are atomic.
            return self._idle.setdefault(threads, []).pop()
        except IndexError:
            return _Interpreter(self._path, threads)


class _Interpreter:
    """One interpreter of a file; one call at a time."""

    def __init__(self, path: Path | str, threads: int) -> None:
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
            signatures = self._interpreter.get_signature_list()
            name, signature = next(iter(signatures.items()))
            (self._input_name,) = signature["inputs"]
            self._runner = self._interpreter.get_signature_runner(name)
        except (OSError, ValueError, RuntimeError, StopIteration) as error:
            raise ModelError(f"{path}: this is not a LiteRT model with one named input ({error})") from error

    def run(self, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return dict(self._runner(**{self._input_name: batch}))
