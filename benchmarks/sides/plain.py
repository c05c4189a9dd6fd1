"""The same kernels as plain array code: what a JAX user would write, for GPUs without the rival.

Every function takes the array library, `jax.numpy` on a device, and returns kernel(x), the Gram
matrix (n, n) of the NTK. Covariances between all pairs of positions are held: (..., H, W, H, W).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Kernel = Callable[[Any], Any]


def fully_connected(xp: Any, activation: str, depth: int, w_std: float, b_std: float) -> Kernel:
    """`depth` hidden layers of ReLUs and a readout."""
    if activation != "relu":
        raise ValueError(f"activation: expected 'relu', got {activation!r}")

    def kernel(x: Any) -> Any:
        nngp = w_std**2 * (x @ x.T) / x.shape[1] + b_std**2
        ntk = nngp
        for _ in range(depth):
            square = xp.diagonal(nngp)
            nngp, slope = _relu(xp, nngp, square[:, None], square[None, :])
            nngp = w_std**2 * nngp + b_std**2
            ntk = nngp + w_std**2 * ntk * slope
        return ntk

    return kernel


def convolutional(
    xp: Any, blocks: str, w_std: float, b_std: float, readout_w_std: float = 1.0
) -> Kernel:
    """A network of the words of `rival_networks.convolutional`."""
    *words, end = blocks.split()

    def kernel(x: Any) -> Any:
        channels = x.shape[-1]
        pairs = xp.einsum("ahwc,bijc->abhwij", x, x) / channels
        alone = xp.einsum("ahwc,aijc->ahwij", x, x) / channels
        pairs, alone = (pairs, 0 * pairs), (alone, 0 * alone)
        for word in words:
            if word == "p":
                pairs, alone = (tuple(map(_pooled, both)) for both in (pairs, alone))
                continue
            step = 2 if word == "/" else 1
            pairs, alone = (_convolved(xp, *both, w_std, b_std, step) for both in (pairs, alone))
            square = xp.einsum("ahwhw->ahw", alone[0])
            first, second = square[:, None, :, :, None, None], square[None, :, None, None]
            own = square[:, :, :, None, None], square[:, None, None]
            pairs = _activated(xp, *pairs, first, second)
            alone = _activated(xp, *alone, *own)
        if end == "flatten":
            nngp, ntk = (xp.einsum("abhwhw->ab", k) for k in pairs)
            cells = pairs[0].shape[2] * pairs[0].shape[3]
            nngp, ntk = nngp / cells, ntk / cells
        else:
            nngp, ntk = (k.mean(axis=(2, 3, 4, 5)) for k in pairs)
        return readout_w_std**2 * (nngp + ntk)

    return kernel


def _convolved(
    xp: Any, nngp: Any, ntk: Any, w_std: float, b_std: float, stride: int
) -> tuple[Any, Any]:
    """A 3x3 convolution, padded with zeros."""
    nngp = w_std**2 * _window(xp, nngp, stride) + b_std**2
    return nngp, nngp + w_std**2 * _window(xp, ntk, stride)


def _window(xp: Any, k: Any, stride: int) -> Any:
    """The mean over 3x3 windows that move together at both positions; padded as `same` is."""
    for axis in (-2, -1):
        out = -(-k.shape[axis] // stride)
        missing = max((out - 1) * stride + 3 - k.shape[axis], 0)
        width = [(0, 0)] * k.ndim
        width[axis] = width[axis - 2] = (missing // 2, missing - missing // 2)
        padded = xp.pad(k, width)
        total = 0
        for offset in range(3):
            at = [slice(None)] * k.ndim
            at[axis] = at[axis - 2] = slice(offset, offset + (out - 1) * stride + 1, stride)
            total = total + padded[tuple(at)]
        k = total / 3
    return k


def _pooled(k: Any) -> Any:
    """The mean over 2x2 windows at both positions."""
    *lead, height, width, _, _ = k.shape
    shape = (*lead, height // 2, 2, width // 2, 2, height // 2, 2, width // 2, 2)
    first = len(lead)
    return k.reshape(shape).mean(axis=(first + 1, first + 3, first + 5, first + 7))


def _activated(xp: Any, nngp: Any, ntk: Any, first: Any, second: Any) -> tuple[Any, Any]:
    value, slope = _relu(xp, nngp, first, second)
    return value, ntk * slope


def _relu(xp: Any, k: Any, first: Any, second: Any) -> tuple[Any, Any]:
    """The dual of a ReLU and of its derivative (Cho and Saul 2009)."""
    norm = xp.sqrt(first * second)
    cosine = xp.clip(k / xp.where(norm > 0, norm, 1), -1, 1)
    angle = xp.arccos(cosine)
    sine = xp.sqrt(1 - cosine * cosine)
    pi = 3.141592653589793
    return norm * (sine + (pi - angle) * cosine) / (2 * pi), (pi - angle) / (2 * pi)
