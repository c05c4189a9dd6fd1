"""Classify handwritten digits with the kernel of a convolutional network of infinite width.

Compiles `cnn.ntk`: three convolutions and a global average pool. Its kernel sums over every pair of
positions of two images, 4096 of them for each layer; the compiler goes through them displacement
by displacement, a slice that stays in cache, for 16 pairs of images at a time.

Expect 99.6 % correct in 5-fold cross-validation, better than the fully connected network's 99.0 %
(`digits.py`), from a kernel of 1797 x 1797 pairs in some seconds.

    python examples/convolutional_digits.py
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

import ntkc

PROGRAM = Path(__file__).with_name("cnn.ntk")
CLASSES = 10
RIDGE = 1e-4
"""Of the mean of the diagonal. The kernel is in float32: its small eigenvalues are roundings."""


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Classify digits with a convolutional NTK.")
    parser.add_argument("--small", action="store_true", help="300 digits instead of 1797")
    small = parser.parse_args(argv).small

    pixels, labels = load_digits(return_X_y=True)
    if small:
        pixels, labels = pixels[:300], labels[:300]
    images = (pixels / 16).reshape(-1, 8, 8, 1)

    start = perf_counter()
    kernel = ntkc.compile(PROGRAM, dtype="float32")
    kernel(images[:2])  # the first call makes machine code, unless it is cached from before
    print(f"compiled {PROGRAM.name} in {perf_counter() - start:.2f} s: {kernel}")

    start = perf_counter()
    k = kernel(images).astype(np.float64)
    print(f"kernel of {k.shape[0]} x {k.shape[1]} pairs in {perf_counter() - start:.2f} s")

    k[np.diag_indices_from(k)] += RIDGE * np.mean(np.diag(k))
    targets = np.eye(CLASSES)[labels] - 1 / CLASSES
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    found = []
    for number, (train, test) in enumerate(folds.split(images, labels), start=1):
        factor = cho_factor(k[np.ix_(train, train)])
        scores = k[np.ix_(test, train)] @ cho_solve(factor, targets[train])
        found.append(float(np.mean(scores.argmax(axis=1) == labels[test])))
        print(f"fold {number}: {found[-1]:7.2%}")
    mean = float(np.mean(found))
    print(f"mean:   {mean:7.2%}")
    assert mean >= (0.93 if small else 0.994)


if __name__ == "__main__":
    main()
