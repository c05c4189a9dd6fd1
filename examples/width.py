"""A finite network approaches the compiled kernel as it gets wider.

Draws networks of growing width at random, in plain NumPy, and compares their empirical kernels
with the compiled ones:

- NNGP: the covariance of the output over the last layer's weights, w² h(x)·h(x') / n + b².
- NTK: the inner product of the output's gradients by all weights and biases. A weight's gradient is
  (what comes back to its layer) times (what goes into it), so layer l adds the product of two Gram
  matrices: that of the backpropagated gradients, and that of its inputs, scaled as the weights are.

Expect errors that fall as width^-1/2: a quarter of the error for 16 times the width.

    python examples/width.py
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import ntkc

PROGRAM = """
param w_std = 1.4
param b_std = 0.2

network net {
    input vector[10]
    { dense(w_std = w_std, b_std = b_std) -> relu } * 2
    dense(w_std = w_std, b_std = b_std)
}
"""
HIDDEN, W_STD, B_STD = 2, 1.5, 0.3
Array = NDArray[np.float64]


def empirical(x: Array, width: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """NNGP kernel and NTK of one random network with one output, at initialisation."""
    features, slopes, weights, grams = x, [], [], []
    for _ in range(HIDDEN):
        grams.append(W_STD**2 * features @ features.T / features.shape[1] + B_STD**2)
        weight = rng.standard_normal((features.shape[1], width))
        weight *= W_STD / np.sqrt(features.shape[1])
        z = features @ weight + B_STD * rng.standard_normal(width)
        weights.append(weight)
        slopes.append((z > 0).astype(float))
        features = np.maximum(z, 0)
    nngp = W_STD**2 * features @ features.T / width + B_STD**2
    back = W_STD / np.sqrt(width) * rng.standard_normal(width)  # df/dh, the same for all x
    ntk = nngp.copy()  # the readout's part: its gradient is its input
    delta = slopes[-1] * back
    for layer in range(HIDDEN - 1, -1, -1):
        ntk += (delta @ delta.T) * grams[layer]
        if layer:
            delta = slopes[layer - 1] * (delta @ weights[layer].T)
    return nngp, ntk


def relative(a: Array, b: Array) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Finite widths against the compiled limit.")
    parser.add_argument("--small", action="store_true", help="widths up to 256 instead of 2048")
    small = parser.parse_args(argv).small
    widths = [16, 64, 256] if small else [32, 128, 512, 2048]
    draws = 30 if small else 20

    rng = np.random.default_rng(0)
    x = rng.standard_normal((20, 10))
    kernel = ntkc.compile(source=PROGRAM)
    limit = kernel(x, get=("nngp", "ntk"), w_std=W_STD, b_std=B_STD)

    print(f"relative error of a random network's kernels, root mean square of {draws} networks\n")
    print("width    nngp     ntk")
    errors = []
    for width in widths:
        found = [empirical(x, width, rng) for _ in range(draws)]
        pairs = [(relative(k, limit.nngp), relative(t, limit.ntk)) for k, t in found]
        errors.append(np.sqrt(np.mean(np.square(pairs), axis=0)))
        print(f"{width:5d}  {errors[-1][0]:.4f}  {errors[-1][1]:.4f}")

    slopes = np.polyfit(np.log(widths), np.log(errors), 1)[0]
    print(f"\nerror ~ width^{slopes[0]:.2f} (nngp), width^{slopes[1]:.2f} (ntk); expected -0.50")
    assert np.all(np.abs(slopes + 0.5) < 0.15)


if __name__ == "__main__":
    main()
