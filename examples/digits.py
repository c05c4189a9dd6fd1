"""Classify handwritten digits with the kernel of an infinitely wide network.

Compiles `mlp.ntk`, computes the NTK of scikit-learn's 1797 digits, and classifies by kernel
regression on one-hot targets: what an ensemble of such networks, trained to the end by gradient
flow on the squared error, predicts in the limit of infinite width. Nothing was tuned: pixels are
divided by their maximum, w_std is about sqrt(2) as in "He initialisation", and there is no ridge.

Expect 99.0 % correct in 5-fold cross-validation, and a kernel in a fraction of a second.

    python examples/digits.py
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

import ntkc

PROGRAM = Path(__file__).with_name("mlp.ntk")
CLASSES = 10


def accuracies(k: NDArray[np.float64], labels: NDArray[np.int64]) -> Iterator[float]:
    """The part of digits recognised in each of five folds, when the others are trained on."""
    targets = np.eye(CLASSES)[labels] - 1 / CLASSES
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    for train, test in folds.split(k, labels):
        factor = cho_factor(k[np.ix_(train, train)])
        scores = k[np.ix_(test, train)] @ cho_solve(factor, targets[train])
        yield float(np.mean(scores.argmax(axis=1) == labels[test]))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Classify digits with a compiled NTK.")
    parser.add_argument("--small", action="store_true", help="500 digits instead of 1797")
    small = parser.parse_args(argv).small

    pixels, labels = load_digits(return_X_y=True)
    if small:
        pixels, labels = pixels[:500], labels[:500]

    start = perf_counter()
    kernel = ntkc.compile(PROGRAM)
    kernel(pixels[:2])  # the first call makes machine code, unless it is cached from before
    print(f"compiled {PROGRAM.name} in {perf_counter() - start:.2f} s: {kernel}")

    start = perf_counter()
    k = kernel(pixels / 16)
    print(f"kernel of {k.shape[0]} x {k.shape[1]} pairs in {perf_counter() - start:.2f} s")

    found = []
    for number, accuracy in enumerate(accuracies(k, labels), start=1):
        print(f"fold {number}: {accuracy:7.2%}")
        found.append(accuracy)
    mean = float(np.mean(found))
    print(f"mean:   {mean:7.2%}")
    assert mean >= (0.96 if small else 0.989)


if __name__ == "__main__":
    main()
