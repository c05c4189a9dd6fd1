"""Tables of rows for networks whose inputs are not vectors, as declared."""

import importlib
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import ntkc
from ntkc.runtime import Kernel
from ntkc.sklearn import NeuralTangentKernel, NNGPRegressor, NTKClassifier, NTKRegressor
from ntkc.sklearn.rows import input_shape
from tests.sklearn.data import X, Y


def declared(kind: str, *sizes: int | None) -> Kernel:
    """The kernel of a network that treats its inputs as vectors, under another declaration."""
    program = ntkc.compile(
        source="network n {\n input vector[?]\n dense(b_std = 0.1) -> relu -> dense\n}"
    ).program
    return Kernel(replace(program, input_kind=kind, input_sizes=sizes))


@pytest.mark.parametrize(
    ("kind", "sizes", "features", "shape"),
    [
        ("vector", (None,), 5, (5,)),
        ("vector", (5,), 5, (5,)),
        ("image", (4, 4, 3), 48, (4, 4, 3)),
        ("image", (4, None, 3), 60, (4, 5, 3)),
        ("sequence", (None, 7), 21, (3, 7)),
        ("volume", (2, 2, 2, 1), 8, (2, 2, 2, 1)),
    ],
)
def test_shapes(kind: str, sizes: Any, features: int, shape: Any) -> None:
    assert input_shape(declared(kind, *sizes), features) == shape


@pytest.mark.parametrize(
    ("kind", "sizes", "message"),
    [
        ("vector", (4,), r"X has 6 features, but network n declares vector\[4\], which needs 4"),
        ("image", (2, 2, 1), "needs 4 in a row"),
        ("image", (2, None, 4), "needs a multiple of 8 in a row"),
        ("image", (None, None, 1), "only one can be open"),
        ("graph", (2, 3), "takes graphs"),
    ],
)
def test_refusals(kind: str, sizes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NTKRegressor(declared(kind, *sizes)).fit(np.ones((2, 6)), [1.0, 2.0])


def test_rows_and_arrays_are_the_same_inputs() -> None:
    image = declared("image", 2, 2, 1)
    fit = NTKRegressor(image, ridge=0.1).fit(X, Y)
    assert fit.input_shape_ == (2, 2, 1)
    assert fit.n_features_in_ == 4
    vectors = NTKRegressor(declared("vector", 4), ridge=0.1).fit(X, Y)
    np.testing.assert_array_equal(fit.predict(X), vectors.predict(X))
    np.testing.assert_array_equal(fit.predict(X.reshape(-1, 2, 2, 1)), fit.predict(X))
    arrays = NTKRegressor(image, ridge=0.1).fit(X.reshape(-1, 2, 2, 1), Y)
    np.testing.assert_array_equal(arrays.predict(X), fit.predict(X))
    for wrong in (X.reshape(-1, 4, 1, 1), X[:, :3]):
        with pytest.raises(ValueError, match=r"with dim 4|X has 3 features"):
            fit.predict(wrong)
    kernel = NeuralTangentKernel(image)
    np.testing.assert_array_equal(kernel(X), image(X.reshape(-1, 2, 2, 1)))
    np.testing.assert_array_equal(kernel.diag(X), image.diag(X.reshape(-1, 2, 2, 1)))


def test_scikit_learn_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[:2] == ["ntkc", "sklearn"]]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(ntkc, "sklearn", raising=False)
    monkeypatch.setitem(sys.modules, "sklearn.utils.validation", None)
    message = r"needs scikit-learn 1\.6 .* pip install 'ntkc\[sklearn\]'"
    with pytest.raises(ImportError, match=message):
        importlib.import_module("ntkc.sklearn")


def test_a_convolutional_network() -> None:
    text = "network n {\n input image[2, 2, 1]\n conv(2x2) -> relu -> flatten -> dense\n}"
    fit = NTKRegressor(text, ridge=0.1).fit(X, Y)
    kernel = ntkc.compile(source=text)
    images = X.reshape(-1, 2, 2, 1)
    wanted = kernel(images) @ np.linalg.solve(kernel(images) + 0.1 * np.eye(len(X)), Y)
    # The condition number is about 1e3.
    np.testing.assert_allclose(fit.predict(X), wanted, rtol=0, atol=1e-11)
    np.testing.assert_array_equal(fit.predict(images), fit.predict(X))


def test_open_sizes_follow_the_rows() -> None:
    text = "network n {\n input image[2, ?, 1]\n conv(2x2) -> relu -> flatten -> dense\n}"
    images = X.reshape(-1, 2, 2, 1)
    fixed = NTKRegressor(text.replace("?", "2"), ridge=0.1).fit(images, Y)
    for rows in (X, images):
        fit = NTKRegressor(text, ridge=0.1).fit(rows, Y)
        assert fit.input_shape_ == (2, 2, 1)
        np.testing.assert_array_equal(fit.predict(X), fixed.predict(X))
    labels = Y > 0
    wanted = NTKClassifier(text.replace("?", "2"), ridge=0.1).fit(images, labels).predict(X)
    found = NTKClassifier(text, ridge=0.1).fit(images, labels).predict(images)
    np.testing.assert_array_equal(found, wanted)
    both = text.replace("[2, ?", "[?, ?")
    assert NTKRegressor(both, ridge=0.1).fit(images, Y).input_shape_ == (2, 2, 1)
    with pytest.raises(ValueError, match=r"rows of the shape \(4,\) do not settle the sizes of"):
        NTKRegressor(both, ridge=0.1).fit(X, Y)


def test_masked_entries_have_no_numbers() -> None:
    for x, y, name in [
        (np.ma.masked_greater(X, 1.0), Y, "X"),
        (X, np.ma.masked_greater(Y, 0.5), "y"),
    ]:
        for estimator in (NTKRegressor(), NTKClassifier(), NNGPRegressor()):
            with pytest.raises(ValueError, match=f"{name} has masked entries"):
                estimator.fit(x, y)
    fit = NTKRegressor(ridge=0.1).fit(np.ma.masked_array(X), Y)  # none of them is masked
    with pytest.raises(ValueError, match="X has masked entries"):
        fit.predict(np.ma.masked_greater(X, 1.0))
