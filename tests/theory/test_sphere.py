"""The spectrum on the sphere against closed forms, sums, and the compiled kernel."""

from math import comb
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.special import eval_gegenbauer

import ntkc
from ntkc import theory
from ntkc.predict import InputError


def relu(cosines: Any) -> Any:
    """The arc-cosine kernel of degree 1 on unit vectors, times 2."""
    angle = np.arccos(np.clip(cosines, -1, 1))
    return (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi


@pytest.mark.parametrize("dimension", [2, 3, 4, 10, 50])
def test_harmonics(dimension: int) -> None:
    # Polynomials of degree K on the sphere: multiplicities sum to C(K+d-1, d-1) + C(K+d-2, d-1).
    total = sum(theory.multiplicity(dimension, k) for k in range(7))
    assert total == comb(5 + dimension, dimension - 1) + comb(4 + dimension, dimension - 1)
    t = np.linspace(-1, 1, 7)
    values = theory.gegenbauer(dimension, 6, t)
    np.testing.assert_allclose(values[:, -1], 1, rtol=1e-13)
    if dimension == 2:
        np.testing.assert_allclose(values[5], np.cos(5 * np.arccos(t)), rtol=0, atol=1e-13)
    else:
        alpha = (dimension - 2) / 2
        wanted = eval_gegenbauer(5, alpha, t) / eval_gegenbauer(5, alpha, 1.0)
        np.testing.assert_allclose(values[5], wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize("quadrature", ["angle", "cosine"])
@pytest.mark.parametrize("dimension", [2, 3, 5, 40])
def test_polynomials_have_few_eigenvalues(dimension: int, quadrature: Any) -> None:
    # t² = 1/d + (1 − 1/d) P_2(t), and t = P_1; each P_k has the eigenvalue 1/N(d, k).
    found = theory.sphere_spectrum(lambda t: 3 * t + t**2, dimension, 5, quadrature=quadrature)
    wanted = np.zeros(6)
    wanted[0] = 1 / dimension
    wanted[1] = 3 / theory.multiplicity(dimension, 1)
    wanted[2] = (1 - 1 / dimension) / theory.multiplicity(dimension, 2)
    np.testing.assert_allclose(found.eigenvalues, wanted, rtol=0, atol=1e-13)
    assert found.trace == 4.0
    assert found.tail < 1e-12


def test_the_exponential_on_the_circle_has_bessel_functions() -> None:
    found = theory.sphere_spectrum(np.exp, 2, 12)
    wanted = [float(mpmath.besseli(k, 1)) for k in range(13)]
    np.testing.assert_allclose(found.eigenvalues, wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dimension", [3, 6])
def test_relu_has_a_branch_point(dimension: int) -> None:
    # The angle's quadrature is spectral; the cosine's error falls like nodes^(−d) and is reported.
    angle = theory.sphere_spectrum(relu, dimension, 20)
    cosine = theory.sphere_spectrum(relu, dimension, 20, quadrature="cosine")
    np.testing.assert_allclose(cosine.eigenvalues, angle.eigenvalues, rtol=0, atol=1e-12)
    assert angle.error < 1e-13
    assert angle.eigenvalues[3::2].max() < 1e-15
    assert angle.eigenvalues[1] == pytest.approx(0.5 / dimension, rel=1e-12)
    series = angle.eigenvalues * angle.multiplicities
    value = series @ theory.gegenbauer(dimension, 20, np.array([0.3]))
    assert abs(value[0] - relu(np.array([0.3]))[0]) < angle.tail
    assert 0 < angle.tail < 0.02


def test_a_compiled_kernel_is_zonal(tmp_path: Path) -> None:
    path = tmp_path / "relu.ntk"
    path.write_text("network net { input vector[3]; dense(w_std = 1.4142135623730951) -> relu }")
    kernel = ntkc.compile(path)
    found = theory.sphere_spectrum(theory.zonal_function(kernel, 3, get="nngp"), 3, 8)
    wanted = theory.sphere_spectrum(relu, 3, 8)
    np.testing.assert_allclose(found.eigenvalues, wanted.eigenvalues, rtol=0, atol=1e-12)


def test_impossible_arguments() -> None:
    for dimension, degree in ((1, 3), (3, -1)):
        with pytest.raises(InputError, match="dimension must"):
            theory.sphere_spectrum(relu, dimension, degree)
    with pytest.raises(InputError, match="not finite at the cosine"):
        theory.sphere_spectrum(lambda t: np.where(t > 0.5, np.nan, t), 3, 2)
    with pytest.raises(InputError, match="returned the shape"):
        theory.sphere_spectrum(lambda t: t[:1], 3, 2)
    with pytest.raises(InputError, match="quadrature"):
        theory.sphere_spectrum(relu, 3, 2, quadrature="clenshaw")  # type: ignore[arg-type]


def test_empirical_spectrum_estimates_the_exact_one() -> None:
    rng = np.random.default_rng(5)
    n = 600
    x = rng.standard_normal((n, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    gram = relu(x @ x.T)
    found = theory.empirical_spectrum((gram + gram.T) / 2)
    exact = theory.sphere_spectrum(relu, 3, 2)
    assert found.trace == pytest.approx(1.0)
    assert found.eigenvalues[0] == pytest.approx(exact.eigenvalues[0], rel=4 / np.sqrt(n))
    mean = found.eigenvalues[1:4].mean()
    assert mean == pytest.approx(exact.eigenvalues[1], rel=4 / np.sqrt(n))
    assert 1 <= found.effective_rank <= n
    assert theory.empirical_spectrum(np.ones((2, 2))).condition == np.inf
    with pytest.raises(InputError, match="k_train"):
        theory.empirical_spectrum(np.zeros((0, 0)))


def test_condition_against_depth() -> None:
    rng = np.random.default_rng(6)
    x = rng.standard_normal((6, 4))
    x /= np.linalg.norm(x, axis=1, keepdims=True)

    def deep(depth: int) -> Any:
        k = x @ x.T
        for _ in range(depth):
            k = relu(k)
        return (k + k.T) / 2

    scan = theory.condition_against_depth(deep, [3, 9, 27])
    assert scan.depths == (3, 9, 27)
    # The NNGP of ReLU networks makes inputs alike: correlations rise to 1, conditions with them.
    assert (np.diff(scan.correlation) > 0).all()
    assert (np.diff(scan.conditions) > 0).all()
    np.testing.assert_allclose(scan.conditions, scan.largest / scan.smallest)
    with pytest.raises(InputError, match="two rows"):
        theory.condition_against_depth(lambda depth: np.eye(1), [1])
