"""Regression, posterior, evidence and hold-out errors against their definitions."""

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkc import predict

TOLERANCE = 1e-11
"""Size 9, condition numbers near 100."""


@pytest.mark.parametrize("ridge", [0.0, 0.2])
def test_regression(problem: Any, ridge: float) -> None:
    found = predict.regress(problem.train, problem.y, problem.cross, ridge=ridge)
    dual = np.linalg.solve(problem.train + ridge * np.eye(9), problem.y)
    np.testing.assert_allclose(found.test, problem.cross @ dual, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(found.train, problem.train @ dual, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(found.predict(problem.cross), found.test, rtol=0, atol=TOLERANCE)
    values = np.linalg.eigvalsh(problem.train)
    assert found.report.effective_dof == pytest.approx(np.sum(values / (values + ridge)))
    condition = np.linalg.cond(problem.train + ridge * np.eye(9), 1)
    assert condition / 10 < found.report.condition < condition * 1.01


def test_each_output_may_have_its_own_ridge(problem: Any) -> None:
    both = predict.regress(problem.train, problem.y, problem.cross, ridge=[0.1, 3.0])
    assert len(both.reports) == 2
    for column, ridge in enumerate((0.1, 3.0)):
        one = predict.regress(problem.train, problem.y[:, column], problem.cross, ridge=ridge)
        assert one.test.shape == (4,)
        np.testing.assert_allclose(both.test[:, column], one.test, rtol=0, atol=TOLERANCE)
        assert both.reports[column] == one.report


def test_regression_against_fifty_digits() -> None:
    # The Hilbert matrix of size 6, condition 1.5e7: 1e-16 times that, with room.
    n = 6
    k = 1 / (np.arange(n)[:, None] + np.arange(n) + 1)
    y = np.array([1.0, -2.0, 3.0, 0.0, 1.0, 1.0])
    with mpmath.workdps(50):
        wanted = mpmath.lu_solve(mpmath.matrix(k.tolist()), mpmath.matrix(y.tolist()))
    found = predict.regress(k, y)
    np.testing.assert_allclose(found.dual, [float(w) for w in wanted], rtol=1e-8)
    assert 1e6 < found.report.condition < 1e8


def test_singular_matrices_are_met_as_chosen() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((6, 10))
    x = np.concatenate([x, x[:2]])
    k, y = x @ x.T, rng.standard_normal(8)
    k = (k + k.T) / 2
    with pytest.raises(predict.SingularKernelError, match="k_train is singular") as caught:
        predict.regress(k, y)
    assert caught.value.condition > 1e13
    inverse = predict.regress(k, y, k, on_singular="pseudo-inverse")
    assert inverse.report.method == "pseudo-inverse"
    assert inverse.report.rank == 6
    np.testing.assert_allclose(inverse.test[6:], inverse.test[:2], rtol=0, atol=1e-10)
    np.testing.assert_allclose(inverse.test[:2], (y[:2] + y[6:]) / 2, rtol=0, atol=1e-10)
    jitter = predict.regress(k, y, k, on_singular="jitter")
    assert 0 < jitter.report.jitter < 1e-8 * np.mean(np.diag(k))
    np.testing.assert_allclose(jitter.test, inverse.test, rtol=0, atol=1e-5)
    indefinite = np.diag([1.0, 1.0]) + 2 * np.fliplr(np.eye(2))
    for choice in ("jitter", "pseudo-inverse", "raise"):
        with pytest.raises(predict.SingularKernelError):
            predict.regress(indefinite, y[:2], on_singular=choice)


def test_float32_matrices_are_solved_in_float64(problem: Any) -> None:
    single = problem.train.astype(np.float32)
    found = predict.regress(single, problem.y)
    assert found.dual.dtype == np.float64
    np.testing.assert_allclose(
        found.dual, np.linalg.solve(single.astype(float), problem.y), rtol=0, atol=TOLERANCE
    )
    nearly = (np.ones((3, 3)) + 1e-9 * np.eye(3)).astype(np.float32)
    with pytest.raises(predict.SingularKernelError):
        predict.regress(nearly, np.ones(3))


def brute_force(k: Any, y: Any, labels: Any, ridge: float) -> Any:
    found = np.zeros_like(y)
    for label in np.unique(labels):
        out = labels == label
        inner = k[np.ix_(~out, ~out)] + ridge * np.eye((~out).sum())
        found[out] = k[np.ix_(out, ~out)] @ np.linalg.solve(inner, y[~out])
    return found


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 12),
    seed=st.integers(0, 1000),
    ridge=st.sampled_from([0.0, 0.1, 10.0]),
    data=st.data(),
)
def test_hold_out_is_what_retraining_gives(
    make: Any, n: int, seed: int, ridge: float, data: Any
) -> None:
    problem = make(n, 1, 2, seed)
    labels = np.array(data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)))
    found = predict.k_fold(problem.train, problem.y, labels, ridge=ridge)
    wanted = brute_force(problem.train, problem.y, labels, ridge)
    np.testing.assert_allclose(found.predictions, wanted, atol=1e-9, rtol=1e-9)
    one = predict.leave_one_out(problem.train, problem.y[:, 0], ridge=ridge)
    wanted = brute_force(problem.train, problem.y[:, 0], np.arange(n), ridge)
    np.testing.assert_allclose(one.predictions, wanted, atol=1e-9, rtol=1e-9)
    assert one.mean_squared_error == pytest.approx(np.mean(one.residuals**2))


def test_numbered_folds_are_contiguous(problem: Any) -> None:
    found = predict.k_fold(problem.train, problem.y, 4)
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3])
    wanted = brute_force(problem.train, problem.y, labels, 0.0)
    np.testing.assert_allclose(found.predictions, wanted, rtol=0, atol=1e-9)
    for bad in (0, 10, [0, 1]):
        with pytest.raises(predict.InputError, match="folds"):
            predict.k_fold(problem.train, problem.y, bad)


def test_posterior_and_samples(problem: Any) -> None:
    noise = 0.05
    found = predict.posterior(problem.train, problem.y, problem.cross, problem.test, noise=noise)
    inverse = np.linalg.inv(problem.train + noise * np.eye(9))
    np.testing.assert_allclose(
        found.mean, problem.cross @ inverse @ problem.y, rtol=0, atol=TOLERANCE
    )
    wanted = problem.test - problem.cross @ inverse @ problem.cross.T
    np.testing.assert_allclose(found.covariance, wanted, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(found.std, np.sqrt(np.diag(wanted)), rtol=0, atol=TOLERANCE)
    diagonal = predict.posterior(
        problem.train, problem.y, problem.cross, np.diag(problem.test), noise=noise
    )
    assert diagonal.covariance is None
    np.testing.assert_allclose(diagonal.std, found.std, rtol=0, atol=TOLERANCE)
    count = 20_000
    samples = found.sample(np.random.default_rng(3), count)
    assert samples.shape == (count, 4, 2)
    error = samples.mean(axis=0) - found.mean
    assert (np.abs(error) < 4 * found.std[:, None] / np.sqrt(count)).all()
    spread = np.cov(samples[:, :, 0].T)
    scale = np.outer(found.std, found.std) * np.sqrt(2 / count)
    assert (np.abs(spread - wanted) < 4 * scale).all()
    with pytest.raises(predict.InputError, match="k_test"):
        diagonal.sample(np.random.default_rng(0))


def test_a_posterior_at_training_points_knows_them(problem: Any) -> None:
    found = predict.posterior(problem.train, problem.y, problem.train, problem.train)
    np.testing.assert_allclose(found.mean, problem.y, rtol=0, atol=TOLERANCE)
    assert found.std.max() < 1e-6
    # Nothing is left to draw but roundings of the prior, of either sign.
    drawn = found.sample(np.random.default_rng(0), 5)
    np.testing.assert_allclose(drawn, np.broadcast_to(problem.y, drawn.shape), rtol=0, atol=1e-6)
    with pytest.raises(predict.InputError, match="not blocks of one"):
        predict.posterior(problem.train, problem.y, 9 * problem.train, problem.train)


def test_evidence_and_its_gradients(problem: Any) -> None:
    other = problem.prior_train

    def value(a: float, noise: float) -> float:
        k = problem.train + a * other + noise * np.eye(9)
        fit = np.sum(problem.y * np.linalg.solve(k, problem.y))
        return float(-fit / 2 - np.linalg.slogdet(k)[1] - 9 * np.log(2 * np.pi))

    found = predict.log_marginal_likelihood(
        problem.train + 0.3 * other, problem.y, noise=0.1, k_gradients=[other, problem.train]
    )
    assert found.value == pytest.approx(value(0.3, 0.1), rel=1e-12)
    assert found.per_output.sum() == pytest.approx(found.value)
    step = 1e-5  # central differences: step² and 1e-16·100/step, both near 1e-9
    by_a = (value(0.3 + step, 0.1) - value(0.3 - step, 0.1)) / (2 * step)
    by_noise = (value(0.3, 0.1 + step) - value(0.3, 0.1 - step)) / (2 * step)
    assert found.gradient[0] == pytest.approx(by_a, rel=1e-6)
    assert found.noise_gradient == pytest.approx(by_noise, rel=1e-6)
    bare = predict.log_marginal_likelihood(problem.train + 0.3 * other, problem.y, noise=0.1)
    assert bare.gradient is None
    assert bare.noise_gradient == pytest.approx(found.noise_gradient, rel=1e-10)
    with pytest.raises(predict.InputError, match="on_singular"):
        predict.log_marginal_likelihood(other, problem.y, on_singular="pseudo-inverse")


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_leave_one_out_error_s_gradient(make: Any, outputs: int) -> None:
    problem = make(8, 1, outputs, 5)
    rng = np.random.default_rng(6)
    directions = [a + a.T for a in rng.standard_normal((2, 8, 8))]

    def error(s: float, t: float, ridge: float) -> float:
        k = problem.train + s * directions[0] + t * directions[1]
        return predict.leave_one_out(k, problem.y, ridge=ridge).mean_squared_error

    found = predict.leave_one_out(problem.train, problem.y, ridge=0.3, k_gradients=directions)
    plain = predict.leave_one_out(problem.train, problem.y, ridge=0.3)
    np.testing.assert_allclose(found.residuals, plain.residuals, rtol=0, atol=TOLERANCE)
    assert plain.gradient is None
    assert found.gradient is not None
    h = 1e-5
    wanted = [
        (error(h, 0, 0.3) - error(-h, 0, 0.3)) / (2 * h),
        (error(0, h, 0.3) - error(0, -h, 0.3)) / (2 * h),
        (error(0, 0, 0.3 + h) - error(0, 0, 0.3 - h)) / (2 * h),
    ]
    # Differences are good to h^2 times a third derivative, and to 1e-16 / h: 1e-10 and 1e-11.
    np.testing.assert_allclose([*found.gradient, found.ridge_gradient], wanted, rtol=1e-7)
    with pytest.raises(predict.InputError, match=r"k_gradients\[0\] must have the shape \(8, 8\)"):
        predict.leave_one_out(problem.train, problem.y, k_gradients=[np.eye(3)])


def test_conditioning_once_answers_many_times(problem: Any) -> None:
    given = predict.condition(problem.train, problem.y, noise=0.1)
    whole = predict.posterior(problem.train, problem.y, problem.cross, problem.test, noise=0.1)
    first = given.at(problem.cross[:2], np.diagonal(problem.test)[:2])
    assert first.covariance is None
    np.testing.assert_allclose(first.mean, whole.mean[:2], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(first.std, whole.std[:2], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(given.mean(problem.cross), whole.mean, rtol=0, atol=TOLERANCE)
    assert given.report == whole.report
    with pytest.raises(predict.InputError, match="k_cross must have one column"):
        given.mean(problem.cross[:, 1:])
