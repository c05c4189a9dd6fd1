"""What an infinitely wide network does not know: predictions with standard deviations.

One call computes both kernels of a network. From five values of sin(2x) they
predict all others (d are the data's points, t others), in two ways:

- The NNGP kernel K is the covariance of the network's outputs before training. Conditioning on
  the data is Bayesian inference in the network, with the mean K_td K_dd^-1 y and the covariance
  K_tt - K_td K_dd^-1 K_dt.
- The NTK T describes training by gradient flow on the squared error. Networks trained to the end
  from random starts have the mean A y with A = T_td T_dd^-1, and the covariance
  K_tt + A K_dd A' - A K_dt - (A K_dt)': an ensemble of infinitely many.

Expect both to pass through the data without uncertainty there, and to open up between the points
and outside of them. The ensemble is never the more certain of the two: among all predictions that
are linear in the data, the posterior mean has the least variance.

    python examples/uncertainty.py
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import ntkc

PROGRAM = """
network smooth {
    input vector[1]
    { dense(w_std = 3, b_std = 2) -> erf } * 2
    dense(w_std = 1.5, b_std = 0.2)
}
"""
DATA = np.array([-2.0, -1.2, 0.1, 0.6, 1.9])
JITTER = 1e-9  # a variance of observations, small enough not to be seen in what is printed

Array = NDArray[np.float64]


def deviation(covariance: Array) -> Array:
    return np.sqrt(np.maximum(np.diag(covariance), 0))


def predict(k: Array, ntk: Array, y: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Mean and standard deviation: of the posterior, and of the ensemble; data come first."""
    d, t = slice(len(y)), slice(len(y), None)
    jitter = JITTER * np.eye(len(y))
    posterior = np.linalg.solve(k[d, d] + jitter, k[d, t]).T
    trained = np.linalg.solve(ntk[d, d] + jitter, ntk[d, t]).T
    cross = trained @ k[d, t]
    ensemble_covariance = k[t, t] + trained @ k[d, d] @ trained.T - cross - cross.T
    return (
        (posterior @ y, deviation(k[t, t] - posterior @ k[d, t])),
        (trained @ y, deviation(ensemble_covariance)),
    )


def bar(mean: float, spread: float, lowest: float = -2.5, highest: float = 2.5) -> str:
    """A line of text: `-` for two standard deviations around the mean `o`."""
    columns = 41
    places = np.array([mean - 2 * spread, mean, mean + 2 * spread])
    low, middle, high = np.clip(
        np.rint((places - lowest) / (highest - lowest) * (columns - 1)), 0, columns - 1
    ).astype(int)
    return "".join("o" if i == middle else "-" if low <= i <= high else " " for i in range(columns))


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Posterior and ensemble of a wide network.")
    parser.add_argument("--small", action="store_true", help="7 points instead of 31")
    small = parser.parse_args(argv).small

    kernel = ntkc.compile(source=PROGRAM)
    y = np.sin(2 * DATA)
    grid = np.linspace(-3, 3, 7 if small else 31)
    k, ntk = kernel(np.concatenate([DATA, grid])[:, None], get=("nngp", "ntk"))
    posterior, ensemble = predict(k, ntk, y)

    print("     x    true   posterior        ensemble         posterior, two deviations")
    for x, m, s, em, es in zip(grid, *posterior, *ensemble, strict=True):
        print(
            f"{x:6.2f}  {np.sin(2 * x):6.3f}  {m:6.3f} ± {s:5.3f}   {em:6.3f} ± {es:5.3f}  "
            f"|{bar(m, s)}|"
        )

    twice = np.ix_(*[np.tile(np.arange(len(y)), 2)] * 2)
    (at_data, spread), (trained_at_data, _) = predict(k[twice], ntk[twice], y)
    print(f"at the data: error {np.abs(at_data - y).max():.0e}, deviation {spread.max():.0e}")
    assert np.allclose(at_data, y, atol=1e-4)
    assert np.allclose(trained_at_data, y, atol=1e-4)
    assert np.all(posterior[1] <= ensemble[1] + 1e-4)
    assert np.all(posterior[1] <= np.sqrt(np.diag(k)[len(y) :]))


if __name__ == "__main__":
    main()
