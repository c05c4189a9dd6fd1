"""Forecasts on a pool of real data against what is measured, and against exact cases."""

from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits

import ntkc
from ntkc import predict, theory
from ntkc.predict import InputError, PredictError, SingularKernelError

EXAMPLES = Path(__file__).parents[2] / "examples"


@cache
def digits() -> tuple[Any, Any]:
    pixels, labels = load_digits(return_X_y=True)
    kernel = ntkc.compile(EXAMPLES / "mlp.ntk")
    return kernel(pixels[:400] / 16), np.eye(10)[labels[:400]] - 0.1


@cache
def diabetes() -> tuple[Any, Any]:
    x, y = load_diabetes(return_X_y=True)
    x, y = x[:300], y[:300]
    kernel = ntkc.compile(EXAMPLES / "residual.ntk")
    return kernel((x - x.mean(0)) / x.std(0)), (y - y.mean()) / y.std()


@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("data", [digits, diabetes])
def test_the_forecast_is_within_ten_percent(data: Any, ridge: float) -> None:
    k, y = data()
    ns = (25, 80, 240)
    forecast = theory.pool_learning_curve(k, y, ns, ridge=ridge, ridge_scale="relative")
    measured = theory.measured_learning_curve(
        k, y, ns, draws=30, rng=np.random.default_rng(0), ridge=ridge, ridge_scale="relative"
    )
    assert (measured.test_deviation < 0.04 * measured.test_error).all()
    np.testing.assert_allclose(forecast.test_error, measured.test_error, rtol=0.1)
    # Training errors of 25 rows are few and small numbers: up to an eighth off.
    np.testing.assert_allclose(forecast.train_error, measured.train_error, rtol=0.15, atol=1e-12)
    np.testing.assert_allclose(forecast.row_errors.mean(axis=1), forecast.test_error, rtol=1e-12)


def test_rows_have_errors_of_their_own() -> None:
    # Which digits are hard: each row's error, measured where it happens to be a test row.
    k, y = digits()
    forecast = theory.pool_learning_curve(k, y, [200]).row_errors[0]
    rng, rows = np.random.default_rng(3), np.zeros((2, len(y)))
    for _ in range(60):
        order = rng.permutation(len(y))
        train, test = order[:200], order[200:]
        fit = predict.regress(k[np.ix_(train, train)], y[train], k[np.ix_(test, train)])
        rows[0, test] += ((fit.test - y[test]) ** 2).mean(axis=1)
        rows[1, test] += 1
    measured = rows[0] / rows[1]
    # About 30 errors a row, each of which varies by about half of itself: a tenth of noise.
    assert np.corrcoef(np.log(forecast), np.log(measured))[0, 1] > 0.97


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_one_row_left_out_is_exact(ridge: float) -> None:
    k, y = diabetes()
    k, y = k[:60, :60], y[:60]
    forecast = theory.pool_learning_curve(k, y, [59], ridge=ridge)
    left_out = predict.leave_one_out(k, y, ridge=ridge)
    np.testing.assert_allclose(
        forecast.row_errors[0], (left_out.predictions - y) ** 2, rtol=1e-7, atol=1e-10
    )


def test_one_row_and_every_subset() -> None:
    rng = np.random.default_rng(1)
    features = rng.standard_normal((9, 30))
    k, y = features @ features.T / 30, rng.standard_normal(9)
    k = (k + k.T) / 2
    nothing = theory.pool_learning_curve(1e-9 * k, y, [4], ridge=1.0)
    np.testing.assert_allclose(nothing.row_errors[0], y**2, rtol=1e-6)
    np.testing.assert_allclose(nothing.train_error, np.mean(y**2), rtol=1e-6)
    exact = []
    for train in combinations(range(9), 4):
        test = np.setdiff1d(np.arange(9), train)
        fit = predict.regress(
            k[np.ix_(train, train)], y[list(train)], k[np.ix_(test, train)], ridge=0.5
        )
        exact.append(np.mean((fit.test - y[test]) ** 2))
    # Nine rows are few for a theory of many: measured, it is off by 2 % here.
    found = theory.pool_learning_curve(k, y, [4], ridge=0.5).test_error[0]
    assert found == pytest.approx(np.mean(exact), rel=0.04)
    drawn = theory.measured_learning_curve(
        k, y, [4], ridge=0.5, draws=400, rng=np.random.default_rng(2)
    )
    assert abs(drawn.test_error[0] - np.mean(exact)) < 3 * drawn.test_deviation[0]
    assert drawn.test_deviation[0] == pytest.approx(np.std(exact) / 20, rel=0.2)


def test_a_pool_of_equals_obeys_eigenlearning() -> None:
    # On a group all rows are alike: vᵢ are equal, and the law Σ L = n gives κ and the error.
    angles = 2 * np.pi * np.arange(120) / 120
    gaps = angles[:, None] - angles[None]
    k = np.exp(-2 * np.sin(gaps / 2) ** 2 / 0.05)
    y = np.cos(5 * angles) + np.sign(np.sin(angles))
    ridge = 0.2
    values, vectors = np.linalg.eigh((k + k.T) / 2)
    power = (vectors.T @ y) ** 2
    found = theory.pool_learning_curve(k, y, [50], ridge=ridge)
    share = 50 / 119

    def balance(kappa: float) -> float:
        return float(np.sum((values + ridge) / (values + kappa)) - share * 120)

    low, high = ridge, 1e4
    for _ in range(200):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if balance(middle) > 0 else (low, middle)
    learn = values / (values + low)
    trace = np.sum(1 / (values + low))
    alone = np.sum(power / (values + low) ** 2) * 120 / trace**2
    spread = 120 * np.sum(1 / (values + low) ** 2) / trace**2 - 1
    assert found.test_error[0] == pytest.approx(alone / (1 - (1 / share - 1) * spread), rel=1e-6)
    assert learn.sum() + ridge * trace == pytest.approx(share * 120, rel=1e-9)


def test_impossible_arguments() -> None:
    k, y = np.eye(4), np.arange(4.0)
    for ns in ([0], [4], [1.5], [True]):
        with pytest.raises(InputError, match=r"^ns must be whole numbers from 1 to 3"):
            theory.pool_learning_curve(k, y, ns)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^draws"):
        theory.measured_learning_curve(k, y, [2], draws=1, rng=np.random.default_rng(0))
    twice = np.kron(np.eye(2), np.ones((2, 2)))
    with pytest.raises(SingularKernelError, match="rank 2, so that 3 rows"):
        theory.pool_learning_curve(twice, y, [1, 3])
    assert theory.pool_learning_curve(twice, y, [3], ridge=0.1).test_error[0] > 0
    # Independent rows teach nothing of one another: the error is that of predicting 0.
    np.testing.assert_allclose(theory.pool_learning_curve(k, y, [1, 2]).test_error, np.mean(y**2))
    assert issubclass(SingularKernelError, PredictError)
