"""Small programs written by hand, as generated modules look from outside."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any, ClassVar

import numba
import numpy as np
import pytest

from ntkc.runtime import ABI, Diagonals, Kernel, load_program


def _finish(name: str, dtype: str, **attributes: Any) -> ModuleType:
    module = ModuleType(name)
    defaults = {
        "ABI": ABI,
        "NAME": name,
        "DTYPE": dtype,
        "INPUT_KIND": "vector",
        "INPUT_SIZES": (None,),
        "NORMALIZED": False,
        "PARAMETERS": {"w_std": 1.5},
        "COMPLEMENT": False,
        "WIDTH": 1,
        "SLOTS": 0,
    }
    for key, value in {**defaults, **attributes}.items():
        setattr(module, key, value)
    return module


def _constants(parameters: dict[str, float], size: int) -> np.ndarray:
    if parameters["w_std"] < 0:
        raise ValueError("w_std: expected at least 0")
    return np.array([parameters["w_std"] ** 2, 1.0 / size])


@numba.njit(nogil=True, error_model="numpy")
def _linear_tile(
    values,
    second,
    leading,
    rows,
    columns,
    row_table,
    row_stride,
    first_row,
    column_table,
    column_stride,
    first_column,
    constants,
    scratch,
    triangular,
):
    scale = constants[0] * constants[1]
    for i in range(rows):
        for j in range(i + 1 if triangular else 0, columns):
            values[i * leading + j] = scale * values[i * leading + j]


def _linear_diagonals(mean_squares: np.ndarray, constants: np.ndarray) -> Diagonals:
    diagonal = constants[0] * mean_squares
    return Diagonals(np.empty((0, mean_squares.size)), diagonal, diagonal)


def linear_module(dtype: str, **attributes: Any) -> ModuleType:
    """One dense layer: both kernels are w² xᵀz / size."""
    tiles = {(roots, dtype): _linear_tile for roots in ("ntk", "nngp")}
    own = {"constants": _constants, "diagonals": _linear_diagonals, "TILES": tiles}
    return _finish("linear", dtype, **{**own, **attributes})


def _relu_tile(roots: str, dtype: str) -> Any:
    kind = np.dtype(dtype).type
    one, two, half, pi = kind(1), kind(2), kind(0.5), kind(math.pi)
    half_over_pi = kind(0.5 / math.pi)
    first_is_ntk = roots == "ntk"
    both = roots == "nngp+ntk"

    @numba.njit(nogil=True, error_model="numpy")
    def relu_tile(
        values,
        second,
        leading,
        rows,
        columns,
        row_table,
        row_stride,
        first_row,
        column_table,
        column_stride,
        first_column,
        constants,
        scratch,
        triangular,
    ):
        w = constants[0]
        for i in range(rows):
            left = row_table[row_stride + first_row + i]
            for j in range(i + 1 if triangular else 0, columns):
                complement = values[i * leading + j]
                scale = left * column_table[column_stride + first_column + j]
                angle = two * math.asin(math.sqrt(half * complement))
                sine = math.sqrt(complement * (two - complement))
                dot = (pi - angle) * half_over_pi
                covariance = scale * (one - complement)
                nngp = w * (scale * sine * half_over_pi + covariance * dot)
                ntk = nngp + w * covariance * dot
                if both:
                    values[i * leading + j] = nngp
                    second[i * leading + j] = ntk
                elif first_is_ntk:
                    values[i * leading + j] = ntk
                else:
                    values[i * leading + j] = nngp

    return relu_tile


def _relu_diagonals(mean_squares: np.ndarray, constants: np.ndarray) -> Diagonals:
    variance = constants[0] * mean_squares
    nngp = constants[0] * variance / 2
    # The first row is never read: it shows that the stride between table rows is heeded.
    table = np.stack([np.full(mean_squares.shape, 777.0), np.sqrt(variance)])
    return Diagonals(table, nngp, 2 * nngp)


_RELU_TILES: dict[tuple[str, str], Any] = {}


def relu_module(dtype: str, **attributes: Any) -> ModuleType:
    """dense, relu, dense, from complements: nngp, ntk, or both at once."""
    kinds = {dtype, "float64"}
    for roots in ("ntk", "nngp", "nngp+ntk"):
        for kind in kinds:
            if (roots, kind) not in _RELU_TILES:
                _RELU_TILES[roots, kind] = _relu_tile(roots, kind)
    tiles = {key: tile for key, tile in _RELU_TILES.items() if key[1] in kinds}
    own = {"constants": _constants, "diagonals": _relu_diagonals, "TILES": tiles}
    return _finish("relu", dtype, COMPLEMENT=True, **{**own, **attributes})


class Programs:
    """Makes modules and kernels; `modules["relu"](dtype, ATTRIBUTE=value)`."""

    modules: ClassVar = {"linear": linear_module, "relu": relu_module}

    def linear(self, dtype: str = "float64", **attributes: Any) -> Kernel:
        return Kernel(load_program(linear_module(dtype, **attributes)))

    def relu(self, dtype: str = "float64", **attributes: Any) -> Kernel:
        return Kernel(load_program(relu_module(dtype, **attributes)))

    def expected(self, x: Any, z: Any, w_std: float = 1.5) -> dict[str, np.ndarray]:
        """Values of `relu` for pairs that are not nearly coincident, as textbooks have them."""
        gram = x is z
        x, z = np.asarray(x, np.float64), np.asarray(z, np.float64)
        w, size = w_std**2, max(x.shape[1], 1)
        covariance = w * (x @ z.T) / size
        scale = np.sqrt(w * np.square(x).sum(1) / size)[:, None] * np.sqrt(
            w * np.square(z).sum(1) / size
        )
        cosine = np.clip(covariance / np.where(scale > 0, scale, 1), -1, 1)
        if gram:
            np.fill_diagonal(cosine, 1)
        angle = np.arccos(cosine)
        dot = (np.pi - angle) / (2 * np.pi)
        nngp = w * (scale * np.sin(angle) / (2 * np.pi) + covariance * dot)
        return {"nngp": nngp, "ntk": nngp + w * covariance * dot}


@pytest.fixture(scope="session")
def programs() -> Programs:
    return Programs()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)
