"""`NeuralTangentKernel` in scikit-learn's Gaussian processes."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ntkc
from ntkc.sklearn import NeuralTangentKernel
from ntkc.tuning import BoundsError
from tests.sklearn.data import PROGRAM, X_TEST, X, Y

KERNELS = [
    NeuralTangentKernel(depth=2),
    NeuralTangentKernel(depth=1, activation="erf", get="nngp", b_std=0.5),
    NeuralTangentKernel(PROGRAM),
    NeuralTangentKernel(PROGRAM, params={"tilt": 0.3}, param_bounds={"tilt": (0.01, 1.0)}),
    NeuralTangentKernel(PROGRAM, param_bounds={"w": "fixed"}),
    NeuralTangentKernel(PROGRAM, param_bounds="fixed"),
]


@pytest.mark.parametrize("kernel", KERNELS, ids=range(len(KERNELS)))
def test_the_contract_of_a_kernel(kernel: Any) -> None:
    k, gradient = kernel(X, eval_gradient=True)
    assert gradient.shape == (30, 30, kernel.n_dims)
    assert kernel.bounds.shape == ((kernel.n_dims, 2) if kernel.n_dims else (0,))
    assert kernel.theta.shape == (kernel.n_dims,)
    np.testing.assert_allclose(kernel(X), k, rtol=1e-14)
    np.testing.assert_allclose(kernel.diag(X), np.diag(k), rtol=1e-12)
    np.testing.assert_allclose(kernel(X, X_TEST), kernel(X_TEST, X).T, rtol=1e-12)
    for i in range(kernel.n_dims):
        h = 1e-5 * np.eye(kernel.n_dims)[i]
        up, down = (kernel.clone_with_theta(kernel.theta + s * h)(X) for s in (1, -1))
        # Central differences: h^2 times a third derivative, and roundoff over h.
        np.testing.assert_allclose((up - down) / 2e-5, gradient[..., i], rtol=0, atol=1e-7)
    again = clone(kernel)
    assert again == kernel
    assert pickle.loads(pickle.dumps(kernel)) == kernel
    assert not kernel.is_stationary()
    with pytest.raises(ValueError, match="only be evaluated when Y is None"):
        kernel(X, X, eval_gradient=True)


def test_hyperparameters_are_the_program_s_parameters() -> None:
    kernel = NeuralTangentKernel(PROGRAM, params={"w": 2.0})
    compiled = ntkc.compile(source=PROGRAM)
    assert [(each.name, each.fixed) for each in kernel.hyperparameters] == [
        ("w", False), ("b", False), ("tilt", True)
    ]  # fmt: skip
    np.testing.assert_allclose(np.exp(kernel.theta), [2.0, 0.2])
    np.testing.assert_allclose(np.exp(kernel.bounds), [[0.13, 13], [0.02, 2]])
    np.testing.assert_array_equal(kernel(X), compiled(X, w=2.0))
    moved = kernel.clone_with_theta(np.log([0.5, 1.5]))
    assert moved.params == pytest.approx({"w": 0.5, "b": 1.5})
    assert kernel.params == {"w": 2.0}
    np.testing.assert_allclose(moved(X), compiled(X, w=0.5, b=1.5), rtol=1e-13)
    at_bounds = kernel.clone_with_theta(kernel.bounds[:, 1])
    assert at_bounds.params == {"w": 13.0, "b": 2.0}
    assert repr(NeuralTangentKernel(depth=2, get="nngp")) == (
        "NeuralTangentKernel(depth=2, activation='relu', w_std=1.41, b_std=0.1, get='nngp')"
    )
    missing = NeuralTangentKernel("nowhere.ntk", params={"w": 1.2345, "b": None})  # not compiled
    assert repr(missing) == "NeuralTangentKernel('nowhere.ntk', w=1.23, b=None)"


def test_parameters_at_zero() -> None:
    kernel = NeuralTangentKernel(b_std=0.0)
    assert [each.fixed for each in kernel.hyperparameters] == [False, True]
    with pytest.raises(BoundsError, match="b_std = 0 has no logarithm"):
        NeuralTangentKernel(b_std=0.0, param_bounds={"b_std": (0.1, 1)})(X, eval_gradient=True)
    with pytest.raises(BoundsError, match="param_bounds: the network has no parameter 'c'"):
        _ = NeuralTangentKernel(param_bounds={"c": (1, 2)}).theta


# That an optimum lies on a bound is no concern of this test, nor of the next.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_process_optimises_it() -> None:
    kernel = NeuralTangentKernel(PROGRAM, get="nngp") + WhiteKernel(0.1, (1e-3, 1.0))
    noisy = Y + 0.1 * np.random.default_rng(1).standard_normal(30)
    fit = GaussianProcessRegressor(kernel, alpha=0).fit(X, noisy)
    start = GaussianProcessRegressor(kernel, alpha=0, optimizer=None).fit(X, noisy)
    assert fit.log_marginal_likelihood_value_ > start.log_marginal_likelihood_value_ + 0.1
    # The same search by ntkc.tune ends in the same place.
    tuned = ntkc.tune(ntkc.compile(source=PROGRAM), X, noisy, ridge=(1e-3, 1.0), restarts=3)
    assert tuned.value >= fit.log_marginal_likelihood_value_ - 1e-5
    again = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(again.predict(X_TEST), fit.predict(X_TEST))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_it_combines_with_other_kernels() -> None:
    kernel = ConstantKernel(2.0) * NeuralTangentKernel(depth=1) + RBF(1.5)
    assert kernel.n_dims == 4
    k, gradient = kernel(X, eval_gradient=True)
    own = NeuralTangentKernel(depth=1)(X)
    np.testing.assert_allclose(k, 2 * own + RBF(1.5)(X), rtol=1e-13)
    np.testing.assert_allclose(gradient[..., 0], 2 * own, rtol=1e-13)
    fit = GaussianProcessRegressor(kernel, alpha=1e-2).fit(X, Y)
    assert np.isfinite(fit.log_marginal_likelihood_value_)


def test_classification_and_searches() -> None:
    search = GridSearchCV(
        make_pipeline(
            StandardScaler(),
            GaussianProcessClassifier(NeuralTangentKernel(param_bounds="fixed"), optimizer=None),
        ),
        {"gaussianprocessclassifier__kernel__depth": [1, 2]},
        cv=3,
    ).fit(X, Y > 0)
    assert search.best_score_ > 0.7
    chances = search.predict_proba(X)
    assert ((chances > 0) & (chances < 1)).all()


def test_a_fitted_process_outlives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "model.ntk"
    path.write_text(PROGRAM, encoding="utf-8")
    fit = GaussianProcessRegressor(NeuralTangentKernel(path), alpha=0.1, optimizer=None).fit(X, Y)
    wanted = fit.predict(X_TEST)
    pickled = pickle.dumps(fit)
    path.unlink()
    np.testing.assert_array_equal(pickle.loads(pickled).predict(X_TEST), wanted)


def test_changed_parameters_are_seen() -> None:
    kernel = NeuralTangentKernel(depth=1)
    before = kernel(X)
    kernel.set_params(depth=2)
    np.testing.assert_array_equal(kernel(X), NeuralTangentKernel(depth=2)(X))
    assert not np.allclose(kernel(X), before)


def test_a_chain_of_one_feature() -> None:
    column = X[:, :1]
    np.testing.assert_array_equal(NeuralTangentKernel()(X[:, 0]), NeuralTangentKernel()(column))
