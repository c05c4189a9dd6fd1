"""Derivatives of networks on positions by their parameters, against the recursion in 55 digits."""

from __future__ import annotations

import numpy as np
import pytest

from tests.gradients.oracle import Array, derived, rates

HEAD = """param w = 1.3
param b = 0.2
param r = 0.25
network net {
    input image[3, 2, 2]
"""
BODIES = {
    "flatten": "conv(2, w_std = w, b_std = b, padding = same) -> relu -> flatten"
    " -> dense(w_std = w)",
    "pool": "conv(2, w_std = w) -> erf -> avg_pool(2x1) -> conv(1, b_std = b) -> relu"
    " -> global_avg_pool",
    "strides": "conv(2, w_std = w, stride = 2x1, padding = same) -> relu"
    " -> conv(3, b_std = b, padding = circular) -> relu -> global_avg_pool -> dense",
    "norm": "conv(2, w_std = w, b_std = b, padding = same) -> layer_norm -> relu -> flatten"
    " -> dense(b_std = b)",
    "transposed": "conv(2, b_std = b) -> relu -> conv_transpose(2, w_std = w) -> relu -> flatten",
    "local": "conv(2, w_std = w, padding = same) -> relu -> local_conv(2x1, b_std = b) -> relu"
    " -> global_avg_pool",
    "dropout": "conv(2, w_std = w, padding = same) -> relu -> dropout(r) -> conv(1, b_std = b)"
    " -> relu -> dropout(r) -> avg_pool(3x2) -> flatten",
    "blocks": "concat(conv(1, w_std = w), conv(1, b_std = b), axis = height) -> relu"
    " -> global_avg_pool",
    "residual": "conv(1, b_std = b) -> add(relu -> conv(3, padding = same, w_std = w), identity)"
    " -> relu -> global_avg_pool",
}


def batches() -> tuple[Array, Array]:
    rng = np.random.default_rng(11)
    return rng.standard_normal((2, 3, 2, 2)), rng.standard_normal((2, 3, 2, 2))


def close(found: Array, expected: Array, tolerance: float) -> None:
    scale = max(1.0, np.abs(expected).max())  # kernels here are of order 1; a rate may vanish
    assert np.abs(found - expected).max() <= tolerance * scale


@pytest.mark.parametrize("name", BODIES)
def test_rates_of_pairs_and_of_single_inputs(name: str) -> None:
    """To 1e-12: some dozens of roundings. Where an input meets itself, kinks cost half the digits
    of an entry, as they do in the kernel; of those there are none off the diagonal here.
    """
    text, (x1, x2) = HEAD + f"    {BODIES[name]}\n}}\n", batches()
    kernel = derived(text)
    names = [n for n in ("w", "b", "r") if f"= {n}" in BODIES[name] or f"({n})" in BODIES[name]]
    for root in ("ntk", "nngp"):
        value, gradient = kernel.value_and_gradient(x1, x2, get=root, wrt=names)
        # A rounding or two: where derivatives divide too, other divisions are shared.
        np.testing.assert_allclose(value, kernel(x1, x2, get=root), rtol=5e-16)
        _, own = kernel.value_and_gradient(x1, get=root, wrt=names)
        for parameter in names:
            close(gradient[parameter], rates(text, x1, x2, parameter)[root], 1e-12)
            single = rates(text, x1, x1, parameter)[f"{root}_diagonal"]
            close(own[parameter].diagonal(), single, 1e-12)
            np.testing.assert_array_equal(own[parameter], own[parameter].T)


def test_float32() -> None:
    text, (x1, x2) = HEAD + f"    {BODIES['pool']}\n}}\n", batches()
    _, gradient = derived(text, "float32").value_and_gradient(x1, x2, wrt="w")
    close(gradient["w"], rates(text, x1, x2, "w")["ntk"], 1e-5)


def test_a_parameter_that_moves_one_kernel_alone() -> None:
    """By a readout's bias the NNGP kernel's rate is 2b at every pair, by a learning rate 0."""
    body = "conv(2, learning_rate = w) -> relu -> flatten -> dense(b_std = b)"
    text, (x1, x2) = HEAD + f"    {body}\n}}\n", batches()
    found = derived(text).value_and_gradient(x1, x2, get="nngp", wrt=("b", "w")).gradient
    np.testing.assert_allclose(found["b"], 0.4, rtol=1e-15)
    np.testing.assert_array_equal(found["w"], 0.0)


def test_a_cotangent_contracts() -> None:
    text, (x1, x2) = HEAD + f"    {BODIES['flatten']}\n}}\n", batches()
    kernel, weights = derived(text), np.array([[1.0, -2.0], [0.5, 3.0]])
    whole = kernel.value_and_gradient(x1, x2, wrt="w").gradient["w"]
    found = kernel.value_and_gradient(x1, x2, wrt="w", cotangent=weights).gradient["w"]
    assert found == pytest.approx((weights * whole).sum(), rel=1e-14)
