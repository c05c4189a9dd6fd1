"""Kernel distances of near duplicates, with and without care.

Two rows at a small angle t are apart by d² = k(x, x) + k(y, y) - 2 k(x, y), which for a ReLU
network's NTK shrinks only as t does. The textbook formula takes the angle from the inner product,
as arccos(ρ), where 1 - ρ = t²/2 drowns in rounding: half of the digits of k are lost, and with them
all of d. Compiled kernels get 1 - ρ from the difference of the rows where it is small.

Expect no digit of the naive distance to be left at an angle of 1e-8 in float64 and of 1e-4 in
float32, and the compiled one to stay true. The truth is computed with 60 digits.

    python examples/near_duplicates.py
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

import ntkc

HIDDEN = 3
PROGRAM = (
    f"network net {{ input vector[64]; {{ dense(w_std = sqrt(2)) -> relu }} * {HIDDEN}; dense }}"
)


def ntk(p: Any, q: Any, c: Any, m: Any) -> Any:
    """The textbook recursion for x·x, y·y and x·y over the rows' size; `m`: NumPy or mpmath."""
    p, q, c = 2 * p, 2 * q, 2 * c
    theta = c
    for layer in range(HIDDEN):
        rho = min(c / m.sqrt(p * q), type(c)(1))
        angle = (m.arccos if m is np else m.acos)(rho)
        dual = m.sqrt(p * q) * (m.sin(angle) + (m.pi - angle) * rho) / (2 * m.pi)
        dot = (m.pi - angle) / (2 * m.pi)
        gain = 2 if layer < HIDDEN - 1 else 1  # the readout has w_std = 1
        c, p, q = gain * dual, gain * p / 2, gain * q / 2
        theta = c + gain * theta * dot
    return theta


def squared_distance(x: Any, y: Any, m: Any) -> Any:
    p, q, c = (x @ x) / 64, (y @ y) / 64, (x @ y) / 64
    return ntk(p, p, p, m) + ntk(q, q, q, m) - 2 * ntk(p, q, c, m)


def compiled(rows: NDArray[Any], kernel: ntkc.CompiledKernel) -> float:
    k = kernel(rows).astype(float)
    return float(k[0, 0] + k[1, 1] - 2 * k[0, 1])


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Kernel distances of near duplicates.")
    parser.add_argument("--small", action="store_true", help="fewer angles")
    step = 2 if parser.parse_args(argv).small else 1

    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((64, 2)))[0].T * 8  # rows of mean square 1
    print("relative error of the squared NTK distance d²\n")
    print("dtype      angle       d²     naive   ntkc")
    for dtype, smallest in (("float64", -8), ("float32", -4)):
        kernel = ntkc.compile(source=PROGRAM, dtype=dtype)
        for exponent in range(smallest, 0, step):
            t = 10.0**exponent
            rows = (np.array([[1, 0], [np.cos(t), np.sin(t)]]) @ basis).astype(dtype)
            with mpmath.workdps(60):
                exact = [np.array([mpmath.mpf(float(value)) for value in row]) for row in rows]
                true = float(squared_distance(exact[0], exact[1], mpmath))
            naive = abs(float(squared_distance(rows[0], rows[1], np)) / true - 1)
            ours = abs(compiled(rows, kernel) / true - 1)
            print(f"{dtype}  {t:7.0e}  {true:.1e}  {naive:8.1e}  {ours:.1e}")
            assert ours < 1e-3


if __name__ == "__main__":
    main()
