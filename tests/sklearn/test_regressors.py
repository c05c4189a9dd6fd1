"""Regressors against formulas, scikit-learn's own, and awkward data."""

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib import parallel_config
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ntkc
from ntkc import predict
from ntkc.sklearn import NeuralTangentKernel, NNGPRegressor, NTKRegressor
from tests.sklearn.data import PROGRAM, X_TEST, X, Y

TOLERANCE = 1e-9
"""Condition numbers are below 1e6 here, and values of order 1."""
BOTH = [NTKRegressor, partial(NNGPRegressor, noise=0.0)]


def test_ridge_regression_is_scikit_learn_s() -> None:
    kernel = ntkc.compile(source=PROGRAM)
    theirs = KernelRidge(alpha=0.1, kernel="precomputed").fit(kernel(X, w=0.9), Y)
    ours = NTKRegressor(PROGRAM, params={"w": 0.9}, ridge=0.1).fit(X, Y)
    wanted = theirs.predict(kernel(X_TEST, X, w=0.9))
    np.testing.assert_allclose(ours.predict(X_TEST), wanted, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(ours.dual_coef_, theirs.dual_coef_, rtol=0, atol=1e-7)
    assert ours.params_ == {"w": 0.9, "b": 0.2, "tilt": 0.0}
    assert ours.report_.ridge == 0.1
    assert ours.n_features_in_ == 4


def test_without_ridge_it_passes_through_the_data() -> None:
    fit = NTKRegressor(normalize_y=True).fit(X, 5 + 100 * Y)
    # The condition number of the default network's kernel is below 1e4 here.
    np.testing.assert_allclose(fit.predict(X), 5 + 100 * Y, rtol=0, atol=1e-8)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("outputs", [0, 2])
def test_nngp_regression_is_scikit_learn_s(normalize: bool, outputs: int) -> None:
    y = Y if outputs == 0 else np.stack([Y, 3 + 2 * np.cos(X[:, 2])], axis=1)
    ours = NNGPRegressor(noise=0.05, normalize_y=normalize).fit(X, y)
    theirs = GaussianProcessRegressor(
        NeuralTangentKernel(get="nngp"), alpha=0.05, optimizer=None, normalize_y=normalize
    ).fit(X, y)
    for options in ({"return_std": True}, {"return_cov": True}):
        for found, wanted in zip(
            ours.predict(X_TEST, **options), theirs.predict(X_TEST, **options), strict=True
        ):
            assert found.shape == wanted.shape
            np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(ours.predict(X_TEST), theirs.predict(X_TEST), rtol=0, atol=TOLERANCE)
    likelihood = theirs.log_marginal_likelihood_value_
    assert ours.log_marginal_likelihood() == pytest.approx(likelihood, rel=1e-10)
    drawn = ours.sample_y(X_TEST, 7)
    assert drawn.shape == theirs.sample_y(X_TEST, 7).shape
    np.testing.assert_array_equal(drawn, ours.sample_y(X_TEST, 7))
    with pytest.raises(RuntimeError, match="cannot both"):
        ours.predict(X_TEST, return_std=True, return_cov=True)


def test_samples_have_the_posterior_s_moments() -> None:
    fit = NNGPRegressor(noise=0.05, normalize_y=True).fit(X, 7 + 3 * Y)
    mean, covariance = fit.predict(X_TEST, return_cov=True)
    drawn = fit.sample_y(X_TEST, 20_000, random_state=5)
    # Six standard errors of a mean of 20 000, and of a variance: sqrt(2 / 20 000).
    spread = np.sqrt(np.diag(covariance))
    assert (np.abs(drawn.mean(axis=1) - mean) < 6 * spread / np.sqrt(20_000)).all()
    error = np.abs(np.cov(drawn) - covariance) / np.outer(spread, spread)
    assert error.max() < 6 * np.sqrt(2 / 20_000)


@pytest.mark.parametrize("make", BOTH)
def test_cloning_pickling_and_parameters(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.ntk"
    path.write_text(PROGRAM, encoding="utf-8")
    fit = make(path, params={"w": 0.7}).fit(X, Y)
    copy = clone(fit)
    assert copy.get_params() == fit.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(X)
    np.testing.assert_array_equal(copy.fit(X, Y).predict(X_TEST), fit.predict(X_TEST))
    pickled = pickle.dumps(fit)
    assert b"erf" in pickled  # the program, as text
    path.unlink()
    again = pickle.loads(pickled)
    np.testing.assert_array_equal(again.predict(X_TEST), fit.predict(X_TEST))
    with pytest.raises(FileNotFoundError, match=r"no file .*model\.ntk"):
        clone(fit).fit(X, Y)


@pytest.mark.parametrize("make", BOTH)
def test_models_of_every_kind_are_the_same(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.ntk"
    path.write_text(PROGRAM, encoding="utf-8")
    kernel = ntkc.compile(path)
    found = [
        make(model, **options).fit(X, Y).predict(X_TEST)
        for model, options in (
            (PROGRAM, {}), (path, {}), (str(path), {}), (kernel, {}), (path, {"network": "small"})
        )
    ]  # fmt: skip
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
    single = make(path, dtype="float32", ).fit(X, Y).predict(X_TEST)  # fmt: skip
    np.testing.assert_allclose(single, found[0], rtol=0, atol=0.01)
    assert not np.array_equal(single, found[0])


def test_the_ready_made_network() -> None:
    text = (
        "network n {\n    input vector[4]\n"
        "    { dense(w_std = 1.2, b_std = 0.3) -> leaky_relu(slope = 0.2) } * 2\n"
        "    dense(w_std = 1.2, b_std = 0.3)\n}\n"
    )
    ready = NTKRegressor(
        depth=2, activation="leaky_relu(slope = 0.2)", w_std=1.2, b_std=0.3, ridge=1e-3
    ).fit(X, Y)
    written = NTKRegressor(text, ridge=1e-3).fit(X, Y)
    np.testing.assert_allclose(
        ready.predict(X_TEST), written.predict(X_TEST), rtol=0, atol=TOLERANCE
    )


def test_pipelines_and_searches() -> None:
    pipe = make_pipeline(StandardScaler(), NTKRegressor(normalize_y=True))
    assert cross_val_score(pipe, X, Y).shape == (5,)
    search = GridSearchCV(
        pipe, {"ntkregressor__depth": [1, 2], "ntkregressor__ridge": [1e-6, 1e3]}, cv=3
    ).fit(X, Y)
    assert search.best_params_["ntkregressor__ridge"] == 1e-6
    values = [{"w": 0.5}, {"w": 2.0}]
    over = GridSearchCV(NNGPRegressor(PROGRAM, noise=0.01), {"params": values}, cv=3).fit(X, Y)
    assert over.best_params_["params"] in values
    assert over.best_estimator_.params_["w"] == over.best_params_["params"]["w"]


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_two_workers_find_what_one_does(backend: str) -> None:
    pipe = make_pipeline(StandardScaler(), NTKRegressor(ntkc.compile(source=PROGRAM), ridge=0.1))
    alone = cross_val_score(pipe, X, Y)
    with parallel_config(backend, n_jobs=2):
        np.testing.assert_array_equal(cross_val_score(pipe, X, Y), alone)


def test_where_scikit_learn_s_process_stood() -> None:
    # The same pipeline with either regressor gives the same held-out predictions.
    ours = make_pipeline(StandardScaler(), NNGPRegressor(noise=0.1, normalize_y=True))
    kernel = NeuralTangentKernel(get="nngp", param_bounds="fixed")
    theirs = make_pipeline(
        StandardScaler(), GaussianProcessRegressor(kernel, alpha=0.1, normalize_y=True)
    )
    np.testing.assert_allclose(
        cross_val_predict(ours, X, Y), cross_val_predict(theirs, X, Y), rtol=0, atol=TOLERANCE
    )
    assert cross_val_score(ours, X, Y) == pytest.approx(cross_val_score(theirs, X, Y))


@pytest.mark.parametrize("make", BOTH)
def test_duplicate_rows(make: Any) -> None:
    twice, targets = np.concatenate([X, X[:5]]), np.concatenate([Y, Y[:5] + 1])
    fit = make().fit(twice, targets)
    assert fit.report_.method == "pseudo-inverse"
    assert fit.report_.rank == 30
    # Infinite training settles on the mean of two targets.
    np.testing.assert_allclose(fit.predict(X[:5]), Y[:5] + 0.5, rtol=0, atol=1e-6)
    np.testing.assert_allclose(fit.predict(X[5:]), Y[5:], rtol=0, atol=1e-6)
    with pytest.raises(predict.SingularKernelError, match="duplicate"):
        make(on_singular="raise").fit(twice, targets)
    if isinstance(fit, NNGPRegressor):
        _, std = fit.predict(twice, return_std=True)
        assert std.max() < 1e-5


@pytest.mark.parametrize("make", BOTH)
def test_constant_targets(make: Any) -> None:
    for normalize in (False, True):
        fit = make(normalize_y=normalize).fit(X, np.full(30, 0.1))
        np.testing.assert_allclose(fit.predict(X), 0.1, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(fit.predict(X_TEST), 0.1, rtol=1e-12)
    both = make(normalize_y=True).fit(X, np.stack([Y, np.zeros(30)], axis=1)).predict(X_TEST)
    np.testing.assert_array_equal(both[:, 1], 0)


@pytest.mark.parametrize("make", BOTH)
def test_one_sample(make: Any) -> None:
    fit = make().fit(X[:1], [2.0])
    k, cross = fit.kernel_(X[:1], get=fit.kind), fit.kernel_(X_TEST, X[:1], get=fit.kind)
    wanted = 2 * cross[:, 0] / k[0, 0]
    np.testing.assert_allclose(fit.predict(X_TEST), wanted, rtol=1e-12)
    np.testing.assert_array_equal(make(normalize_y=True).fit(X[:1], [2.0]).predict(X_TEST), 2)


@pytest.mark.parametrize("make", BOTH)
def test_features_of_very_different_scales(make: Any) -> None:
    scaled = X * np.array([1e6, 1.0, 1e-3, 1.0])
    if make is NTKRegressor:
        np.testing.assert_allclose(make().fit(scaled, Y).predict(scaled), Y, rtol=0, atol=1e-3)
    else:
        with pytest.warns(LinAlgWarning, match="scale the features"):
            fit = make().fit(scaled, Y)
        assert fit.report_.condition > 1e12
    # A scaler in front makes it the problem that it was.
    once = make_pipeline(StandardScaler(), make()).fit(X, Y).predict(X_TEST)
    scaled_test = X_TEST * np.array([1e6, 1.0, 1e-3, 1.0])
    again = make_pipeline(StandardScaler(), make()).fit(scaled, Y).predict(scaled_test)
    np.testing.assert_allclose(again, once, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("make", BOTH)
def test_numbers_that_are_none(make: Any) -> None:
    spoiled = X.copy()
    spoiled[3, 1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        make().fit(spoiled, Y)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        make().fit(X, Y).predict(spoiled)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        make().fit(X, np.where(Y > 1, np.nan, Y))
    with pytest.raises(ntkc.KernelError):
        make().fit(X * 1e200, Y)


@pytest.mark.parametrize("make", BOTH)
@pytest.mark.parametrize(
    ("model", "options", "error", "message"),
    [
        (None, {"depth": 0}, ValueError, "depth: expected at least one"),
        (None, {"depth": 1.5}, TypeError, "depth: expected a whole number"),
        (None, {"activation": "relo"}, ntkc.ProgramError, "relu"),
        (None, {"activation": "relu } } network m {"}, ValueError, "activation: expected a name"),
        (None, {"activation": 3}, TypeError, "activation: expected a name"),
        (None, {"w_std": -1}, ValueError, "w_std of dense must be at least 0"),
        (None, {"params": {"w_std": 1}}, ValueError, "params: the ready-made"),
        (None, {"network": "n"}, ValueError, "network='n' chooses one"),
        (PROGRAM, {"depth": 5}, ValueError, "depth=5 describes the ready-made network"),
        (PROGRAM, {"w_std": 1.0}, ValueError, r"use params=\{'w_std': 1.0\}"),
        (PROGRAM, {"params": {"v": 1}}, ValueError, "small has no param 'v'; it has w, b, tilt"),
        (PROGRAM, {"dtype": "float16"}, ValueError, "dtype: expected 'float64' or 'float32'"),
        (PROGRAM, {"network": "large"}, ntkc.ProgramError, "large"),
        ("nowhere.ntk", {}, FileNotFoundError, "no file nowhere.ntk"),
        (3, {}, TypeError, "model: expected the path"),
        ("network n {", {}, ntkc.ProgramError, "error"),
        ("network n {\n input vector[7]\n dense\n}", {}, ValueError, "X has 4 features, but"),
    ],
)
def test_refusals(
    make: Any, model: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(model, **options).fit(X, Y)


def test_wrong_numbers_of_features_and_of_outputs() -> None:
    fit = NTKRegressor().fit(X, Y)
    with pytest.raises(ValueError, match="X has 3 features, but NTKRegressor is expecting 4"):
        fit.predict(X[:, :3])
    with pytest.raises(ValueError, match="ridge must be one number or one for each of 1 outputs"):
        NTKRegressor(ridge=[1.0, 2.0]).fit(X, Y)
    several = NTKRegressor(ridge=[1e-3, 10.0]).fit(X, np.stack([Y, Y], axis=1)).predict(X)
    assert np.abs(several[:, 0]).mean() > np.abs(several[:, 1]).mean()
    alone = MultiOutputRegressor(NTKRegressor(ridge=1e-3)).fit(X, Y[:, None]).predict(X)
    np.testing.assert_allclose(several[:, :1], alone, rtol=0, atol=TOLERANCE)


def test_predictions_in_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = NNGPRegressor(noise=0.1).fit(X, Y)
    whole = fit.predict(X_TEST, return_std=True)
    monkeypatch.setattr("ntkc.sklearn.base.BLOCK_ENTRIES", 60)
    for found, wanted in zip(fit.predict(X_TEST, return_std=True), whole, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    np.testing.assert_allclose(fit.predict(X_TEST), whole[0], rtol=0, atol=1e-12)


def test_what_is_fitted_does_not_change_with_the_caller_s_arrays() -> None:
    mine = X.copy()
    fit = NTKRegressor().fit(mine, Y)
    before = fit.predict(X_TEST)
    mine[:] = 0
    np.testing.assert_array_equal(fit.predict(X_TEST), before)
