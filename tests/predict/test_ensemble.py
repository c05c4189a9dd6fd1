"""Infinite ensembles against an actual ensemble of linear models, and in the limits."""

from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

from ntkc import predict


def blocks(problem: Any) -> tuple[predict.Blocks, predict.Blocks]:
    return (
        predict.Blocks(problem.train, problem.cross, problem.test),
        predict.Blocks(problem.prior_train, problem.prior_cross, problem.prior_test),
    )


@pytest.mark.parametrize("ridge", [0.0, 0.2])
def test_the_covariance_is_the_image_of_the_start(problem: Any, ridge: float) -> None:
    # Outputs after training are linear in the Gaussian start: f_t = S f_0 + A y, covariance S K Sᵀ.
    ntk, nngp = blocks(problem)
    found = predict.infinite_ensemble(ntk, nngp, problem.y, [3.0, 30.0], ridge=ridge)
    joint = np.block(
        [[problem.prior_train, problem.prior_cross.T], [problem.prior_cross, problem.prior_test]]
    )
    shifted = problem.train + ridge * np.eye(9)
    for index, time in enumerate((3.0, 30.0)):
        move = np.linalg.solve(shifted, np.eye(9) - expm(-time * shifted / 18))
        rows = np.concatenate([problem.train, problem.cross]) @ move
        linear = np.eye(13) - np.concatenate([rows, np.zeros((13, 4))], axis=1)
        wanted = linear @ joint @ linear.T
        np.testing.assert_allclose(
            found.train_covariance[index], wanted[:9, :9], rtol=0, atol=1e-12
        )
        np.testing.assert_allclose(found.test_covariance[index], wanted[9:, 9:], rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            found.train_mean[index], (rows @ problem.y)[:9], rtol=0, atol=1e-12
        )
        np.testing.assert_allclose(
            found.test_mean[index], (rows @ problem.y)[9:], rtol=0, atol=1e-12
        )
    np.testing.assert_allclose(
        found.test_std, np.sqrt(np.diagonal(found.test_covariance, axis1=1, axis2=2))
    )


def test_training_the_readout_ends_at_the_posterior(problem: Any) -> None:
    _, nngp = blocks(problem)
    found = predict.infinite_ensemble(None, nngp, problem.y, trained="nngp", ridge=0.1)
    wanted = predict.posterior(nngp.train, problem.y, nngp.cross, nngp.test, noise=0.1)
    np.testing.assert_allclose(found.test_mean, wanted.mean, rtol=0, atol=1e-11)
    np.testing.assert_allclose(found.test_covariance, wanted.covariance, rtol=0, atol=1e-11)
    start = predict.infinite_ensemble(None, nngp, problem.y, 0.0, trained="nngp")
    np.testing.assert_allclose(start.train_covariance, problem.prior_train, rtol=0, atol=1e-12)


def test_nothing_is_uncertain_at_training_points_in_the_end(problem: Any) -> None:
    ntk, nngp = blocks(problem)
    found = predict.infinite_ensemble(ntk, nngp, problem.y)
    assert np.abs(found.train_covariance).max() < 1e-20
    np.testing.assert_allclose(found.train_mean, problem.y, rtol=0, atol=1e-12)


def test_optional_parts(problem: Any) -> None:
    ntk, nngp = blocks(problem)
    whole = predict.infinite_ensemble(ntk, nngp, problem.y, 2.0)
    diagonal = predict.infinite_ensemble(
        ntk,
        predict.Blocks(nngp.train, nngp.cross, np.diag(problem.prior_test)),
        problem.y[:, 0],
        1.0,  # N counts outputs: with one of two, time goes twice as fast
        train_covariance=False,
    )
    assert diagonal.train_covariance is None
    assert diagonal.test_covariance is None
    assert diagonal.test_mean.shape == (4,)
    np.testing.assert_allclose(diagonal.test_std, whole.test_std, rtol=0, atol=1e-12)
    alone = predict.infinite_ensemble(
        predict.Blocks(ntk.train), predict.Blocks(nngp.train), problem.y, 2.0
    )
    assert alone.test_mean is None
    np.testing.assert_allclose(alone.train_mean, whole.train_mean, rtol=0, atol=1e-12)
    with pytest.raises(predict.InputError, match="same points"):
        predict.infinite_ensemble(ntk, predict.Blocks(nngp.train), problem.y)
    with pytest.raises(predict.InputError, match="ntk must be given"):
        predict.infinite_ensemble(None, nngp, problem.y)
