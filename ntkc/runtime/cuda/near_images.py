"""Nearly coincident inputs on positions, whose entries the processor computes again.

Such pairs are rare, and what they need is float64: see `ntkc.runtime.near_images`. Inputs that lie
on a device have a copy on the host already; what is found goes to where the results lie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from ..near_images import Pairs, refined
from ..slice_program import SliceProgram
from .images import THREADS, blocks_for, scatter


def refine(
    program: SliceProgram,
    roots: tuple[str, ...],
    parameters: Mapping[str, float],
    inputs: list[NDArray[Any]],
    outputs: Sequence[Any],
    number: int,
    threads: int,
    budget: int,
) -> None:
    """Compute these entries in outputs that are filled, on the host or on device `number`.

    `budget` is the host's. Raises `MemoryBudgetError` where it holds no group of pairs.
    """
    for pairs, found in refined(program, roots, parameters, inputs, threads, budget):
        for output, values in zip(outputs, found, strict=True):
            _put(output, pairs, values, len(inputs) == 1, number)


def _put(
    output: Any, pairs: Pairs, values: NDArray[np.float64], mirrored: bool, number: int
) -> None:
    """Single entries of an output, and their mirror images."""
    if isinstance(output, np.ndarray):
        output[pairs] = values
        if mirrored:
            output[pairs[::-1]] = output[pairs]
        return
    with cuda.gpus[number]:
        sent = [cuda.to_device(np.ascontiguousarray(array)) for array in (values, *pairs)]
        lost = cuda.to_device(np.zeros(1, np.int32))  # not read: values were checked on the host
        scatter[blocks_for(len(values)), THREADS](
            sent[0], 0, 1, *sent[1:], 0, 0, mirrored, output, lost
        )
        cuda.synchronize()
