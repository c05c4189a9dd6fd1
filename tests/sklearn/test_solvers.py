"""The direct and the iterative solver of the estimators around the NTK."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from ntkc import predict
from ntkc.sklearn import NTKClassifier, NTKRegressor
from tests.sklearn.data import PROGRAM, X_TEST, X, Y

LABELS = np.digitize(Y, [-0.5, 0.5])
RESIDUAL = 1e-10
AGREEMENT = 1e-7
"""Condition numbers are below 1e4 at the ridges used here, times the relative residual asked for,
with room for the targets' norm."""


@pytest.mark.parametrize("scale", ["absolute", "relative"])
@pytest.mark.parametrize("targets", [Y, np.stack([Y, Y**2], axis=1)])
def test_regression(targets: Any, scale: Any) -> None:
    ridge: dict[str, Any] = {"ridge": 0.01, "ridge_scale": scale, "params": {"w": 0.9}}
    direct = NTKRegressor(PROGRAM, solver="direct", **ridge).fit(X, targets)
    other = NTKRegressor(PROGRAM, solver="iterative", residual=RESIDUAL, **ridge).fit(X, targets)
    assert isinstance(other.report_, predict.IterativeReport)
    assert other.report_.residuals.max() <= RESIDUAL
    assert other.report_.ridge == pytest.approx(direct.report_.ridge, rel=1e-12)
    np.testing.assert_allclose(other.dual_coef_, direct.dual_coef_, rtol=0, atol=100 * AGREEMENT)
    np.testing.assert_allclose(
        other.predict(X_TEST), direct.predict(X_TEST), rtol=0, atol=AGREEMENT
    )
    assert clone(other).solver == "iterative"


def test_classification() -> None:
    direct = NTKClassifier(ridge=0.1, solver="direct").fit(X, LABELS)
    other = NTKClassifier(ridge=0.1, solver="iterative", residual=RESIDUAL).fit(X, LABELS)
    scores = [each.decision_function(X_TEST) for each in (direct, other)]
    np.testing.assert_allclose(scores[1], scores[0], rtol=0, atol=AGREEMENT)


def test_images() -> None:
    text = "network n {\n input image[2, 2, 1]\n conv(2x2) -> relu -> flatten -> dense\n}"
    images = X.reshape(-1, 2, 2, 1)
    options: dict[str, Any] = {"ridge": 0.1, "residual": RESIDUAL}
    fits = [NTKRegressor(text, solver=s, **options).fit(images, Y) for s in ("direct", "iterative")]
    np.testing.assert_allclose(
        fits[1].predict(images), fits[0].predict(images), rtol=0, atol=AGREEMENT
    )


def test_the_solver_follows_the_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def method(**options: Any) -> type:
        return type(NTKRegressor(**options).fit(X, np.stack([Y, Y], axis=1)).report_)

    assert method(ridge=0.1) is predict.SolveReport
    monkeypatch.setattr("ntkc.sklearn.trained.DIRECT_ROWS", 29)
    assert method(ridge=0.1) is predict.IterativeReport
    assert method(ridge=0.1, solver="direct") is predict.SolveReport
    # What has no iterative solution goes on being solved directly.
    assert method(ridge=0.0) is predict.SolveReport
    assert method(ridge=[0.1, 0.2]) is predict.SolveReport


def test_refusals() -> None:
    with pytest.raises(ValueError, match="solver must be 'auto', 'direct' or 'iterative'"):
        NTKRegressor(solver="cg").fit(X, Y)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one ridge for all outputs, and ridge has 2"):
        NTKRegressor(solver="iterative", ridge=[1.0, 2.0]).fit(X, np.stack([Y, Y], axis=1))
    with pytest.raises(ValueError, match="ridge must be zero or positive"):
        NTKRegressor(solver="iterative", ridge=-1.0).fit(X, Y)
    with pytest.raises(predict.ConvergenceError, match="max_iterations = 0 is not enough"):
        NTKRegressor(solver="iterative", ridge=1.0, max_iterations=0).fit(X, Y)
