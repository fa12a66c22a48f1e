"""The reader's network while it learns: what comes before each attribute is given (teacher forcing, Williams & Zipser 1989)."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from numpy.typing import NDArray

STATE, CONTEXT, SYMBOL = 192, 128, 64
_DROPPED = 0.3


def network(width: int, categories: int, values: Mapping[str, int]) -> keras.Model:
    """Inputs: ``seen [n, width]``, ``category [n, categories]``, each attribute but the last, one-hot. Outputs: logits, by attribute."""
    layers = keras.layers
    seen, category = keras.Input((width,), name="seen"), keras.Input((categories,), name="category")
    before = {name: keras.Input((count,), name=f"said_{name}") for name, count in list(values.items())[:-1]}
    state = layers.Dense(STATE, activation="tanh", name="begin")(layers.Dropout(_DROPPED)(seen))
    context = layers.Dense(CONTEXT, activation="relu", name="context")(layers.Dropout(_DROPPED)(seen))
    unit = layers.GRUCell(STATE, name="unit")
    symbol = layers.Dense(SYMBOL, name="from_category")(category)
    outputs = {}
    for name, count in values.items():
        state, _ = unit(layers.Concatenate()([symbol, context]), [state])
        outputs[name] = layers.Dense(count, name=name)(layers.Dropout(_DROPPED)(state))
        if name in before:
            symbol = layers.Dense(SYMBOL, name=f"from_{name}")(before[name])
    return keras.Model({"seen": seen, "category": category} | {f"said_{name}": given for name, given in before.items()}, outputs)


def weights_of(model: keras.Model) -> dict[str, NDArray[np.float16]]:
    """As :class:`services.ranker.attributes.AttributeReader` names them."""
    found = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            kernel, bias = layer.get_weights()
            found |= {f"{layer.name}_kernel": kernel, f"{layer.name}_bias": bias}
    inputs, inner, (bias, inner_bias) = model.get_layer("unit").get_weights()
    found |= {"unit_inputs_kernel": inputs, "unit_inputs_bias": bias, "unit_state_kernel": inner, "unit_state_bias": inner_bias}
    return {name: part.astype(np.float16) for name, part in found.items()}
