"""The rival's networks: each function builds what one family of cases describes in `.ntk`.

A case names a function of this module and its arguments; the function returns the rival's
`kernel_fn`. Add one here when a case needs another architecture.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

QUADRATURE_POINTS = 25
"""Along each of two axes: what neural-tangents advises for smooth activations."""


def fully_connected(activation: str, depth: int, w_std: float, b_std: float) -> Any:
    """`depth` hidden layers and a readout; the width plays no part in the kernel."""
    stax = import_module("neural_tangents.stax")
    activations = {
        "relu": stax.Relu,
        "erf": stax.Erf,
        "gelu": stax.Gelu,
        "tanh by quadrature": _tanh_by_quadrature,
    }
    hidden = [stax.Dense(1, w_std, b_std), activations[activation]()]
    _, _, kernel_fn = stax.serial(*hidden * depth, stax.Dense(1, w_std, b_std))
    return kernel_fn


def _tanh_by_quadrature() -> Any:
    """tanh, with its derivative given, which is faster than leaving it to JAX."""
    numpy, stax = import_module("jax.numpy"), import_module("neural_tangents.stax")
    return stax.ElementwiseNumerical(
        numpy.tanh, QUADRATURE_POINTS, lambda z: 1 - numpy.tanh(z) ** 2
    )


def convolutional(blocks: str, w_std: float, b_std: float, readout_w_std: float = 1.0) -> Any:
    """A network from words: `3` is a 3x3 convolution and a ReLU, `/` one of stride 2, `p` an
    average pool of 2x2, and the last word `flatten` or `gap` says how positions end.
    """
    stax = import_module("neural_tangents.stax")
    layers: list[Any] = []
    *words, end = blocks.split()
    for word in words:
        if word == "p":
            layers.append(stax.AvgPool((2, 2), strides=(2, 2)))
            continue
        strides = (2, 2) if word == "/" else (1, 1)
        convolution = stax.Conv(1, (3, 3), strides, "SAME", W_std=w_std, b_std=b_std)
        layers += [convolution, stax.Relu()]
    layers.append(stax.Flatten() if end == "flatten" else stax.GlobalAvgPool())
    _, _, kernel_fn = stax.serial(*layers, stax.Dense(1, readout_w_std))
    return kernel_fn
