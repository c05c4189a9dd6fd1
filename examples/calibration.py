"""Predictions with uncertainty on real data, and whether the uncertainty is right.

Predicts the progress of diabetes in patients with the Gaussian process of an infinitely wide
network (NNGP). Conditioned on other patients it gives each a mean, and two kinds of standard
deviation: the process's own, which more data would reduce, and that of the targets' noise, which
nothing does. The variance of the noise and the scale of the kernel are those that make the training
data most likely.

Every patient is predicted once, from the other folds. If the deviations are right, a central
interval of probability p holds a fraction p of the targets, for every p. Expect just that, within
sampling error; and from the process alone, as if targets had no noise, intervals that are far too
narrow.

    python examples/calibration.py --plot calibration.png
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold

import ntkc
from ntkc import predict

PROGRAM = """
network net {
    input vector[10]
    { dense(w_std = sqrt(2), b_std = 0.5) -> relu } * 2
    dense(b_std = 0.5)
}
"""
LEVELS = np.linspace(0.05, 0.95, 19)
Array = NDArray[np.float64]


class Beliefs(NamedTuple):
    """For each patient (n,): target, mean, the deviation of the process, and that with noise."""

    y: Array
    mean: Array
    process: Array
    whole: Array


def most_likely(k: Array, y: Array) -> tuple[float, float]:
    """Scale of the kernel and variance of the noise that make the targets most likely."""

    def loss(logs: Array) -> tuple[float, Array]:
        scale, noise = np.exp(logs)
        found = predict.log_marginal_likelihood(
            scale * k, y, noise=float(noise), k_gradients=[scale * k]
        )
        assert found.gradient is not None
        return -found.value, -np.array([found.gradient[0], noise * found.noise_gradient])

    best = minimize(loss, np.log([0.1, 0.5]), jac=True, method="L-BFGS-B", bounds=[(-10, 5)] * 2)
    scale, noise = np.exp(best.x)
    return float(scale), float(noise)


def held_out(k: Array, y: Array) -> Beliefs:
    """Each patient predicted from the others' folds; y is not seen by what predicts it."""
    mean, process, noises = np.empty_like(y), np.empty_like(y), np.empty_like(y)
    for train, test in KFold(5, shuffle=True, random_state=0).split(k):
        centre, spread = y[train].mean(), y[train].std()
        known = (y[train] - centre) / spread
        scale, noise = most_likely(k[np.ix_(train, train)], known)
        belief = predict.posterior(
            scale * k[np.ix_(train, train)],
            known,
            scale * k[np.ix_(test, train)],
            scale * np.diag(k)[test],
            noise=noise,
        )
        mean[test] = centre + spread * belief.mean
        process[test] = spread * belief.std
        noises[test] = spread * np.sqrt(noise)
    return Beliefs(y, mean, process, np.hypot(process, noises))


def coverage(found: Beliefs, deviation: Array) -> Array:
    """The fraction of targets inside the central interval of each of `LEVELS`."""
    distance = np.abs(found.y - found.mean) / deviation
    return np.mean(distance < norm.ppf((1 + LEVELS) / 2)[:, None], axis=1)


def plot(path: str, found: Beliefs) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    blue, orange = "#0072B2", "#D55E00"
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.4), layout="constrained")
    sampling = 2 * np.sqrt(LEVELS * (1 - LEVELS) / len(found.y))
    left.fill_between(
        LEVELS,
        LEVELS - sampling,
        LEVELS + sampling,
        color="gray",
        alpha=0.25,
        lw=0,
        label="right, ± 2 sampling errors",
    )
    left.plot(LEVELS, coverage(found, found.whole), "o-", color=blue, ms=4, label="with noise")
    left.plot(
        LEVELS, coverage(found, found.process), "s--", color=orange, ms=4, label="process alone"
    )
    left.set(
        xlabel="probability of the interval",
        ylabel="fraction of targets inside of it",
        title="Calibration",
        xlim=(0, 1),
        ylim=(0, 1),
        aspect="equal",
    )
    left.legend(frameon=False, loc="upper left")

    order = np.argsort(found.mean)
    rank = np.arange(1, len(order) + 1)
    mean = found.mean[order]
    for spread, alpha, label in (
        (found.whole, 0.18, "90 % interval, with noise"),
        (found.process, 0.4, "90 % interval, process alone"),
    ):
        half = norm.ppf(0.95) * spread[order]
        right.fill_between(
            rank, mean - half, mean + half, color=blue, alpha=alpha, lw=0, label=label
        )
    right.plot(rank, mean, color=blue, lw=1.5, label="mean")
    right.plot(rank, found.y[order], ".", color=orange, ms=4, label="patient")
    right.set(
        xlabel="patients, by predicted progress",
        ylabel="progress of the disease after a year",
        title="Every patient, predicted from others",
    )
    right.set_ylim(None, 1.35 * found.y.max())
    right.legend(frameon=False, loc="upper left", ncols=2, fontsize=9)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Uncertainty on real data, and its calibration.")
    parser.add_argument("--small", action="store_true", help="150 patients instead of 442")
    parser.add_argument("--plot", metavar="FILE", help="draw intervals to an image file")
    options = parser.parse_args(argv)

    x, y = load_diabetes(return_X_y=True)
    x, y = (x[:150], y[:150]) if options.small else (x, y)
    k = ntkc.compile(source=PROGRAM)((x - x.mean(axis=0)) / x.std(axis=0), get="nngp")
    found = held_out(k, y)

    print(f"{len(y)} patients, each predicted from four fifths of the others\n")
    print("interval   inside of it   process alone   sampling error")
    whole, process = coverage(found, found.whole), coverage(found, found.process)
    sampling = np.sqrt(LEVELS * (1 - LEVELS) / len(y))
    for place in (1, 5, 9, 13, 15, 17):
        print(
            f"{LEVELS[place]:8.0%}   {whole[place]:12.1%}   {process[place]:13.1%}   "
            f"{sampling[place]:14.1%}"
        )

    density = norm.logpdf(found.y, found.mean, found.whole).mean()
    plain = norm.logpdf(y, y.mean(), y.std()).mean()
    explained = 1 - np.mean((found.mean - y) ** 2) / np.var(y)
    print(f"\nexplained variance: {explained:.2f}")
    print(f"log density of a target: {density:.2f} nats; one normal for all: {plain:.2f}")
    if options.plot:
        plot(options.plot, found)
        print(f"drawn to {options.plot}")
    assert np.all(np.abs(whole - LEVELS) < 4 * sampling)
    assert np.all(process < LEVELS)
    assert density > plain


if __name__ == "__main__":
    main()
