"""Dynamics against matrix exponentials, loops, and 50-digit arithmetic."""

from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.linalg import expm

from ntkc import predict
from ntkc.predict import propagators

TOLERANCE = 1e-11
"""Matrices of size 9 with condition numbers near 100: some 1e-16 · 1e2, with room for 100 steps."""


def dynamics(problem: Any, **options: Any) -> predict.SquaredLossDynamics:
    return predict.squared_loss_dynamics(
        problem.train,
        problem.y,
        problem.cross,
        f_train=problem.f_train,
        f_test=problem.f_test,
        **options,
    )


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_flow_is_a_matrix_exponential(problem: Any, ridge: float) -> None:
    times = np.array([0.0, 0.7, 40.0])
    path = dynamics(problem, learning_rate=0.9, ridge=ridge).flow(times)
    shifted = problem.train + ridge * np.eye(9)
    for time, train, test in zip(times, path.train, path.test, strict=True):
        gone = np.eye(9) - expm(-0.9 * time * shifted / 18)
        dual = np.linalg.solve(shifted, gone @ (problem.y - problem.f_train))
        np.testing.assert_allclose(
            train, problem.f_train + problem.train @ dual, rtol=0, atol=TOLERANCE
        )
        np.testing.assert_allclose(
            test, problem.f_test + problem.cross @ dual, rtol=0, atol=TOLERANCE
        )
    np.testing.assert_allclose(path.loss, ((path.train - problem.y) ** 2).mean((1, 2)) / 2)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_descent_is_the_loop(problem: Any, momentum: float, ridge: float) -> None:
    rate = 0.7 * predict.max_learning_rate(problem.train, 2, momentum=momentum, ridge=ridge)
    weights = before = np.zeros_like(problem.y)
    steps = [0, 1, 2, 7, 100]
    wanted = {}
    for step in range(101):
        f = problem.f_train + problem.train @ weights
        wanted[step] = f, problem.f_test + problem.cross @ weights
        move = -rate / 18 * (f - problem.y + ridge * weights)
        weights, before = weights + move + momentum * (weights - before), weights
    found = dynamics(problem, learning_rate=rate, ridge=ridge).heavy_ball(steps, momentum)
    for index, step in enumerate(steps):
        np.testing.assert_allclose(found.train[index], wanted[step][0], rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(found.test[index], wanted[step][1], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.99])
def test_flow_with_momentum_is_a_matrix_exponential(problem: Any, momentum: float) -> None:
    rate, time = 0.8, 7.0
    zero, one = np.zeros((9, 9)), np.eye(9)
    friction = (1 - momentum) / np.sqrt(rate)
    system = np.block([[zero, one], [-problem.train / 18, -friction * one]])
    start = np.concatenate([problem.f_train - problem.y, 0 * problem.y])
    wanted = problem.y + (expm(np.sqrt(rate) * time * system) @ start)[:9]
    found = dynamics(problem, learning_rate=rate).flow_with_momentum(time, momentum)
    np.testing.assert_allclose(found.train, wanted, rtol=0, atol=TOLERANCE)


def test_every_dynamics_ends_at_kernel_regression(problem: Any) -> None:
    wanted = predict.regress(
        problem.train, problem.y, problem.cross, f_train=problem.f_train, f_test=problem.f_test
    ).test
    found = dynamics(problem, learning_rate=0.5)
    for path in (
        found.flow(np.inf),
        found.descent(np.inf),
        found.heavy_ball(np.inf, 0.9),
        found.flow_with_momentum([np.inf], 0.9),
    ):
        np.testing.assert_allclose(np.reshape(path.test, (4, 2)), wanted, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("a", [1e-13, 1e-6, 0.01, 0.5, 2.5])
@pytest.mark.parametrize("steps", [1, 10, 1000])
def test_heavy_ball_keeps_the_digits_of_slow_modes(a: float, steps: int) -> None:
    # The roots of slow modes are within a of 1: 1e-11 allows k·2^-52 and the phase of k turns.
    with mpmath.workdps(50):
        q = before = mpmath.mpf(0)
        for _ in range(steps):
            q, before = q + (1 - mpmath.mpf(a) * q) + mpmath.mpf(0.9) * (q - before), q
        wanted = float(q)
    found = propagators.heavy_ball(np.array([a]), np.array([float(steps)]), 1.0, 0.9)[0, 0]
    assert found == pytest.approx(wanted, rel=1e-11)


@pytest.mark.parametrize("offset", [0.0, 1e-12, -1e-8, 1e-5, -1e-3])
def test_nearly_equal_roots_are_no_trouble(offset: float) -> None:
    # 2e-10: the difference quotient loses 3 digits at the change of formula, the powers k·2^-52/a.
    m, steps = 0.81, 300
    a = (1 - np.sqrt(m)) ** 2 * (1 + offset)
    c = 0.4
    rate = (c / 2) ** 2 * (1 + offset)
    with mpmath.workdps(50):
        q = before = mpmath.mpf(0)
        for _ in range(steps):
            q, before = q + (1 - mpmath.mpf(a) * q) + mpmath.mpf(m) * (q - before), q
        delta, s = mpmath.mpf(c) / 2, 9
        integral = mpmath.quad(
            lambda t: mpmath.re(
                mpmath.exp(-delta * t) * t * mpmath.sinc(mpmath.sqrt(rate - delta**2) * t)
            ),
            [0, 3, 6, s],
        )
    found = propagators.heavy_ball(np.array([a]), np.array([float(steps)]), 1.0, m)[0, 0]
    assert found == pytest.approx(float(q), rel=2e-10)
    flow = propagators.damped_flow(np.array([rate]), np.array([9.0]), 1.0, c)[0, 0]
    assert flow == pytest.approx(float(integral), rel=2e-10)


def test_learning_rate_at_the_limit(problem: Any) -> None:
    for momentum in (0.0, 0.6):
        most = predict.max_learning_rate(problem.train, 2, momentum=momentum)
        start = dynamics(problem).flow(0.0).loss
        below = dynamics(problem, learning_rate=0.99 * most).heavy_ball(3000, momentum)
        above = dynamics(problem, learning_rate=1.01 * most).heavy_ball(3000, momentum)
        assert below.loss < 1e-3 * start
        assert above.loss > 1e3 * start
        with pytest.raises(predict.DivergenceError, match="learning_rate"):
            dynamics(problem, learning_rate=1.01 * most).heavy_ball(np.inf, momentum)
    with pytest.raises(predict.DivergenceError, match="learning_rate"):
        dynamics(problem, learning_rate=10 * most).descent(10**6)
    assert predict.max_learning_rate(np.zeros((2, 2))) == np.inf


def test_singular_kernels_move_at_finite_times_and_choose_at_infinity() -> None:
    k = np.array([[2.0, 2.0, 1.0], [2.0, 2.0, 1.0], [1.0, 1.0, 3.0]])
    y = np.array([1.0, 2.0, -1.0])
    found = predict.squared_loss_dynamics(k, y, k)
    path = found.flow([0.0, 5.0])
    np.testing.assert_allclose(path.train[1], y - expm(-5 * k / 3) @ y, rtol=0, atol=1e-13)
    assert path.report.rank == 2
    with pytest.raises(predict.SingularKernelError, match="k_train"):
        found.flow(np.inf)
    chosen = predict.squared_loss_dynamics(k, y, k, on_singular="pseudo-inverse").flow(np.inf)
    assert chosen.report.method == "pseudo-inverse"
    np.testing.assert_allclose(chosen.test, [1.5, 1.5, -1.0], rtol=0, atol=1e-13)
    mended = predict.squared_loss_dynamics(k, y, k, on_singular="jitter").flow(np.inf)
    assert mended.report.jitter > 0
    np.testing.assert_allclose(mended.test, [1.5, 1.5, -1.0], rtol=0, atol=1e-5)
