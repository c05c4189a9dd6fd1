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
from .blas import single_threaded_blas
from .slice_program import SliceProgram
from .slice_worker import Group
from .slices import make_side, run_groups

NEAR = 2.0**-12
"""1 − cos of two whole inputs below which their pair is computed again: 1.3 degrees. An entry at
this complement has lost a factor 1/√(2 · NEAR) of its roundings, 45: float32 has 5e-6 there. Larger
bounds would cost time on data that has many pairs at small angles, as sequences of positive
numbers."""

_BLOCK = 128  # inputs of either side whose products are formed together
_CHUNK = 8192  # pairs whose inputs are prepared together, at most
_ROWS = 16  # of a group
_SMALLEST_SQUARE = 1e-24
"""Of a row's norm, for products in float32: what underflows is lost to them."""

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
    """Compute the entries of nearly coincident inputs again, in outputs that are filled."""
    for chosen, found in refined(program, roots, parameters, inputs, threads, budget):
        for output, values in zip(outputs, found, strict=True):
            output[chosen] = values
            if len(inputs) == 1:
                output[chosen[::-1]] = output[chosen]


def refined(
    program: SliceProgram,
    roots: tuple[str, ...],
    parameters: Mapping[str, float],
    inputs: list[NDArray[Any]],
    threads: int,
    budget: int,
) -> Iterator[tuple[Pairs, list[NDArray[np.float64]]]]:
    """Nearly coincident pairs, some at a time, and their entries of each root.

    Of one batch with itself, those above the diagonal. Inputs that are equal are left out: their
    entries are known to coincide.
    """
    if program.near is None:
        return
    width = max(prod(inputs[0].shape[1:]), 1)
    for chosen in _in_chunks(near_pairs(inputs, NEAR, budget), width, budget):
        near = program.near()  # compiled when the first pair is met
        constants = near.constants(parameters, width)
        sides, places = [], []
        for array, part, name in zip((inputs[0], inputs[-1]), chosen, ("x1", "x2"), strict=True):
            used, place = np.unique(part, return_inverse=True)
            side = make_side(near, array[used], name, constants, threads, diagonals=False)
            sides.append(side)
            places.append(place)
        shape = sides[0].count, sides[1].count
        groups = list(_groups(places[0], places[1], shape, near.lanes))
        found = [np.empty(shape) for _ in roots]
        run_groups(near, roots, constants, sides, found, groups, threads, budget)
        yield chosen, [values[places[0], places[1]] for values in found]


def _groups(
    rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int], lanes: int
) -> Iterator[Group]:
    """Groups of pairs: a row with all of a lane's columns where half of these are near, which
    costs less than the same pairs one by one.
    """
    near = np.zeros(shape, bool)
    near[rows, columns] = True
    for first in range(0, shape[1] - lanes + 1, lanes):
        lane = np.arange(first, first + lanes)
        dense = np.flatnonzero(near[:, lane].sum(axis=1) * 2 >= lanes)
        for start in range(0, len(dense), _ROWS):
            yield Group(dense[start : start + _ROWS], lane, False, False)
        near[np.ix_(dense, lane)] = False
    left, right = np.nonzero(near)
    for start in range(0, len(left), lanes):
        part = slice(start, start + lanes)
        yield Group(left[part], right[part], True, False)


def _in_chunks(found: Iterator[Pairs], width: int, budget: int) -> Iterator[Pairs]:
    """The same pairs, as many together as the budget allows for their inputs and results."""
    waiting: list[Pairs] = []
    for pairs in chain(found, (None,)):
        if pairs is not None:
            waiting.append(pairs)
        if not waiting or (pairs is not None and sum(len(p[0]) for p in waiting) < _CHUNK):
            continue
        rows, columns = (np.concatenate(part) for part in zip(*waiting, strict=True))
        start = 0
        while start < len(rows):
            stop = start + _CHUNK
            while stop - start > 1 and _bytes(rows[start:stop], columns[start:stop], width) > (
                budget // 4
            ):
                stop = start + (stop - start) // 2
            yield rows[start:stop], columns[start:stop]
            start = stop
        waiting = []


def _bytes(rows: NDArray[np.int64], columns: NDArray[np.int64], width: int) -> int:
    """What some pairs take: copies of their inputs, mean squares beside them, a matrix or two."""
    first, second = len(np.unique(rows)), len(np.unique(columns))
    return 16 * ((first + second) * width + first * second)


def near_pairs(inputs: list[NDArray[Any]], bound: float, budget: int) -> Iterator[Pairs]:
    """(rows, columns) of pairs with 1 − cos below a bound that are not equal, block by block.

    Of one batch with itself, those above the diagonal.
    """
    width = max(flattened(inputs[0]).shape[1], 1)
    block = max(1, min(_BLOCK, budget // (64 * width)))
    with single_threaded_blas:  # threads that wait for a product would be in the way elsewhere
        for top in range(0, len(inputs[0]), block):
            left = inputs[0][top : top + block]
            for first in range(top if len(inputs) == 1 else 0, len(inputs[-1]), block):
                right = (
                    left
                    if len(inputs) == 1 and first == top
                    else (inputs[-1][first : first + block])
                )
                if _all_apart(left, right, bound):
                    continue
                i, j = np.nonzero(_cosines(left, right) > 1.0 - bound)
                rows, columns = i + top, j + first
                if len(inputs) == 1:
                    rows, columns = rows[rows < columns], columns[rows < columns]
                for start in range(0, len(rows), block):
                    part = rows[start : start + block], columns[start : start + block]
                    pairs = zip(inputs[0][part[0]], inputs[-1][part[1]], strict=True)
                    differ = np.array([not np.array_equal(x, z) for x, z in pairs])
                    if differ.any():
                        yield part[0][differ], part[1][differ]


def _all_apart(left: NDArray[Any], right: NDArray[Any], bound: float) -> bool:
    """Whether float32 products tell that no two inputs are near: of float32 inputs, which need no
    copies for them, and of no extreme size. The same array twice is pairs of different rows.
    """
    if left.dtype != np.float32 or right.dtype != np.float32:
        return False
    rows, columns = flattened(left), flattened(right)
    squares = [np.einsum("ij,ij->i", part, part) for part in (rows, columns)]
    if not all((part > _SMALLEST_SQUARE).all() and np.isfinite(part).all() for part in squares):
        return False
    cosines = rows @ columns.T
    cosines /= np.sqrt(squares[0])[:, None]
    cosines /= np.sqrt(squares[1])
    if left is right:
        np.fill_diagonal(cosines, 0.0)
    # A sum's roundings, in any order, and as many of both norms (Higham 2002, 3.1).
    lost = (rows.shape[1] + 8) * float(np.finfo(np.float32).eps)
    return bool(cosines.max() < 1.0 - bound - lost)


def _cosines(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    """Of every pair of inputs (n1, n2), in float64."""
    first = _directions(left)
    found: NDArray[np.float64] = first @ (first if right is left else _directions(right)).T
    return found


def _directions(inputs: NDArray[Any]) -> NDArray[np.float64]:
    """Inputs (n, d) of norm 1, in float64; those of norm 0 as they are."""
    rows = flattened(inputs).astype(np.float64)
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    found: NDArray[np.float64] = rows / np.where(norms > 0, norms, 1.0)[:, None]
    return found
