"""The reference's predictions, from the kernel matrices of the compiled program.

The reference's float64 recursion lost half the digits of one entry of its NTK: Θ[9, 9], by 1.2e-8
relative, which is the accuracy its README states at coincident pairs. The compiled kernel has no
such error. The entry's error is one number; it is recovered here from one array of the reference
(its infinite-time mean), and with it *all* the arrays must agree to 1e-9. Without it they agree to
2e-8.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ntkc
from ntkc import predict

FOLDER = Path(__file__).parents[1] / "reference" / "prediction"
ROW = 9


@cache
def case() -> Any:
    return dict(np.load(FOLDER / "predict_relu3.npz"))


@cache
def exact() -> predict.Predictor:
    data = case()
    kernel = ntkc.compile(FOLDER / "predict_relu3.ntk")
    return predict.predictor(kernel, data["x_train"], data["y_train"], data["x_test"])


@cache
def reference_error() -> float:
    """The relative error of the reference's Θ[9, 9], by least squares: the mean is linear."""
    data, blocks, step = case(), exact().ntk, 1e-6

    def mean(change: float) -> Any:
        ntk = np.array(blocks.train)
        ntk[ROW, ROW] *= 1 + change
        return predict.regress(ntk, data["y_train"], blocks.cross).test

    slope = ((mean(step) - mean(-step)) / (2 * step)).ravel()
    gap = (data["ensemble_ntk_inf_mean_reg0.0"] - mean(0.0)).ravel()
    return float(slope @ gap / (slope @ slope))


@cache
def theirs() -> predict.Predictor:
    ours = exact()
    ntk = np.array(ours.ntk.train)
    ntk[ROW, ROW] *= 1 + reference_error()
    return predict.Predictor(
        predict.Blocks(ntk, ours.ntk.cross, ours.ntk.test), ours.nngp, ours.y_train
    )


def options() -> dict[str, Any]:
    data = case()
    return {
        "f_train": data["f_train_0"],
        "f_test": data["f_test_0"],
        "learning_rate": float(data["learning_rate"]),
    }


def gap(ours: Any, name: str) -> float:
    wanted = case()[name]
    assert ours.shape == wanted.shape
    return float(np.abs(ours - wanted).max() / np.abs(wanted).max())


PROBLEMS = [(theirs, 1e-9), (exact, 2e-8)]


def test_one_entry_of_the_reference_is_off_by_what_its_readme_allows() -> None:
    assert 1e-9 < abs(reference_error()) < 2e-8


@pytest.mark.parametrize(("problem", "tolerance"), PROBLEMS)
def test_gradient_flow(problem: Any, tolerance: float) -> None:
    dynamics = problem().dynamics(**options())
    path = dynamics.flow(case()["times"])
    assert gap(path.train, "flow_t_train") < tolerance
    assert gap(path.test, "flow_t_test") < tolerance
    limit = dynamics.flow(np.inf)
    assert gap(limit.train, "flow_inf_train") < tolerance
    assert gap(limit.test, "flow_inf_test") < tolerance


@pytest.mark.parametrize(("problem", "tolerance"), PROBLEMS)
@pytest.mark.parametrize("trained", ["ntk", "nngp"])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_ensembles(problem: Any, tolerance: float, trained: str, ridge: float) -> None:
    for suffix, times in (("t", case()["times"]), ("inf", np.inf)):
        found = problem().ensemble(
            times,
            trained=trained,
            ridge=ridge,
            ridge_scale="relative",
            learning_rate=options()["learning_rate"],
        )
        assert gap(found.test_mean, f"ensemble_{trained}_{suffix}_mean_reg{ridge}") < tolerance
        name = f"ensemble_{trained}_{suffix}_cov_reg{ridge}"
        assert gap(found.test_covariance, name) < tolerance


@pytest.mark.parametrize(("problem", "tolerance"), PROBLEMS)
def test_fully_trained(problem: Any, tolerance: float) -> None:
    found = problem().ensemble(ridge=0.05, ridge_scale="relative")
    assert gap(found.test_mean, "gp_ntk_mean_reg0.05") < tolerance
    assert gap(found.test_covariance, "gp_ntk_cov_reg0.05") < tolerance


def test_nngp_posterior() -> None:
    found = exact().posterior(noise=0.05, noise_scale="relative")
    assert gap(found.mean, "gp_nngp_mean_reg0.05") < 1e-9
    assert gap(found.covariance, "gp_nngp_cov_reg0.05") < 1e-9


@pytest.mark.parametrize(("name", "momentum"), [("xent", None), ("xent_momentum", 0.9)])
@pytest.mark.parametrize("method", ["LSODA", "BDF"])
def test_cross_entropy(name: str, momentum: float | None, method: Any) -> None:
    blocks, data = exact().ntk, case()
    path = predict.integrate(
        predict.CrossEntropy(),
        blocks.train,
        data["labels"],
        data["times"][:3],
        blocks.cross,
        momentum=momentum,
        method=method,
        **options(),
    )
    assert gap(path.train, f"{name}_t_train") < 1e-5
    assert gap(path.test, f"{name}_t_test") < 1e-5


def test_max_learning_rate() -> None:
    for problem, tolerance in PROBLEMS:
        found = predict.max_learning_rate(problem().ntk.train, 3)
        assert found == pytest.approx(float(case()["max_learning_rate"]), rel=tolerance)


def test_nothing_of_the_reference_is_left_out() -> None:
    """Its values are those that the tests above ask for, by name."""
    sides, moments = ("train", "test"), ("mean", "cov")
    asked = {f"flow_{time}_{side}" for time in ("t", "inf") for side in sides}
    asked |= {f"{name}_t_{side}" for name in ("xent", "xent_momentum") for side in sides}
    asked |= {f"gp_{kind}_{moment}_reg0.05" for kind in ("ntk", "nngp") for moment in moments}
    asked |= {
        f"ensemble_{trained}_{time}_{moment}_reg{ridge}"
        for trained in ("ntk", "nngp")
        for time in ("t", "inf")
        for moment in moments
        for ridge in (0.0, 0.1)
    }
    given = {"x_train", "x_test", "y_train", "labels", "times", "learning_rate"}
    given |= {"f_train_0", "f_test_0"}
    assert set(case()) == asked | given | {"max_learning_rate"}
