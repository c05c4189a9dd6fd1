"""The rival's networks: each function builds what one family of cases describes in `.ntk`.

A case names a function of this module and its arguments; the function returns the rival's
`kernel_fn`. Add one here when a case needs another architecture.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def fully_connected(activation: str, depth: int, w_std: float, b_std: float) -> Any:
    """`depth` hidden layers and a readout; the width plays no part in the kernel."""
    stax = import_module("neural_tangents.stax")
    activations = {"relu": stax.Relu, "erf": stax.Erf, "gelu": stax.Gelu}
    hidden = [stax.Dense(1, w_std, b_std), activations[activation]()]
    _, _, kernel_fn = stax.serial(*hidden * depth, stax.Dense(1, w_std, b_std))
    return kernel_fn
