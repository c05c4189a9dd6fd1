"""Between scikit-learn's tables of rows and the inputs that a network declares."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ntkc.runtime import Kernel


def as_table(X: Any, kernel: Kernel) -> Any:
    """Inputs of the network's own shape (n, *sizes) as a table (n, d); anything else untouched.

    Raises `ValueError` for masked entries, whose numbers scikit-learn would take.
    """
    refuse_masked(X, "X")
    sizes = kernel.program.input_sizes
    shape: tuple[int, ...] = getattr(X, "shape", ())
    fits = len(shape) == len(sizes) + 1 > 2 and all(
        size in (None, given) for size, given in zip(sizes, shape[1:], strict=True)
    )
    return np.asarray(X).reshape(shape[0], prod(shape[1:])) if fits else X


def refuse_masked(values: Any, name: str) -> None:
    """Raise `ValueError` for a masked array with masked entries."""
    if np.ma.is_masked(values):
        raise ValueError(f"{name} has masked entries: fill or drop them first")


def input_shape(kernel: Kernel, features: int) -> tuple[int, ...]:
    """The shape of one input whose flattened row has `features` numbers.

    Raises `ValueError` where they do not fill the declared sizes, or more than one is open.
    """
    sizes = kernel.program.input_sizes
    if kernel.program.input_kind == "graph":
        raise ValueError(
            f"network {kernel.name} takes graphs, whose adjacency a table of rows cannot hold"
        )
    known = prod(size for size in sizes if size is not None)
    if sizes.count(None) > 1:
        raise ValueError(
            f"network {kernel.name} declares {kernel.input}: of the sizes of flattened rows, only "
            "one can be open"
        )
    rest, remainder = divmod(features, known)
    if remainder or (None not in sizes and rest != 1):
        multiple = "a multiple of " if None in sizes else ""
        raise ValueError(
            f"X has {features} features, but network {kernel.name} declares {kernel.input}, which "
            f"needs {multiple}{known} in a row"
        )
    return tuple(rest if size is None else size for size in sizes)


def as_inputs(X: Any, shape: tuple[int, ...]) -> Any:
    """A table (n, d) as a batch of inputs (n, *shape): the last axis runs fastest."""
    return X if len(shape) == 1 else X.reshape(len(X), *shape)
