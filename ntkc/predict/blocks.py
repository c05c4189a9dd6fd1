"""The blocks of one kernel on training and test points, and how a kernel callable gives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import Array, Gram, cross, gram, real_array
from .errors import InputError

Kernel: TypeAlias = Callable[..., Any]
"""Called as `kernel(x)`, `kernel(x1, x2)`; with `get="ntk"`, `"nngp"` or a tuple of both, like a
compiled kernel, whose answer for a tuple has the fields `ntk` and `nngp`."""


@dataclass(frozen=True)
class Blocks:
    """k(X, X) (n, n), k(X*, X) (m, n), and k(X*, X*): (m, m), or its diagonal (m,).

    `cross` and `test` are None where only the training points matter. `test` as a diagonal gives
    variances instead of covariances, at a fraction of the memory.
    """

    train: ArrayLike
    cross: ArrayLike | None = None
    test: ArrayLike | None = None


@dataclass(frozen=True)
class CheckedBlocks:
    """Blocks that fit together, in float64."""

    train: Gram
    cross: Array | None
    test: Array | None
    epsilon: float


def check_blocks(blocks: Blocks, name: str) -> CheckedBlocks:
    """Checked blocks; the errors name `name.train` and so on.

    Raises `InputError` also where only one of `cross` and `test` is given.
    """
    train = gram(blocks.train, f"{name}.train")
    if (blocks.cross is None) != (blocks.test is None):
        raise InputError(f"{name}.cross and {name}.test must be given together")
    if blocks.cross is None or blocks.test is None:
        return CheckedBlocks(train, None, None, train.epsilon)
    block = cross(blocks.cross, f"{name}.cross", train.size)
    test = check_test(blocks.test, f"{name}.test", len(block))
    return CheckedBlocks(train, block, test, train.epsilon)


def check_test(value: ArrayLike, name: str, rows: int) -> Array:
    """k(X*, X*) as (m, m), or its diagonal as (m,)."""
    if np.ndim(np.asarray(value)) == 1:
        diagonal = real_array(value, name, 1)
        if (diagonal < 0).any():
            raise InputError(f"{name} is a diagonal with the negative entry {diagonal.min():.3g}")
        test = diagonal
    else:
        test = gram(value, name).values
    if len(test) != rows:
        raise InputError(f"{name} must have {rows} rows, as k_cross has, and has {len(test)}")
    return test


def blocks_of(
    kernel: Kernel, x_train: NDArray[Any], x_test: NDArray[Any] | None = None, *, get: str = "ntk"
) -> Blocks:
    """The blocks of one kernel ("ntk" or "nngp") on inputs x_train (n, …) and x_test (m, …)."""
    train = kernel(x_train, get=get)
    if x_test is None:
        return Blocks(train)
    return Blocks(train, kernel(x_test, x_train, get=get), kernel(x_test, get=get))


def both_blocks(
    kernel: Kernel, x_train: NDArray[Any], x_test: NDArray[Any] | None = None
) -> tuple[Blocks, Blocks]:
    """(NTK's blocks, NNGP's blocks), each block of both evaluated in one pass."""
    both = ("ntk", "nngp")
    train = kernel(x_train, get=both)
    if x_test is None:
        return Blocks(train.ntk), Blocks(train.nngp)
    mixed, test = kernel(x_test, x_train, get=both), kernel(x_test, get=both)
    return Blocks(train.ntk, mixed.ntk, test.ntk), Blocks(train.nngp, mixed.nngp, test.nngp)
