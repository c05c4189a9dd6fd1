"""Learning curves on the sphere: both forecasts against regression on points drawn at random."""

from functools import cache
from typing import Any

import numpy as np
import pytest

import ntkc
from ntkc import predict, theory
from ntkc.predict import InputError

AMPLITUDES = np.array([0.3, 1.0, 0.5, 0.3])
SIGMA = 0.2


@cache
def problem(dimension: int) -> tuple[Any, Any, Any]:
    """A compiled NTK, as a function of the cosine, and its spectrum."""
    kernel = ntkc.compile(
        source=f"""network net {{
            input vector[{dimension}]
            {{ dense(w_std = sqrt(2), b_std = 0.3) -> relu }} * 2
            dense
        }}"""
    )
    function = theory.zonal_function(kernel, dimension)
    degree = 120 if dimension == 3 else 40
    return kernel, function, theory.sphere_spectrum(function, dimension, degree)


def points(rng: np.random.Generator, count: int, dimension: int) -> Any:
    x = rng.standard_normal((count, dimension))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def target(x: Any, centres: Any, spectrum: Any) -> Any:
    """In each degree Σ_c √(N/C) P_k(x·c): random functions of nearly the power asked for."""
    counts = spectrum.multiplicities[: len(AMPLITUDES)]
    values = 0.0
    for centre in centres:
        series = theory.gegenbauer(x.shape[1], len(AMPLITUDES) - 1, np.clip(x @ centre, -1, 1))
        values = values + (AMPLITUDES * np.sqrt(counts / len(centres))) @ series
    return values


def power(centres: Any, spectrum: Any) -> Any:
    """Exactly: E P_k(x·a) P_k(x·b) = P_k(a·b)/N."""
    cosines = np.clip(centres @ centres.T, -1, 1).ravel()
    series = theory.gegenbauer(centres.shape[1], len(AMPLITUDES) - 1, cosines)
    return AMPLITUDES**2 * series.sum(axis=1) / len(centres)


def measured(dimension: int, n: int, ridges: Any, draws: int) -> tuple[Any, Any, Any]:
    """Regression on points drawn at random, tested on others: means, standard errors, powers."""
    kernel, _, spectrum = problem(dimension)
    rng = np.random.default_rng([dimension, n])
    centres = points(rng, 20, dimension)
    scale, found = np.sqrt(dimension), []
    for _ in range(draws):
        x, fresh = points(rng, n, dimension), points(rng, 300, dimension)
        k, cross = kernel(scale * x), kernel(scale * fresh, scale * x)
        y = target(x, centres, spectrum) + SIGMA * rng.standard_normal(n)
        wanted = target(fresh, centres, spectrum)
        tests = [predict.regress(k, y, cross, ridge=ridge).test - wanted for ridge in ridges]
        found.append([np.mean(test**2) + SIGMA**2 for test in tests])
    rows = np.array(found)
    return rows.mean(0), rows.std(0, ddof=1) / np.sqrt(draws), power(centres, spectrum)


def forecast(dimension: int, n: int, ridge: float, levels: Any, noise: float = SIGMA**2) -> float:
    """What eigenlearning expects; `ridge` in the kernel's units."""
    _, _, spectrum = problem(dimension)
    found = theory.eigenlearning(
        spectrum.eigenvalues,
        n,
        multiplicities=spectrum.multiplicities,
        power=np.pad(levels, (0, len(spectrum.eigenvalues) - len(levels))),
        noise=noise,
        ridge=ridge,
        tail=spectrum.tail,
    )
    return found.test_error


@pytest.mark.parametrize("n", [10, 30, 100])
def test_eigenlearning_within_two_standard_errors(n: int) -> None:
    # Its own bias in 20 dimensions is 0.2 % (see below), less than what 400 training sets resolve.
    _, _, spectrum = problem(20)
    ridges = [0.0, 0.1 * spectrum.trace]
    means, errors, levels = measured(20, n, ridges, 400)
    assert (errors < 0.015 * means).all()
    for ridge, mean, error in zip(ridges, means, errors, strict=True):
        assert abs(forecast(20, n, ridge, levels) - mean) < 2 * error


@pytest.mark.parametrize(("dimension", "n"), [(3, 10), (3, 100), (10, 60)])
def test_the_exact_curve_in_any_dimension(dimension: int, n: int) -> None:
    _, function, spectrum = problem(dimension)
    ridges = [0.0, 0.1 * spectrum.trace]
    means, errors, levels = measured(dimension, n, ridges, 100)
    for ridge, mean, error in zip(ridges, means, errors, strict=True):
        curve = theory.sphere_learning_curve(
            function,
            spectrum,
            [n],
            power=levels,
            noise=SIGMA**2,
            ridge=ridge,
            draws=100,
            rng=np.random.default_rng(7),
        )
        assert abs(curve.test_error[0] - mean) < 2 * np.hypot(error, curve.deviation[0])


def bias(dimension: int, n: int, ridge: float) -> float:
    """What eigenlearning forecasts, relative to the exact curve."""
    _, function, spectrum = problem(dimension)
    levels = AMPLITUDES**2
    shift = ridge * spectrum.trace
    curve = theory.sphere_learning_curve(
        function,
        spectrum,
        [n],
        power=levels,
        noise=SIGMA**2,
        ridge=shift,
        draws=60,
        rng=np.random.default_rng(8),
    )
    assert curve.deviation[0] < 0.08 * curve.test_error[0]
    return forecast(dimension, n, shift, levels) / float(curve.test_error[0]) - 1


def test_where_eigenlearning_holds() -> None:
    # The table of docs/predict.md: good in many dimensions, biased in few. 60 training sets resolve
    # 0.2 % in 20 dimensions and 0.3 % in 10. Half a percent is half a standard error of the 400
    # training sets above: that those lie within two is no luck of their seeds.
    for ridge in (0.0, 0.1):
        for n in (10, 30, 100):
            assert abs(bias(20, n, ridge)) < 0.005
        assert abs(bias(10, 100, ridge)) < 0.03
    assert bias(3, 30, 0.0) < -0.1


def test_what_eigenlearning_assumes() -> None:
    """With Gaussian numbers for harmonics, of the same spectrum, less of the bias is left.

    So it comes from the harmonics, and not from the spectrum or the tail. Ridgeless and without
    noise: on the sphere in 10 dimensions the forecast for n = 100 is 1.6 % low, with Gaussian modes
    0.5 %, what theories of many points leave out at 100 of them. 80 draws resolve 0.15 %.
    """
    _, function, spectrum = problem(10)
    n, degrees, levels, rng = 100, 5, AMPLITUDES**2, np.random.default_rng(3)
    counts = spectrum.multiplicities[:degrees].astype(int)
    values = spectrum.eigenvalues[:degrees]
    rest = spectrum.trace - float(values @ counts)  # of higher degrees: the identity, at this n
    found = []
    for _ in range(80):
        modes = [rng.standard_normal((n, count)) for count in counts]
        grams = [block @ block.T for block in modes]
        composed = sum(v**2 * g for v, g in zip(values, grams, strict=True))
        kernel = sum(v * g for v, g in zip(values, grams, strict=True)) + rest * np.eye(n)
        inverse = np.linalg.inv(kernel)
        through = inverse @ composed @ inverse
        found.append(
            sum(
                p * (1 + np.sum((through - 2 * v * inverse) * g) / count)
                for p, v, g, count in zip(levels, values, grams, counts, strict=False)
            )
        )
    expected = forecast(10, n, 0.0, levels, noise=0.0)
    gaussian = expected / float(np.mean(found)) - 1
    curve = theory.sphere_learning_curve(
        function, spectrum, [n], power=levels, draws=80, rng=np.random.default_rng(4)
    )
    harmonic = expected / float(curve.test_error[0]) - 1
    assert abs(gaussian) < 0.01
    assert harmonic < gaussian - 0.005


def test_no_target_and_impossible_arguments() -> None:
    _, function, spectrum = problem(10)
    rng = np.random.default_rng(0)
    clean = theory.sphere_learning_curve(function, spectrum, [5], power=[0.0], rng=rng, draws=2)
    assert clean.test_error[0] == 0.0
    # A huge ridge learns nothing: the error is the target's power and the noise.
    still = theory.sphere_learning_curve(
        function, spectrum, [5], power=[1.0, 2.0], noise=0.5, ridge=1e12, rng=rng, draws=2
    )
    assert still.test_error[0] == pytest.approx(3.5, rel=1e-9)
    for name, value in (("power", [-1.0]), ("ns", [0]), ("draws", 1), ("ridge", -1.0)):
        arguments: dict[str, Any] = {"ns": [5], "power": [1.0], "rng": rng} | {name: value}
        with pytest.raises(InputError, match=f"^{name}"):
            theory.sphere_learning_curve(function, spectrum, **arguments)
