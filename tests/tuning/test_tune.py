"""`ntkc.tune` against scikit-learn's optimum, grids and its own report."""

from typing import Any

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

import ntkc
from ntkc import predict
from ntkc.tuning import BoundsError, TuneError, tune
from tests.tuning.kernels import Differentiated, Squared

RNG = np.random.default_rng(3)
X = RNG.uniform(-2, 2, (40, 1))
Y = np.sin(2 * X[:, 0]) + 0.1 * RNG.standard_normal(40)
BOUNDS = {"scale": (0.05, 20.0), "length": (0.05, 20.0)}


@pytest.mark.parametrize("kernel", [Squared(), Differentiated()])
def test_the_likelihood_s_maximum_is_scikit_learn_s(kernel: Squared) -> None:
    found = tune(kernel, X, Y, bounds=BOUNDS, ridge=(1e-4, 1.0), restarts=2)
    theirs = GaussianProcessRegressor(
        ConstantKernel(1.0, (0.0025, 400)) * RBF(1.0, (0.05, 20)) + WhiteKernel(0.01, (1e-4, 1)),
        alpha=0.0,
        n_restarts_optimizer=2,
        random_state=0,
    ).fit(X, Y)
    assert found.value == pytest.approx(theirs.log_marginal_likelihood_value_, rel=1e-7)
    # At a maximum, a relative change of 1e-3 in a parameter changes the value by about 1e-6.
    wanted = np.exp(theirs.kernel_.theta)
    ours = [found.params["scale"] ** 2, found.params["length"], found.ridge]
    np.testing.assert_allclose(ours, wanted, rtol=2e-3)
    assert found.active == ()
    assert found.gradients == ("compiler" if isinstance(kernel, Differentiated) else "differences")


def test_the_leave_one_out_error_s_minimum() -> None:
    found = tune(Squared(), X, Y, objective="leave-one-out", bounds=BOUNDS, ridge=0.01)
    assert found.ridge == 0.01
    grid = np.geomspace(0.05, 20, 25)
    errors = [
        predict.leave_one_out(
            Squared()(X, scale=scale, length=length), Y, ridge=0.01
        ).mean_squared_error
        for scale in grid
        for length in grid
    ]
    assert found.value <= min(errors)
    at_best = predict.leave_one_out(Squared()(X, **found.params), Y, ridge=0.01)
    assert found.value == pytest.approx(at_best.mean_squared_error, rel=1e-12)


def test_compiled_kernels_and_several_outputs() -> None:
    kernel = ntkc.compile(
        source="param w = 1\nparam b = 0.5\nparam c = 0\nnetwork n {\n    input vector[1]\n"
        "    dense(w_std = w, b_std = b) -> erf\n    dense(w_std = 1, b_std = c)\n}\n"
    )
    both = np.stack([Y, np.cos(X[:, 0])], axis=1)
    for objective, get in (("likelihood", "nngp"), ("leave-one-out", "ntk")):
        found = ntkc.tune(kernel, X, both, objective=objective, restarts=1)
        assert found.kernel == get
        assert found.params["c"] == 0
        assert [each.name for each in found.varied] == ["w", "b"]
        first = found.restarts[0]
        assert first.start.params == {"w": 1, "b": 0.5, "c": 0}
        k = kernel(X, get=get, **found.params)
        if objective == "likelihood":
            value = predict.log_marginal_likelihood(k, both, noise=found.ridge).value
            assert found.value == pytest.approx(value)
            assert first.start_value is not None
            assert found.value > first.start_value
        else:
            value = predict.leave_one_out(k, both, ridge=found.ridge).mean_squared_error
            assert found.value == pytest.approx(value)
    again = ntkc.tune(kernel, X, both, objective="leave-one-out", restarts=1)
    assert again == found
    other = ntkc.tune(kernel, X, both, objective="leave-one-out", restarts=1, seed=1)
    assert other.restarts[1].start != found.restarts[1].start
    assert other.restarts[0] == found.restarts[0]


def test_the_report_tells_of_bounds_and_restarts() -> None:
    seen: list[tuple[int, int]] = []
    found = tune(
        Squared(), X, Y, bounds={"scale": "fixed", "length": (2.0, 4.0)}, restarts=2,
        start={"length": 3.0}, progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert found.active == ("length at its lower bound",)
    assert found.params == {"scale": 1.0, "length": 2.0}
    assert found.evaluations == sum(each.evaluations for each in found.restarts)
    best = found.restarts[found.best]
    assert best.value == found.value
    # Equal to 1e-8 a row is the same place.
    assert found.value >= max(each.value or -np.inf for each in found.restarts) - 4e-7
    text = str(found)
    assert text.startswith("length, ridge tuned on 40 rows with the NNGP; gradients by differences")
    assert "at its lower bound" in text
    assert f"log marginal likelihood: {found.value:.6g}" in text
    assert text.count("->") == 3
    assert text.count("*") == 2


def test_nothing_to_tune() -> None:
    found = tune(Squared(), X, Y, bounds="fixed", ridge=0.1)
    assert found.evaluations == 1
    assert found.value == predict.log_marginal_likelihood(
        Squared()(X, scale=1.0, length=1.0), Y, noise=0.1
    ).value  # fmt: skip
    assert "nothing tuned" in str(found)


def test_settings_that_cannot_be_evaluated_are_passed_by() -> None:
    # Duplicate rows: below the noise of roundoff, no ridge makes the matrix invertible.
    twice, y = np.concatenate([X, X]), np.concatenate([Y, Y + 0.1])
    found = tune(Squared(), twice, y, bounds="fixed", ridge=(1e-18, 1.0), restarts=6)
    assert sum(each.infeasible for each in found.restarts) > 0
    assert 1e-4 < found.ridge < 1
    with pytest.raises(TuneError, match="any start: k_train is singular"):
        tune(Squared(), twice, y, bounds="fixed", ridge=0.0)


def test_constant_targets_one_row_and_zeros() -> None:
    for y in (np.ones(40), np.zeros(40)):
        for objective in ("likelihood", "leave-one-out"):
            found = tune(Squared(), X, y, objective=objective, restarts=0)  # type: ignore[arg-type]
            assert np.isfinite([found.value, found.ridge, *found.params.values()]).all()
    assert np.isfinite(tune(Squared(), X[:1], Y[:1], restarts=0).value)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"y": Y[:3]}, ValueError, "y must have one row for each of the 40"),
        ({"y": np.where(Y > 1, np.nan, Y)}, ValueError, "y has nan"),
        ({"x": X[:0], "y": Y[:0]}, ValueError, "x must have at least one row"),
        ({"objective": "accuracy"}, ValueError, "objective must be one of 'likelihood'"),
        ({"get": "both"}, ValueError, "get must be one of 'ntk', 'nngp'"),
        ({"ridge": -1.0}, ValueError, "ridge must be zero or positive"),
        ({"ridge": (1.0, 0.1)}, BoundsError, "ridge: expected 0 < low <= high"),
        ({"ridge": (1.0, 2.0, 3.0)}, BoundsError, "ridge: expected two numbers"),
        ({"restarts": -1}, ValueError, "restarts must be at least 0"),
        ({"restarts": 1.5}, TypeError, "restarts must be a whole number"),
        ({"max_iterations": 0}, ValueError, "max_iterations must be at least 1"),
        ({"bounds": {"depth": (1, 2)}}, BoundsError, "no parameter 'depth'"),
    ],
)
def test_refusals(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        tune(Squared(), **{"x": X, "y": Y, **options})
