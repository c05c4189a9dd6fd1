"""Gradients by inputs: from slopes by what inputs enter through to the inputs themselves.

An input x enters a kernel K(x, z) through its mean square p = |x|^2/d and through the pair:
the product c = x.z, or, where a program starts from complements, eta = 1 - cos(x, z). With unit
vectors u = x/|x|, v = z/|z|,

    dp = 2 x.dx/d,   dc = z.dx,   d eta = ((u - v) - eta u).dx / |x|,

so for a cotangent C the gradient of sum C K is a product of two matrices and a scaling of rows.
Near coincidence the slope by eta of a kinked network's tangent kernel grows like 1/sqrt(eta),
u - v shrinks like sqrt(eta), and what is left is of order 1: these pairs are summed one by one
from differences. *At* coincidence the kernel has a kink and no gradient; its singular part
counts as 0, the mean over opposite directions. A row of zeros is the limit of a small row that
is orthogonal to every other: that is the gradient where there is one (with biases), and where
there is none (a network of ReLUs without) a finite number.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .arguments import flattened
from .near import THRESHOLDS
from .sides import Side

if TYPE_CHECKING:
    from .gradients import Request
    from .kernel import Kernel

_NOISE = 1e-30
"""Complements below are roundings of unit vectors: the pair counts as coincident."""
_BLOCK_BYTES = 2**23
"""Of one array of slopes: blocks of rows are as long as that allows."""
_MIRRORED = 256
"""Rows that are mirrored at a time."""
_PAIR_ELEMENTS = 2**18
"""Of the differences of near pairs that are held at a time."""


class Slopes:
    """Gradients by inputs, by way of a program with slopes."""

    def __init__(self, engine: Kernel, request: Request) -> None:
        root = request.root
        self._engine = engine
        self._request = request
        self._complement = getattr(engine.program, "complement", False)
        names = (root, f"slope_pair_of_{root}", f"slope_row_of_{root}")
        self._roots = (*names, "complement") if self._complement else names

    def run(self, cotangent: NDArray[Any]) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        """The kernel, and the gradients by `x1` and `x2`, where they are wanted."""
        inputs, wrt = self._request.inputs, self._request.wrt
        if len(inputs) == 1:
            return self._of_gram(inputs[0], cotangent)
        found: dict[str, NDArray[Any]] = {}
        value = None
        if "x2" in wrt:
            turned, found["x2"] = self._of_pairs(inputs[1], inputs[0], cotangent.T)
            value = np.ascontiguousarray(turned.T)
        if "x1" in wrt:
            value, found["x1"] = self._of_pairs(inputs[0], inputs[1], cotangent)
        assert value is not None  # `wrt` has an input
        return value, {
            name: gradient.astype(self._engine.dtype).reshape(array.shape)
            for name, array in zip(("x1", "x2"), inputs, strict=True)
            if (gradient := found.get(name)) is not None
        }

    def _of_gram(
        self, x: NDArray[Any], cotangent: NDArray[Any]
    ) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        """Both places of every pair move, and the diagonal as a function of one input."""
        both = cotangent + cotangent.T
        np.fill_diagonal(both, 0.0)
        value, gradient = self._of_pairs(x, x, both)
        side = self._engine._side(self._request, x)
        rate = cotangent.diagonal() * side.diagonal(self._roots[2])
        gradient += _radial(flattened(x), rate)
        _mirror(value, side.diagonal(self._roots[0]))
        return value, {"x1": gradient.astype(self._engine.dtype).reshape(x.shape)}

    def _of_pairs(
        self, x: NDArray[Any], z: NDArray[Any], cotangent: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """The kernel (n1, n2), and the gradient (n1, d) by the first input of each pair."""
        dtype = self._engine.dtype
        rows, columns = flattened(x), flattened(z).astype(dtype, copy=False)
        value = np.empty((len(x), len(z)), dtype)
        gradient = np.zeros(rows.shape)
        if not value.size:
            return value, gradient
        sides = [self._engine._side(self._request, array) for array in (x, z)]
        step = max(1, min(len(x), _BLOCK_BYTES // (len(z) * dtype.itemsize)))
        for start in range(0, len(x), step):
            part = slice(start, min(start + step, len(x)))
            made = [np.empty_like(value[part]) for _ in self._roots[1:]]
            self._engine._evaluate(self._roots, self._request, [x[part], z], [value[part], *made])
            for slopes in made[:2]:
                slopes *= cotangent[part]
            if self._complement:
                gradient[part] = _by_complements(made[0], made[2], part, sides, rows, columns)
            else:
                gradient[part] = made[0] @ columns
            gradient[part] += _radial(rows[part], made[1].sum(axis=1, dtype=np.float64))
        return value, gradient


def _radial(rows: NDArray[Any], rate: NDArray[Any]) -> NDArray[np.float64]:
    """The gradient of mean squares, at these rates."""
    scale = 2.0 / max(rows.shape[1], 1)
    return np.asarray((scale * rate.astype(np.float64))[:, None] * rows, np.float64)


def _by_complements(
    slopes: NDArray[Any],
    complements: NDArray[Any],
    part: slice,
    sides: list[Side],
    rows: NDArray[Any],
    columns: NDArray[Any],
) -> NDArray[np.float64]:
    """sum_j slope_ij ((u_i - v_j) - eta_ij u_i) / |x_i| for the rows of one part."""
    inverse = sides[0].inverse64[part, None]
    unit = rows[part] * inverse
    near = complements < THRESHOLDS[slopes.dtype]
    which, others = np.nonzero(near)
    taken = slopes[near].astype(np.float64), complements[near].astype(np.float64)
    slopes[near] = 0.0
    along = (slopes * (1 - complements)).sum(axis=1, dtype=np.float64)
    found = along[:, None] * unit - (slopes * sides[1].inverse) @ columns
    starts = np.flatnonzero(np.diff(which, prepend=-1))
    for start, stop in pairwise([*starts, which.size]):
        listed = slice(int(start), int(stop))
        row = int(which[start])
        second = sides[1].inverse64[others[listed]]
        found[row] += _near_row(
            unit[row], columns, others[listed], second, taken[0][listed], taken[1][listed]
        )
    return np.asarray(found * inverse, np.float64)


def _near_row(
    unit: NDArray[Any],
    columns: NDArray[Any],
    others: NDArray[Any],
    inverse: NDArray[Any],
    slopes: NDArray[np.float64],
    complements: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The same for the near pairs of one row, from differences of unit vectors."""
    slopes = np.where(complements < _NOISE, 0.0, slopes)
    found = -(slopes @ complements) * unit
    step = max(1, _PAIR_ELEMENTS // max(unit.size, 1))
    for start in range(0, others.size, step):
        part = slice(start, start + step)
        differences = unit - columns[others[part]] * inverse[part, None]
        found += slopes[part] @ differences
    return np.asarray(found)


def _mirror(value: NDArray[Any], diagonal: NDArray[Any]) -> None:
    """Give a square matrix this diagonal, and its upper triangle as the lower one."""
    size = len(value)
    for start in range(0, size, _MIRRORED):
        stop = min(start + _MIRRORED, size)
        value[stop:, start:stop] = value[start:stop, stop:].T
        square = value[start:stop, start:stop]
        below = np.tril_indices(stop - start, -1)
        square[below] = square.T[below]
    np.fill_diagonal(value, diagonal)
