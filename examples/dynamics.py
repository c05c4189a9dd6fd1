"""Training dynamics and early stopping, without training.

The training of an infinitely wide network on the squared loss is known in closed form at any time:
along the i-th eigenvector of the NTK on the training data, the error falls as exp(-η λ_i t / n). So
large patterns are learned first, and noise last, which is why stopping early helps.

Compiles a network, takes half of scikit-learn's diabetes data for training, and prints train and
test errors against time, with the time at which the test error is least. Expect the train error to
fall for ever, and the test error to turn: in the end the network has fitted the noise of the
targets, and predicts other patients a quarter worse than it did when few of its modes were learned.

    python examples/dynamics.py --plot dynamics.png
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes

import ntkc
from ntkc import predict

PROGRAM = """
network net {
    input vector[10]
    { dense(w_std = sqrt(2), b_std = 0.1) -> relu } * 3
    dense
}
"""
SPLITS = 10
Array = NDArray[np.float64]


class Split(NamedTuple):
    """Errors against time (T,); for the modes (n,): eigenvalues / n, and squared coefficients."""

    train: Array
    test: Array
    rates: Array
    power: Array


def split(k: Array, y: Array, times: Array, rng: np.random.Generator) -> Split:
    """Train on a random half of the rows, test on the others."""
    order = rng.permutation(len(y))
    train, test = order[: len(y) // 2], order[len(y) // 2 :]
    k_train, mean = k[np.ix_(train, train)], y[train].mean()
    dynamics = predict.squared_loss_dynamics(
        k_train, y[train] - mean, k[np.ix_(test, train)], learning_rate=1.0
    )
    path = dynamics.flow(times)
    assert path.test is not None
    values, vectors = np.linalg.eigh(k_train)
    return Split(
        2 * path.loss,
        np.mean((path.test + mean - y[test]) ** 2, axis=1),
        values[::-1] / len(train),
        (vectors.T @ (y[train] - mean))[::-1] ** 2 / len(train),
    )


def plot(path: str, times: Array, splits: Sequence[Split], best: int) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    blue, orange, green = "#0072B2", "#D55E00", "#009E73"
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2), layout="constrained")
    for name, color, line in (("train", blue, "--"), ("test", orange, "-")):
        errors = np.array([getattr(found, name) for found in splits])
        low, middle, high = errors.min(axis=0), errors.mean(axis=0), errors.max(axis=0)
        left.fill_between(times, low, high, color=color, alpha=0.15, lw=0)
        left.plot(
            times, middle, line, color=color, label=f"{name} (band: all {len(splits)} splits)"
        )
    at = times[best], np.mean([found.test[best] for found in splits])
    left.plot(*at, "o", color=orange, ms=8, mfc="white", label="least test error: stop here")
    left.axhline(1, color="gray", lw=0.8, ls=":")
    left.set(
        xscale="log",
        ylim=(0, None),
        xlabel="training time (learning rate × steps)",
        ylabel="mean squared error (1: the mean of all)",
        title="Errors while the network is trained",
    )
    left.legend(frameon=False, fontsize=9, loc="lower left")

    # A mode is learned when rate × time is about 1, so 1 / rate is the time at which it is learned.
    rates, power = (
        np.mean([getattr(s, name) for s in splits], axis=0) for name in Split._fields[2:]
    )
    modes = np.arange(1, len(rates) + 1)
    right.loglog(modes, 1 / rates, "-", color=blue, label="time to learn the mode, n / λ")
    right.axhline(times[best], color=orange, ls="--", label="least test error")
    right.set(
        xlabel="mode of the kernel on the training data, largest first",
        ylabel="training time (learning rate × steps)",
        title="What is learned by then",
    )
    share = right.twinx()
    share.plot(modes, np.cumsum(power), "-.", color=green, label="targets explained (right axis)")
    share.set_ylabel("share of the training targets' variance")
    share.set_ylim(0, 1.05)
    lines = right.get_lines() + share.get_lines()
    right.legend(lines, [line.get_label() for line in lines], frameon=False, fontsize=9)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Training dynamics and early stopping.")
    parser.add_argument("--small", action="store_true", help="150 patients and 3 splits")
    parser.add_argument("--plot", metavar="FILE", help="draw errors and modes to an image file")
    options = parser.parse_args(argv)

    x, y = load_diabetes(return_X_y=True)
    x, y = (x[:150], y[:150]) if options.small else (x, y)
    x, y = (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()
    k = ntkc.compile(source=PROGRAM)(x)

    rng = np.random.default_rng(0)
    times = np.geomspace(0.01, 1e5, 141)
    splits = [split(k, y, times, rng) for _ in range(3 if options.small else SPLITS)]
    train = np.mean([found.train for found in splits], axis=0)
    test = np.mean([found.test for found in splits], axis=0)
    best = int(np.argmin(test))

    print("mean squared errors, relative to the targets' variance\n")
    print("    time   train    test")
    for place in sorted({*range(0, len(times), 20), best}):
        mark = "  <- least test error" if place == best else ""
        print(f"{times[place]:8.2g}  {train[place]:6.3f}  {test[place]:6.3f}{mark}")
    rates = np.mean([found.rates for found in splits], axis=0)
    learned = int(np.sum(rates * times[best] > 1))
    print(f"\nby then {learned} of {len(rates)} modes are learned (n / λ is less than the time)")
    if options.plot:
        plot(options.plot, times, splits, best)
        print(f"drawn to {options.plot}")
    assert np.all(np.diff(train) <= 1e-12)  # a rounding, once nothing is left to learn
    assert test[best] < 0.9 * test[-1]


if __name__ == "__main__":
    main()
