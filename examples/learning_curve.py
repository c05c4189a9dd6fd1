"""Learning curves, forecast and measured.

How much will more data help? Two forecasts that train nothing:

- On the sphere in 20 dimensions the spectrum of an NTK is known exactly, and "eigenlearning" turns
  it into the expected test error at any number of training points.
- For scikit-learn's digits, a pool of labelled rows, the expected error on the rows that are not
  drawn for training is the fixed point of a system of equations, one for each row.

Both are compared with training on random subsets, without and with a ridge. Expect the forecast on
the sphere to be off by what the draw of training points explains, at most two standard errors (its
own bias is 0.2 % in 20 dimensions), and that for the digits to be within 10 %.

    python examples/learning_curve.py --plot learning_curve.png
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

import ntkc
from ntkc import predict, theory

DIMENSION = 20
SPHERE = f"""
network net {{
    input vector[{DIMENSION}]
    {{ dense(w_std = sqrt(2), b_std = 0.3) -> relu }} * 2
    dense
}}
"""
SIGMA = 0.2  # the standard deviation of the label noise on the sphere
RIDGES = (0.0, 0.1)  # relative to the kernel's mean diagonal
Array = NDArray[np.float64]


class Curve(NamedTuple):
    """Test errors at `ns`: forecast, measured, and the standard error of what is measured."""

    ns: Sequence[int]
    forecast: Array
    measured: Array
    deviation: Array


def target(x: Array) -> Array:
    """On the unit sphere: harmonics of degree 1 and 2, of power 1 and 1/4."""
    return np.asarray(
        np.sqrt(DIMENSION) * x[:, 0]
        + 0.5 * np.sqrt(DIMENSION * (DIMENSION + 2)) * x[:, 1] * x[:, 2]
    )


def sphere(ns: Sequence[int], draws: int, rng: np.random.Generator) -> dict[float, Curve]:
    kernel = ntkc.compile(source=SPHERE)
    spectrum = theory.sphere_spectrum(theory.zonal_function(kernel, DIMENSION), DIMENSION, 40)

    def points(count: int) -> Array:
        x = rng.standard_normal((count, DIMENSION))
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    def noisy(x: Array) -> Array:
        return target(x) + SIGMA * rng.standard_normal(len(x))

    errors = np.empty((len(RIDGES), len(ns), draws))
    for place, n in enumerate(ns):
        for draw in range(draws):
            x, fresh = points(n), points(500)
            y, wanted = noisy(x), target(fresh)
            scale = np.sqrt(DIMENSION)  # rows of mean square 1
            blocks = kernel(scale * x), y, kernel(scale * fresh, scale * x)
            for row, ridge in enumerate(RIDGES):
                fit: Any = predict.regress(*blocks, ridge=ridge, ridge_scale="relative")
                # Noise of new labels adds its variance, whatever is predicted.
                errors[row, place, draw] = np.mean((fit.test - wanted) ** 2) + SIGMA**2

    forecasts = [sphere_forecast(spectrum, ns, ridge) for ridge in RIDGES]
    deviations = errors.std(axis=2, ddof=1) / np.sqrt(draws)
    return {
        ridge: Curve(ns, *rows)
        for ridge, *rows in zip(RIDGES, forecasts, errors.mean(axis=2), deviations, strict=True)
    }


def sphere_forecast(spectrum: theory.SphereSpectrum, ns: Sequence[int], ridge: float) -> Array:
    power = np.zeros(len(spectrum.eigenvalues))
    power[1:3] = 1, 0.25
    curve = theory.learning_curve(
        spectrum.eigenvalues,
        ns,
        multiplicities=spectrum.multiplicities,
        power=power,
        noise=SIGMA**2,
        ridge=ridge * spectrum.trace,
        tail=spectrum.tail,
    )
    return np.array([point.test_error for point in curve])


def digits(
    rows: int, ns: Sequence[int], draws: int, rng: np.random.Generator
) -> dict[float, Curve]:
    pixels, labels = load_digits(return_X_y=True)
    order = rng.permutation(len(labels))[:rows]
    kernel = ntkc.compile(Path(__file__).with_name("mlp.ntk"))
    k, y = kernel(pixels[order] / 16), np.eye(10)[labels[order]] - 0.1
    curves = {}
    for ridge in RIDGES:
        forecast = theory.pool_learning_curve(k, y, ns, ridge=ridge, ridge_scale="relative")
        found = theory.measured_learning_curve(
            k, y, ns, ridge=ridge, ridge_scale="relative", draws=draws, rng=rng
        )
        curves[ridge] = Curve(ns, forecast.test_error, found.test_error, found.test_deviation)
    return curves


def show(name: str, curves: dict[float, Curve]) -> None:
    print(f"{name}\n  ridge     n  forecast  measured   standard error   forecast off by")
    for ridge, curve in curves.items():
        for n, forecast, measured, error in zip(*curve, strict=True):
            print(
                f"  {ridge:5.2f}  {n:4d}  {forecast:8.4f}  {measured:8.4f}   ± {error:.4f}"
                f"         {(forecast - measured) / measured:+6.1%}, "
                f"{(forecast - measured) / error:+.1f} standard errors"
            )
    print()


def plot(path: str, every: dict[str, dict[float, Curve]]) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator

    figure, panels = plt.subplots(1, 2, figsize=(9.6, 4.2), layout="constrained")
    for axes, (name, curves) in zip(panels, every.items(), strict=True):
        styles = zip(("#0072B2", "#D55E00"), ("o", "s"), ("-", "--"), strict=True)
        for (color, marker, line), (ridge, curve) in zip(styles, curves.items(), strict=True):
            label = f"ridge {ridge:g}"
            axes.plot(curve.ns, curve.forecast, line, color=color, label=f"forecast, {label}")
            axes.errorbar(
                curve.ns,
                curve.measured,
                yerr=2 * curve.deviation,
                fmt=marker,
                color=color,
                mfc="white",
                capsize=3,
                label=f"measured ± 2 standard errors, {label}",
            )
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="training points n",
            ylabel="mean squared test error",
            title=name,
        )
        ns = next(iter(curves.values())).ns
        axes.set_xticks(ns, [str(n) for n in ns])
        axes.xaxis.minorticks_off()
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
        axes.grid(alpha=0.3, which="both")
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Learning curves, forecast and measured.")
    parser.add_argument("--small", action="store_true", help="less data, fewer training sets")
    parser.add_argument("--plot", metavar="FILE", help="draw the curves to an image file")
    options = parser.parse_args(argv)

    rng = np.random.default_rng(0)
    if options.small:
        on_sphere = sphere([10, 30, 100], 60, rng)
        on_digits = digits(300, [20, 60, 180], 20, rng)
    else:
        on_sphere = sphere([10, 20, 50, 100, 200, 400], 60, rng)
        on_digits = digits(1797, [10, 25, 50, 100, 200, 400, 800, 1400], 20, rng)
    show(f"sphere in {DIMENSION} dimensions", on_sphere)
    show("digits", on_digits)
    if options.plot:
        plot(options.plot, {f"sphere in {DIMENSION} dimensions": on_sphere, "digits": on_digits})
        print(f"drawn to {options.plot}")
    for curve in on_sphere.values():
        assert np.all(np.abs(curve.forecast - curve.measured) < 2 * curve.deviation)
    for curve in on_digits.values():
        assert np.all(np.abs(curve.forecast / curve.measured - 1) < 0.1)


if __name__ == "__main__":
    main()
