"""Pairs of inputs on positions that nearly coincide: found by their products, and computed again.

A correlation ρ that is made of products misses 1 by a rounding, and so the angle of two nearly
coincident entries by up to 1e-8 in float64 and 3e-4 in float32: that much of the tangent kernel of
a kinked activation. The program for such pairs (`ntkc.passes.distances`) begins with differences
of the inputs, in float64, whatever the number type of the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import flattened
from .slice_program import SliceProgram
from .slices import listed, make_side

NEAR = 2.0**-12
"""1 − cos of two whole inputs below which their pair is computed again: 1.3 degrees. An entry at
this complement has lost a factor 1/√(2 · NEAR) of its roundings, 45: float32 has 5e-6 there. Larger
bounds would cost time on data that has many pairs at small angles, as sequences of positive
numbers."""

_BLOCK = 128  # inputs of either side whose products are formed together
_CHUNK = 1024  # pairs whose inputs are prepared together

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


def refine(
    program: SliceProgram,
    roots: tuple[str, ...],
    parameters: Mapping[str, float],
    inputs: list[NDArray[Any]],
    outputs: list[NDArray[Any]],
    threads: int,
    budget: int,
) -> None:
    """Compute the entries of nearly coincident inputs again, in outputs that are filled.

    Inputs that are equal need nothing: their entries are known to coincide.
    """
    if program.near is None:
        return
    for chosen in _in_chunks(near_pairs(inputs, NEAR, budget)):
        near = program.near()  # compiled when the first pair is met
        constants = near.constants(parameters, max(prod(inputs[0].shape[1:]), 1))
        sides, places = [], []
        for array, part, name in zip((inputs[0], inputs[-1]), chosen, ("x1", "x2"), strict=True):
            used, place = np.unique(part, return_inverse=True)
            sides.append(make_side(near, array[used], name, constants, threads))
            places.append(place)
        values = listed(near, roots, constants, (sides[0], sides[1]), places, threads, budget)
        for output, value in zip(outputs, values, strict=True):
            output[chosen] = value
            if len(inputs) == 1:
                output[chosen[::-1]] = value


def _in_chunks(found: Iterator[Pairs]) -> Iterator[Pairs]:
    """The same pairs, `_CHUNK` at a time."""
    waiting: list[Pairs] = []
    for pairs in chain(found, (None,)):
        if pairs is not None:
            waiting.append(pairs)
        if not waiting or (pairs is not None and sum(len(p[0]) for p in waiting) < _CHUNK):
            continue
        rows, columns = (np.concatenate(part) for part in zip(*waiting, strict=True))
        for start in range(0, len(rows), _CHUNK):
            yield rows[start : start + _CHUNK], columns[start : start + _CHUNK]
        waiting = []


def near_pairs(inputs: list[NDArray[Any]], bound: float, budget: int) -> Iterator[Pairs]:
    """(rows, columns) of pairs with 1 − cos below a bound that are not equal, block by block.

    Of one batch with itself, those above the diagonal.
    """
    width = max(flattened(inputs[0]).shape[1], 1)
    block = max(1, min(_BLOCK, budget // (64 * width)))
    for top in range(0, len(inputs[0]), block):
        left = _directions(inputs[0][top : top + block])
        for first in range(top if len(inputs) == 1 else 0, len(inputs[-1]), block):
            right = _directions(inputs[-1][first : first + block])
            i, j = np.nonzero(left @ right.T > 1.0 - bound)
            rows, columns = i + top, j + first
            if len(inputs) == 1:
                rows, columns = rows[rows < columns], columns[rows < columns]
            for start in range(0, len(rows), block):
                part = rows[start : start + block], columns[start : start + block]
                pairs = zip(inputs[0][part[0]], inputs[-1][part[1]], strict=True)
                differ = np.array([not np.array_equal(x, z) for x, z in pairs])
                if differ.any():
                    yield part[0][differ], part[1][differ]


def _directions(inputs: NDArray[Any]) -> NDArray[np.float64]:
    """Inputs (n, d) of norm 1, in float64; those of norm 0 as they are."""
    rows = flattened(inputs).astype(np.float64)
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    found: NDArray[np.float64] = rows / np.where(norms > 0, norms, 1.0)[:, None]
    return found
