"""`ntkc.fit`: the numbers of plain formulas, and degenerate data."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import ntkc
from ntkc import predict


def standardised(x: Any) -> Any:
    return (x - x.mean(axis=0)) / x.std(axis=0)


@pytest.mark.parametrize("get", ["ntk", "nngp"])
def test_regression_by_the_formula(kernel: Any, data: Any, get: Any) -> None:
    x, y = data
    z = standardised(x)
    k = kernel(z, get=get, w_std=1.1)
    shift = 0.01 * np.trace(k) / len(k)
    x_test = np.random.default_rng(1).standard_normal((7, 3))
    cross = kernel((x_test - x.mean(axis=0)) / x.std(axis=0), z, get=get, w_std=1.1)
    expected = y.mean() + y.std() * cross @ np.linalg.solve(
        k + shift * np.eye(60), (y - y.mean()) / y.std()
    )
    model = ntkc.fit(kernel, x, y, ridge=0.01, get=get, params={"w_std": 1.1})
    np.testing.assert_allclose(model.predict(x_test), expected, rtol=1e-10)
    assert model.parameters == {"w_std": 1.1}
    assert model.report["ridge"] == pytest.approx(shift, rel=1e-12)


def test_several_outputs(kernel: Any, data: Any) -> None:
    x, y = data
    model = ntkc.fit(kernel, x, np.stack([y, -2 * y], axis=1), ridge=0.01)
    found, std = model.predict(x[:4], return_std=True)
    alone = ntkc.fit(kernel, x, y, ridge=0.01)
    np.testing.assert_allclose(found[:, 0], alone.predict(x[:4]), rtol=1e-12)
    np.testing.assert_allclose(found[:, 1], -2 * found[:, 0], rtol=1e-12)
    np.testing.assert_allclose(std[:, 1], 2 * std[:, 0], rtol=1e-12)


def test_an_automatic_ridge_has_the_least_leave_one_out_error(kernel: Any, data: Any) -> None:
    """The error is that of leaving each row out, and no ridge of a finer grid is much better."""
    x, y = data
    noisy = y + np.random.default_rng(2).standard_normal(60)
    model = ntkc.fit(kernel, x, noisy)
    k, target = kernel(standardised(x)), (noisy - noisy.mean()) / noisy.std()
    best = predict.leave_one_out(k, target, ridge=model.report["ridge"]).mean_squared_error
    assert model.report["leave_one_out_mse"] == pytest.approx(best, rel=1e-9)
    others = [
        predict.leave_one_out(k, target, ridge=r, ridge_scale="relative").mean_squared_error
        for r in np.logspace(-7, 1, 60)
    ]
    assert best <= min(others) * 1.01


@pytest.mark.parametrize("get", ["ntk", "nngp"])
def test_standard_deviations(kernel: Any, data: Any, get: Any) -> None:
    """Of the NNGP posterior, and of the infinite ensemble, in the targets' units."""
    x, y = data
    z, z_test = standardised(x[:50]), (x[50:] - x[:50].mean(axis=0)) / x[:50].std(axis=0)
    y = y[:50]
    model = ntkc.fit(kernel, x[:50], y, get=get, ridge=0.05)
    values, std = model.predict(x[50:], return_std=True)
    ntk, nngp = predict.both_blocks(kernel, z, z_test)
    target = (y - y.mean()) / y.std()
    if get == "nngp":
        found = predict.posterior(
            nngp.train, target, nngp.cross, nngp.test, noise=model.report["ridge"]
        )
        mean, expected = found.mean, found.std
    else:
        ensemble = predict.infinite_ensemble(ntk, nngp, target, ridge=model.report["ridge"])
        mean, expected = ensemble.test_mean, ensemble.test_std
    np.testing.assert_allclose(values, y.mean() + y.std() * mean, rtol=1e-9)
    np.testing.assert_allclose(std, y.std() * expected, rtol=1e-7)


@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [3, 7], [3.0, 7.0]])
def test_labels_of_every_kind(kernel: Any, data: Any, labels: Any) -> None:
    x, _ = data
    y = np.array(labels)[(x[:, 0] > 0).astype(int)]
    model = ntkc.fit(kernel, x, y, task="classification", ridge=1e-3)
    assert model.classes.tolist() == labels
    assert model.score(x, y) == 1.0
    assert model.predict(x[:5]).dtype == y.dtype
    scores = model.scores(x)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, rtol=1e-10)
    assert (model.classes[scores.argmax(axis=1)] == y).all()


def test_the_task_follows_the_type_of_the_targets(kernel: Any, data: Any) -> None:
    x, y = data
    label = x[:, 0] > 0
    assert ntkc.fit(kernel, x, y).task == "regression"
    assert ntkc.fit(kernel, x, label).task == "classification"
    assert ntkc.fit(kernel, x, label.astype(str)).task == "classification"
    assert ntkc.fit(kernel, x, np.array(["a", "b"] * 30, object)).task == "classification"
    whole = ntkc.fit(kernel, x, label.astype(int))
    assert whole.task == "regression"
    assert "task 'classification' takes them as labels" in whole.remarks[0]


def test_iterative_and_direct_agree(kernel: Any, data: Any, tmp_path: Any) -> None:
    """A relative residual of 1e-10, with a condition below 1e4."""
    x, y = data
    direct = ntkc.fit(kernel, x, y, ridge=1e-2)
    files: Any = {"tiles": tmp_path / "gram", "checkpoint": tmp_path / "solve.npz"}
    for more in ({}, files, files):
        found = ntkc.fit(kernel, x, y, ridge=1e-2, solver="iterative", residual=1e-10, **more)
        assert found.report["solver"] == "conjugate gradients"
        atol = 1e-7 if not more else 1e-4  # tiles on disk are in float32
        np.testing.assert_allclose(found.predict(x), direct.predict(x), rtol=0, atol=atol)


def test_an_iterative_automatic_ridge_is_the_direct_one(kernel: Any, data: Any) -> None:
    found = [ntkc.fit(kernel, *data, solver=solver) for solver in ("direct", "iterative")]
    assert found[0].report["relative_ridge"] == found[1].report["relative_ridge"]


def test_features_of_very_different_scales(kernel: Any, data: Any) -> None:
    """1e6:1, and 1e12 more for good measure, change nothing once columns are standardised."""
    x, y = data
    expected = ntkc.fit(kernel, x, y, ridge=1e-3).predict(x)
    scaled = x * [1e6, 1.0, 1e-12] + [3e6, 0.0, 0.0]
    found = ntkc.fit(kernel, scaled, y, ridge=1e-3).predict(scaled)
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_duplicate_rows(kernel: Any, data: Any) -> None:
    x, y = data
    x2, y2 = np.concatenate([x, x[:20]]), np.concatenate([y, y[:20] + 1])
    model = ntkc.fit(kernel, x2, y2)
    assert np.isfinite(model.predict(x)).all()
    assert model.report["relative_ridge"] > 1e-6  # contradictions are noise
    with pytest.raises(predict.SingularKernelError):
        ntkc.fit(kernel, x2, y2, ridge=0.0)
    mended = ntkc.fit(kernel, x2, y2, ridge=0.0, on_singular="pseudo-inverse")
    assert mended.report["solver"] == "pseudo-inverse"
    np.testing.assert_allclose(mended.predict(x[:20]), y[:20] + 0.5, atol=1e-4)


def test_constant_targets(kernel: Any, data: Any) -> None:
    model = ntkc.fit(kernel, data[0], np.full(60, 7.25))
    assert (model.predict(data[0]) == 7.25).all()
    assert "constant" in model.remarks[0]
    assert model.score(data[0], np.full(60, 7.25)) == 1.0


def test_constant_features(kernel: Any, data: Any) -> None:
    x, y = data
    with_constant = np.column_stack([x, np.full(60, 0.1)])
    found = ntkc.fit(kernel, with_constant, y, ridge=1e-3)
    assert found.standardiser.scale[3] == 1.0
    assert np.isfinite(found.predict(with_constant)).all()
    nothing = ntkc.fit(kernel, np.ones((60, 2)), y)
    np.testing.assert_allclose(nothing.predict(np.ones((3, 2))), y.mean(), rtol=1e-6)


def test_one_sample_and_one_class(kernel: Any, data: Any) -> None:
    one = ntkc.fit(kernel, [[1.0, 2.0]], [3.5])
    assert one.predict([[0.0, -4.0]]) == pytest.approx([3.5])
    single = ntkc.fit(kernel, data[0], ["same"] * 60)
    assert set(single.predict(data[0])) == {"same"}
    assert "one class only, same" in single.remarks[0]


def test_a_kernel_that_is_zero(data: Any) -> None:
    """Without a bias an input of zeros has no kernel: the prediction is the mean."""
    bare = ntkc.compile(source="network net { input vector[?]; dense; relu; dense }")
    found = ntkc.fit(bare, np.zeros((4, 2)), [1.0, 2.0, 3.0, 6.0], ridge=0.1)
    assert found.predict(np.zeros((1, 2))) == pytest.approx([3.0])


def test_rows_take_the_networks_shape(data: Any) -> None:
    kernel = ntkc.compile(source="network net { input vector[12]; dense; relu; dense }")
    images = np.random.default_rng(0).standard_normal((20, 2, 3, 2))
    y = images[:, 0, 0, 0]
    flat = ntkc.fit(kernel, images.reshape(20, 12), y)
    np.testing.assert_array_equal(flat.predict(images), flat.predict(images.reshape(20, 12)))
    with pytest.raises(ntkc.DataError, match=r"15 numbers in a row.*vector"):
        ntkc.fit(kernel, np.ones((5, 15)), np.arange(5.0))


@pytest.mark.parametrize(
    ("sizes", "shape", "expected"),
    [
        ((None,), (4, 6), (4, 6)),
        ((6,), (4, 2, 3), (4, 6)),
        ((2, 3, 1), (4, 6), (4, 2, 3, 1)),
        ((None, 3), (4, 6), (4, 2, 3)),
        ((2, 3), (4, 2, 3), (4, 2, 3)),
        ((None, None, 1), (4, 2, 3, 1), (4, 2, 3, 1)),
        ((None, None, 1), (4, 6), None),
        ((2, 4), (4, 6), None),
        ((None, 4), (4, 6), None),
    ],
)
def test_shapes(sizes: Any, shape: Any, expected: Any) -> None:
    from ntkc.fitted.inputs import shaped

    rows = np.arange(np.prod(shape)).reshape(shape)
    if expected is None:
        with pytest.raises(ntkc.DataError, match="do not make up the network's input"):
            shaped(rows, sizes, "image")
        return
    found = shaped(rows, sizes, "image")
    assert found.shape == expected
    np.testing.assert_array_equal(found.ravel(), rows.ravel())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones(3)}, "x must have one row for each input"),
        ({"x": np.zeros((0, 3)), "y": np.zeros(0)}, "x has no rows"),
        ({"x": [["a", "b"]] * 60}, "x must hold real numbers"),
        ({"x": np.full((60, 3), np.nan)}, r"x has nan at \[0, 0\], and 60 rows"),
        ({"y": np.ones(59)}, "y must have one entry for each of the 60 rows"),
        ({"y": np.r_[np.nan, np.ones(59)]}, r"y has nan at \[0\]"),
        ({"y": ["a"] * 60, "task": "regression"}, "holds labels"),
        ({"y": np.linspace(0, 1, 60), "task": "classification"}, "holds fractions"),
        ({"task": "ranking"}, "task must be"),
        ({"get": "nngp_dot"}, "get must be"),
        ({"ridge": "some"}, "ridge must be"),
        ({"ridge": None}, "ridge must be"),
        ({"x": np.ma.masked_greater(np.eye(60, 3), 0)}, "x has masked entries"),
        ({"y": np.ma.masked_greater(np.arange(60.0), 50)}, "y has masked entries"),
        ({"x": csr_array(np.eye(60, 3))}, r"pass x.toarray\(\)"),
        ({"solver": "magic"}, "solver must be"),
        ({"standardize": "yes"}, "standardize must be"),
        ({"feature_names": ["a", "b"]}, "3 different names"),
    ],
)
def test_data_that_cannot_be_used(kernel: Any, data: Any, change: Any, message: str) -> None:
    arguments = {"x": data[0], "y": data[1]} | change
    with pytest.raises(ntkc.DataError, match=message):
        ntkc.fit(kernel, **arguments)


def test_other_errors_keep_their_types(kernel: Any, data: Any) -> None:
    for ridge in (-1.0, np.nan):
        with pytest.raises(predict.InputError, match=f"^ridge must .* is {ridge}"):
            ntkc.fit(kernel, *data, ridge=ridge)
    with pytest.raises(TypeError, match=r"pass ntkc.compile\(source=...\)"):
        ntkc.fit("network n { input vector[3]; dense }", *data)
    with pytest.raises(ntkc.KernelError, match="did you mean 'w_std'"):
        ntkc.fit(kernel, *data, params={"w_sdt": 1.0})
    with pytest.raises(FileNotFoundError):
        ntkc.fit("nowhere.ntk", *data)


def test_inputs_that_do_not_fit_the_model(model: Any) -> None:
    with pytest.raises(ntkc.DataError, match="4 numbers in a row, and the model was fitted to 3"):
        model.predict(np.ones((2, 4)))
    with pytest.raises(ntkc.DataError, match="nan"):
        model.predict([[np.nan, 0.0, 0.0]])
    with pytest.raises(ntkc.DataError, match="regression: it has no classes"):
        _ = model.classes
    assert model.predict(np.zeros((0, 3))).shape == (0,)


def test_data_frames_are_known_by_their_columns(kernel: Any, data: Any) -> None:
    pandas = pytest.importorskip("pandas")
    x, y = pandas.DataFrame(data[0], columns=["a", "b", "c"]), pandas.Series(data[1])
    model = ntkc.fit(kernel, x, y, ridge=1e-3)
    assert model.feature_names == ("a", "b", "c")
    wanted = ntkc.fit(kernel, *data, ridge=1e-3).predict(data[0])
    for given in (x, x[["c", "a", "b"]], x.assign(d="more"), data[0]):
        np.testing.assert_allclose(model.predict(given), wanted, rtol=1e-10)
    assert model.score(x[["b", "c", "a"]], y) == pytest.approx(model.score(*data), rel=1e-10)
    with pytest.raises(ntkc.DataError, match="x has no column 'b', which the model was fitted to"):
        model.predict(x.rename(columns={"b": "B"}))
    with pytest.raises(ntkc.DataError, match="must hold real numbers"):
        ntkc.fit(kernel, x.assign(c="text"), y)
    numbered = pandas.DataFrame(data[0])
    assert ntkc.fit(kernel, numbered, y, ridge=1e-3).feature_names is None
    for kind in ("category", "string", object):
        labels = pandas.Series(np.where(y > 5, "high", "low"), dtype=kind)
        assert ntkc.fit(kernel, x, labels).classes.tolist() == ["high", "low"]


def test_the_score_is_scikit_learns(model: Any, data: Any) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    x, y = data
    noisy = y + np.random.default_rng(0).standard_normal(60)
    assert model.score(x, noisy) == pytest.approx(metrics.r2_score(noisy, model.predict(x)))


def test_a_repr(model: Any) -> None:
    assert repr(model) == "<fitted regression: ntk of net, 60 rows>"


def test_a_model_does_not_change_with_the_callers_array(kernel: Any, data: Any) -> None:
    x, y = data[0].copy(), data[1]
    model = ntkc.fit(kernel, x, y, standardize=False)
    before = model.predict(data[0])
    x[:] = 0.0
    np.testing.assert_array_equal(model.predict(data[0]), before)
