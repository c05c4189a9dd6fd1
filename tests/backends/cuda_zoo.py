"""The networks whose CUDA kernels are held to bounds.

Those of other tests, the reference cases, what the benchmarks measure, and all activations.
"""

from __future__ import annotations

from typing import Any

from benchmarks.cases import convolutional as measured
from tests.activations.test_oracle import call
from tests.backends.kernels import network
from tests.backends.test_slice_activations import convolutional
from tests.backends.test_slices import ZOO
from tests.backends.test_slices import network as image
from tests.network.programs import REFERENCE, SPATIAL_CASES, VECTOR_CASES
from tests.oracle.build import ALL


def _reference(names: list[str]) -> dict[str, str]:
    return {name: (REFERENCE / f"{name}.ntk").read_text(encoding="utf-8") for name in names}


def _measured(blocks: str) -> str:
    return measured("zoo", blocks, "float32", w_std="sqrt(2)", b_std=0.0).source


VECTORS = {
    "relu": network("{ dense(w_std = sqrt(2)) -> relu } * 3", "dense"),
    "relu with bias": network("{ dense(w_std = sqrt(2), b_std = 0.1) -> relu } * 3", "dense"),
    "erf": network("{ dense(w_std = 1.4, b_std = 0.1) -> erf } * 2", "dense"),
    "gelu": network("dense(b_std = 0.1) -> gelu", "dense"),
    "alternating": network("{ dense -> relu -> dense(b_std = 0.1) -> erf } * 4", "dense"),
    "residual": network(
        "dense", "add(identity, relu -> dense(w_std = w)) * 3", "relu", "dense",
        before="param w = 0.5\n",
    ),
    "bounded": network("dense(b_std = 0.1) -> relu6", "dense"),
    "certified": network("{ dense(b_std = 0.1) -> tanh } * 2 -> dense -> softplus", "dense"),
    "exponential": network("dense(b_std = 0.1) -> elu", "dense"),
    "multiplied": network("multiply(dense -> relu -> dense, dense) -> dense -> relu", "dense"),
    "collapsed": network("{ dense(w_std = 1.4) -> relu } * 9 -> dense").replace(
        "vector[7]", "vector[7] normalized"
    ),
    "table": network("{ dense(w_std = 1.6, b_std = 0.1) -> erf } * 20 -> dense").replace(
        "vector[7]", "vector[7] normalized"
    ),
    "scaled": network("normalize", "{ dense(w_std = 1.4, b_std = 0.1) -> erf } * 3", "dense"),
    "deep": network("{ dense(w_std = 1.4, b_std = 0.1) -> relu } * 40", "dense"),
    **_reference(VECTOR_CASES),
}  # fmt: skip

POSITIONS = {
    **{name: image(text) for name, text in ZOO.items()},
    "sequence": image(
        "conv(3, @) -> relu -> avg_pool(2) -> conv(2, dilation = 2) -> relu -> flatten",
        "sequence[11, 3]",
    ),
    "volume": image(
        "conv(1x2x3, @) -> relu -> avg_pool(1x2x2) -> conv(2) -> abs -> global_avg_pool",
        "volume[3, 4, 6, 2]",
    ),
    "blocks": image(
        "concat(conv(2x1, @) -> relu -> conv(2x1), conv(1), axis = height) -> relu"
        " -> global_sum_pool",
        "image[5, 4, 2]",
    ),
    "transposed around": image(
        "conv_transpose(3x2, @@, stride = 2x1) -> relu -> conv(3x3, @@) -> relu -> flatten"
    ),
    "large windows": image("conv(8x7, @) -> relu -> global_avg_pool", "image[9, 8, 12]"),
    "bounded": image("conv(3x3, @, b_std = 0.1) -> relu6 -> global_avg_pool"),
    "certified": image("conv(3x3, @, b_std = 0.1) -> tanh -> conv(2x2) -> softplus -> flatten"),
    "exponential": image("conv(3x3, @, b_std = 0.1) -> selu -> conv(2x2) -> celu(0.7) -> flatten"),
    **_reference(SPATIAL_CASES),
    "5-gap": _measured("3 3 3 3 3 gap"),
    "21-gap": _measured(" ".join(["3"] * 21 + ["gap"])),
    "myrtle-10": _measured("3 3 3 p 3 3 3 p 3 3 3 p p p flatten"),
}

ACTIVATIONS = tuple({case[0]: case for case in reversed(ALL)}.values())
"""Each with the first sample of its arguments."""


def activated(case: Any) -> tuple[str, str]:
    """A network on vectors and one on positions, with an activation twice in a row of layers."""
    layer = f"dense(w_std = 0.7, b_std = 0.1) -> {call(*case)}"
    return network(f"{layer} -> {layer} -> dense"), convolutional(case, "global_avg_pool")
