"""Choose hyperparameters by leave-one-out error, without compiling again.

`residual.ntk` has two `param`s. They stay symbolic in the compiled kernel and are keywords of its
calls, so that a grid of 20 settings costs 20 Gram matrices and one compilation. For each, the error
of predicting every row from all others comes in closed form from one factorisation: with
G = (K + ridge)^-1, row i is missed by (G y)_i / G_ii.

Expect one line per setting, and the best of them to explain half of the variance of scikit-learn's
diabetes data, which is what there is to explain: good linear models get there too. For a few rows,
the closed form is compared with leaving the row out.

    python examples/params.py
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from sklearn.datasets import load_diabetes

import ntkc

PROGRAM = Path(__file__).with_name("residual.ntk")
RIDGE = 1.0  # relative to the kernel's mean diagonal: the targets are noisy

Array = NDArray[np.float64]


def regularised(k: Array) -> Array:
    return k + RIDGE * np.mean(np.diag(k)) * np.eye(len(k))


def leave_one_out(k: Array, y: Array) -> Array:
    """Each row's error, when it is predicted from all the others."""
    inverse: Array = cho_solve(cho_factor(k), np.eye(len(k)))
    return inverse @ y / np.diag(inverse)


def left_out(k: Array, y: Array, row: int) -> float:
    """The same for one row, by leaving it out."""
    rest = np.arange(len(y)) != row
    return float(y[row] - k[row, rest] @ np.linalg.solve(k[np.ix_(rest, rest)], y[rest]))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Hyperparameters by leave-one-out error.")
    parser.add_argument("--small", action="store_true", help="100 rows and 4 settings")
    small = parser.parse_args(argv).small

    x, y = load_diabetes(return_X_y=True)
    x, y = (x[:100], y[:100]) if small else (x, y)
    x, y = (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()
    kernel = ntkc.compile(PROGRAM)
    print(kernel, end="\n\n")

    print("w_std  b_std  explained variance, each row left out")
    explained = {}
    widths, biases = ([0.5, 2], [0, 1]) if small else ([0.1, 0.3, 1, 3, 10], [0, 0.3, 1, 3])
    for w_std, b_std in product(widths, biases):
        k = regularised(kernel(x, w_std=w_std, b_std=b_std))
        explained[w_std, b_std] = 1 - float(np.mean(leave_one_out(k, y) ** 2))
        print(f"{w_std:5.1f}  {b_std:5.1f}  {explained[w_std, b_std]:6.3f}")

    w_std, b_std = max(explained, key=lambda setting: explained[setting])
    print(f"\nbest: w_std = {w_std}, b_std = {b_std}")
    k = regularised(kernel(x, w_std=w_std, b_std=b_std))
    for row in (0, 17, 99):
        assert np.isclose(leave_one_out(k, y)[row], left_out(k, y, row))
    assert explained[w_std, b_std] > (0.2 if small else 0.45)


if __name__ == "__main__":
    main()
