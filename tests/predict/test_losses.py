"""Losses, and the ODE solver against closed forms."""

from typing import Any

import numpy as np
import pytest

from ntkc import predict
from ntkc.predict.errors import InputError, IntegrationError

ODE = 1e-6
"""Local tolerances of 1e-8 relative and 1e-10 absolute accumulate over some hundred steps."""

LABELS = np.eye(3)[[0, 1, 2, 1, 0]]
CUSTOM = predict.CustomLoss(lambda f, y: float(np.cosh(f - y).sum()), lambda f, y: np.sinh(f - y))


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (predict.SquaredError(), LABELS),
        (predict.CrossEntropy(), LABELS),
        (predict.CrossEntropy(), np.full((5, 3), 1 / 3)),
        (predict.Hinge(), 2 * LABELS - 1),
        (predict.Hinge(0.7), 2 * LABELS - 1),
        (predict.Huber(0.5), LABELS),
        (CUSTOM, LABELS),
    ],
)
def test_gradients(loss: Any, y: Any) -> None:
    f = np.random.default_rng(0).standard_normal(y.shape)
    loss.check(y)
    step, slope = 1e-6, np.empty_like(f)
    for place in np.ndindex(*f.shape):
        up, down = f.copy(), f.copy()
        up[place] += step
        down[place] -= step
        slope[place] = (loss.value(up, y) - loss.value(down, y)) / (2 * step)
    np.testing.assert_allclose(loss.gradient(f, y), slope, rtol=0, atol=1e-8)


@pytest.mark.parametrize("momentum", [None, 0.9])
def test_the_squared_loss_agrees_with_its_closed_form(problem: Any, momentum: Any) -> None:
    options = {"f_train": problem.f_train, "f_test": problem.f_test, "learning_rate": 0.6}
    times = [7.0, 0.0, 90.0]
    found = predict.integrate(
        predict.SquaredError(),
        problem.train,
        problem.y,
        times,
        problem.cross,
        momentum=momentum,
        **options,
    )
    exact = predict.squared_loss_dynamics(problem.train, problem.y, problem.cross, **options)
    wanted = exact.flow(times) if momentum is None else exact.flow_with_momentum(times, momentum)
    np.testing.assert_allclose(found.train, wanted.train, rtol=0, atol=ODE)
    np.testing.assert_allclose(found.test, wanted.test, rtol=0, atol=ODE)
    np.testing.assert_allclose(found.loss, wanted.loss, rtol=0, atol=ODE)


def test_a_loss_of_one_s_own_against_its_solution() -> None:
    """Σ cosh(f − y), on points that do not see one another: tanh(r/2) falls as exp(−ηkt)."""
    k, y = np.diag([2.0, 0.5, 1.0]), np.array([1.5, -2.0, 0.3])
    times = np.array([0.0, 0.4, 3.0])
    path = predict.integrate(CUSTOM, k, y, times, learning_rate=0.7)
    fallen = np.exp(-0.7 * np.outer(times, np.diag(k)))
    wanted = y + 2 * np.arctanh(np.tanh(-y / 2) * fallen)
    np.testing.assert_allclose(path.train, wanted, rtol=0, atol=ODE)
    np.testing.assert_allclose(path.loss, np.cosh(wanted - y).sum(axis=1), rtol=0, atol=ODE)


def test_huber_around_its_corner() -> None:
    """At the rate η·k·δ/N as long as the residual is beyond δ, and exponentially from there on."""
    k, y, delta, eta = np.diag([2.0, 1.0]), np.array([3.0, -1.2]), 0.5, 0.8
    rate, corner = eta * np.diag(k) / 2, (np.abs(y) - delta) / (eta * np.diag(k) / 2 * delta)
    times = np.array([0.0, 1.0, corner[1], 6.0, corner[0], 15.0])
    after = np.maximum(times[:, None] - corner, 0)
    missed = np.where(
        after > 0, delta * np.exp(-rate * after), np.abs(y) - rate * delta * times[:, None]
    )
    path = predict.integrate(predict.Huber(delta), k, y, times, learning_rate=eta)
    np.testing.assert_allclose(path.train, y - np.sign(y) * missed, rtol=0, atol=ODE)


def test_cross_entropy_of_two_classes_against_its_solution() -> None:
    """One row: the difference u of its outputs obeys u + eᵘ = 1 + 2ηkt, as u' = 2ηk/(1 + eᵘ)."""
    times = np.array([0.1, 1.0, 20.0])
    path = predict.integrate(
        predict.CrossEntropy(), [[1.5]], [[1.0, 0.0]], times, learning_rate=0.3
    )
    u = path.train[:, 0, 0] - path.train[:, 0, 1]
    np.testing.assert_allclose(u + np.exp(u), 1 + 2 * 0.3 * 1.5 * times, rtol=10 * ODE)
    np.testing.assert_allclose(path.train.sum(axis=2), 0, atol=ODE)
    np.testing.assert_allclose(path.loss, np.log1p(np.exp(-u)), rtol=0, atol=ODE)


@pytest.mark.parametrize("method", ["RK45", "BDF"])
def test_huber_far_from_its_corner_moves_uniformly(problem: Any, method: Any) -> None:
    y = 1e6 * np.sign(problem.y)
    path = predict.integrate(predict.Huber(2.0), problem.train, y, 3.0, method=method)
    np.testing.assert_allclose(path.train, 3 * problem.train @ np.sign(problem.y) * 2 / 18)


def test_hinge_learns_the_signs(problem: Any) -> None:
    y = np.sign(problem.y[:, 0])
    path = predict.integrate(predict.Hinge(0.1), problem.train, y, [0.0, 1.0, 500.0])
    assert path.train.shape == (3, 9)
    assert (np.diff(path.loss) < 0).all()
    assert path.loss[-1] < 1e-2
    early = predict.integrate(predict.Hinge(), problem.train, y, 0.1)
    np.testing.assert_allclose(early.train, 0.1 * problem.train @ y / 9, rtol=0, atol=ODE)
    with pytest.raises(IntegrationError, match="max_evaluations"):
        predict.integrate(predict.Hinge(), problem.train, y, 500.0, max_evaluations=500)


def test_one_time_and_one_output_keep_their_shapes(problem: Any) -> None:
    path = predict.integrate(CUSTOM, problem.train, problem.y[:, 0], 0.0, problem.cross)
    assert path.train.shape == (9,)
    assert path.test.shape == (4,)
    assert path.loss.shape == ()
    assert not path.train.any()


def test_errors_name_their_source(problem: Any) -> None:
    k, y = problem.train, problem.y
    for loss, bad in (
        (predict.CrossEntropy(), y),
        (predict.CrossEntropy(), np.ones((9, 1))),
        (predict.Hinge(), y),
    ):
        with pytest.raises(InputError, match="y_train"):
            predict.integrate(loss, k, bad, 1.0)
    with pytest.raises(InputError, match="times"):
        predict.integrate(predict.SquaredError(), k, y, np.inf)
    with pytest.raises(InputError, match="method"):
        predict.integrate(predict.SquaredError(), k, y, 1.0, method="Euler")
    with pytest.raises(InputError, match="gradient_of returned the shape"):
        predict.integrate(predict.CustomLoss(lambda f, y: 0.0, lambda f, y: f[0]), k, y, 1.0)
    with pytest.raises(InputError, match="gradient_of returned NaN"):
        predict.integrate(predict.CustomLoss(lambda f, y: 0.0, lambda f, y: np.nan * f), k, y, 1.0)
    with pytest.raises(InputError, match="value_of"):
        predict.integrate(predict.CustomLoss(lambda f, y: np.nan, lambda f, y: f), k, y, 1.0)
    with pytest.raises(InputError, match="delta"):
        predict.Huber(0.0)
    explosion = predict.CustomLoss(lambda f, y: 0.0, lambda f, y: -(f**3) - 1)
    with pytest.raises((IntegrationError, InputError)), np.errstate(all="ignore"):
        predict.integrate(explosion, k, y, 1e3, method="RK45")
