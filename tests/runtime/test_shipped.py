"""The runtime, copied out of the package, works with numpy and numba alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import ntkc.runtime

SCRIPT = """
import sys

for name in ("threadpoolctl", "sympy", "lark", "ntkc"):
    sys.modules[name] = None  # importing it fails

import numpy as np
import numba
from shipped import ABI, Diagonals, Kernel, Program

@numba.njit(nogil=True)
def tile(values, second, leading, rows, columns, a, b, c, d, e, f, constants, scratch, triangular):
    for i in range(rows):
        for j in range(columns):
            values[i * leading + j] = constants[0] * (1 - values[i * leading + j])

program = Program(
    "cosine", "float64", "vector", (None,), False, {"scale": 2.0}, True, 1, 0,
    lambda parameters, size: np.array([parameters["scale"]]),
    lambda squares, constants: Diagonals(
        np.empty((0, squares.size)), *[np.full(squares.size, constants[0])] * 2
    ),
    {("ntk", "float64"): tile},
)
x = np.array([[3.0, 4.0], [6.0, 8.0], [4.0, -3.0]])
found = Kernel(program)(x, scale=5)
assert np.allclose(found, [[5, 5, 0], [5, 5, 0], [0, 0, 5]], atol=1e-15), found
"""


def run(folder: Path, **environment: str) -> None:
    subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        check=True,
        timeout=120,
    )


def test_a_copy_works_alone(tmp_path):
    source = Path(ntkc.runtime.__file__).parent
    shutil.copytree(source, tmp_path / "shipped", ignore=shutil.ignore_patterns("__pycache__"))
    run(tmp_path, NUMBA_DISABLE_JIT="1")


def test_a_copy_without_a_place_for_caches(tmp_path):
    source = Path(ntkc.runtime.__file__).parent
    shutil.copytree(source, tmp_path / "shipped", ignore=shutil.ignore_patterns("__pycache__"))
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "shipped")
    shutil.rmtree(tmp_path / "shipped")
    run(tmp_path, PYTHONPATH=archive)
