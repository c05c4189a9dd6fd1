"""Networks of finite width, trained, against the prediction for infinite width.

Trains networks with one hidden layer in plain NumPy, by gradient descent on the whole training set,
and compares what they have learned with what the compiled NTK predicts. At infinite width, training
moves the outputs linearly, so that `ntkc.predict` has the outputs after any number of steps in
closed form, from the network's own outputs before training:

    f_t(x) = f_0(x) + T(x, X) φ_t(T(X, X)) (y - f_0(X))

All weights are standard normal numbers at first, and are scaled where they are used, which is the
NTK parameterization: z = x W₁ w/√10 + b·β₁, f = erf(z) W₂ w/√width + b·β₂.

Expect a gap between network and prediction that falls as width^-1/2: a quarter of the gap for 16
times the width. The gap is the root mean square over test points and over random starts, relative
to the standard deviation of the predictions.

    python examples/finite_width.py --plot finite_width.png
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

import ntkc
from ntkc import predict

PROGRAM = """
network net {
    input vector[10]
    dense(w_std = 1.5, b_std = 0.3) -> erf
    dense(w_std = 1.5, b_std = 0.3)
}
"""
W_STD, B_STD = 1.5, 0.3
STEPS = 200
Array = NDArray[np.float64]


class Network(NamedTuple):
    """Weights (inputs, width), (width,) and biases (width,), one number: all standard normal."""

    inner: Array
    inner_bias: Array
    outer: Array
    outer_bias: float

    def hidden(self, x: Array) -> Array:
        scale = W_STD / np.sqrt(len(self.inner))
        return np.asarray(scale * (x @ self.inner) + B_STD * self.inner_bias)

    def __call__(self, x: Array) -> Array:
        scale = W_STD / np.sqrt(len(self.outer))
        return np.asarray(scale * (erf(self.hidden(x)) @ self.outer) + B_STD * self.outer_bias)


def start(width: int, inputs: int, rng: np.random.Generator) -> Network:
    weights = rng.standard_normal((inputs, width)), rng.standard_normal(width)
    return Network(*weights, rng.standard_normal(width), float(rng.standard_normal()))


def step(net: Network, x: Array, y: Array, rate: float) -> Network:
    """One step of gradient descent on the loss 1/(2n) Σ (f(x) - y)²."""
    inputs, width = net.inner.shape
    z = net.hidden(x)
    features = erf(z)
    scale = W_STD / np.sqrt(width)
    error = (scale * (features @ net.outer) + B_STD * net.outer_bias - y) / len(y)  # dL/df
    back = np.outer(error, scale * net.outer) * (2 / np.sqrt(np.pi) * np.exp(-(z**2)))  # dL/dz
    return Network(
        net.inner - rate * W_STD / np.sqrt(inputs) * (x.T @ back),
        net.inner_bias - rate * B_STD * back.sum(axis=0),
        net.outer - rate * scale * (features.T @ error),
        net.outer_bias - rate * B_STD * float(error.sum()),
    )


def plot(path: str, widths: Sequence[int], gaps: Array, exponent: float) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    rms = np.sqrt(np.mean(gaps**2, axis=1))
    low, high = np.quantile(gaps, [0.1, 0.9], axis=1)
    axes.fill_between(widths, low, high, color="#0072B2", alpha=0.2, label="8 of 10 networks")
    axes.loglog(widths, rms, "o-", color="#0072B2", label="root mean square of the networks")
    law = rms[-1] * (np.array(widths) / widths[-1]) ** -0.5
    axes.loglog(widths, law, "--", color="#D55E00", label="width$^{-1/2}$")
    axes.set(
        xlabel="width of the hidden layer (units)",
        ylabel="gap / standard deviation of predictions",
        title=f"Trained networks approach their NTK prediction: gap ~ width$^{{{exponent:.2f}}}$",
    )
    axes.set_xticks(widths, [str(width) for width in widths])
    ticks = [tick for tick in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if low[-1] < tick < high[0]]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Trained networks against their NTK prediction.")
    parser.add_argument("--small", action="store_true", help="widths up to 512 instead of 8192")
    parser.add_argument("--plot", metavar="FILE", help="draw the gaps to an image file")
    options = parser.parse_args(argv)
    widths = [32, 128, 512] if options.small else [32, 128, 512, 2048, 8192]
    draws = 30 if options.small else 40

    rng = np.random.default_rng(0)
    x, x_test = rng.standard_normal((20, 10)), rng.standard_normal((50, 10))
    y = np.sin(x[:, 0]) + 0.5 * x[:, 1]

    ntk = predict.blocks_of(ntkc.compile(source=PROGRAM), x, x_test)
    rate = predict.max_learning_rate(ntk.train) / 2
    print(f"{STEPS} steps of gradient descent with the learning rate {rate:.3f}\n")

    def gap(width: int) -> float:
        net = start(width, x.shape[1], rng)
        dynamics = predict.squared_loss_dynamics(
            ntk.train, y, ntk.cross, f_train=net(x), f_test=net(x_test), learning_rate=rate
        )
        wanted = dynamics.descent(STEPS).test
        for _ in range(STEPS):
            net = step(net, x, y, rate)
        return float(np.sqrt(np.mean((net(x_test) - wanted) ** 2)) / np.std(wanted))

    print("width      gap   standard error")
    gaps = np.array([[gap(width) for _ in range(draws)] for width in widths])
    rms = np.sqrt(np.mean(gaps**2, axis=1))
    errors = np.std(gaps**2, axis=1, ddof=1) / np.sqrt(draws) / (2 * rms)
    for width, value, error in zip(widths, rms, errors, strict=True):
        print(f"{width:5d}  {value:7.4f}  {error:7.4f}")

    # Weighted by the standard errors of log(gap).
    (exponent, _), covariance = np.polyfit(
        np.log(widths), np.log(rms), 1, w=rms / errors, cov="unscaled"
    )
    spread = float(np.sqrt(covariance[0, 0]))
    print(f"\ngap ~ width^{exponent:.3f} ± {spread:.3f}; expected -0.5")
    if options.plot:
        plot(options.plot, widths, gaps, exponent)
        print(f"drawn to {options.plot}")
    assert abs(exponent + 0.5) < 0.1


if __name__ == "__main__":
    main()
