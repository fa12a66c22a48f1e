"""What a training goes on from where it was stopped."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import ops


class State:
    """The network's and the optimiser's numbers, and the steps done, in one file ``path`` (``.npz``), replaced as a whole."""

    def __init__(self, model: keras.Model, optimizer: keras.optimizers.Optimizer, path: Path) -> None:
        optimizer.build(model.trainable_variables)
        self._variables = [*model.variables, *optimizer.variables]
        self._path = path

    def save(self, step: int) -> None:
        """Keep the numbers as they are after ``step`` steps."""
        partial = self._path.with_suffix(".partial.npz")
        np.savez(partial, step=step, **{str(n): ops.convert_to_numpy(variable) for n, variable in enumerate(self._variables)})
        partial.replace(self._path)

    def restore(self) -> int:
        """Take the kept numbers; the steps done before, 0 where nothing is kept."""
        if not self._path.is_file():
            return 0
        with np.load(self._path) as kept:
            for n, variable in enumerate(self._variables):
                variable.assign(kept[str(n)])
            return int(kept["step"])
