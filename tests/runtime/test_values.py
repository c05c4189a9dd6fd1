"""Kernel values against direct NumPy, over sizes, dtypes, roots and parameters."""

import numpy as np
import pytest

TOLERANCE = {"float32": 2e-5, "float64": 1e-12}
DTYPES = ("float32", "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 97, 500])
def test_linear_gram(programs, rng, dtype, size):
    x = rng.standard_normal((size, 7)).astype(dtype)
    found = programs.linear(dtype)(x, threads=3)
    exact = 2.25 * (x.astype(float) @ x.T.astype(float)) / 7
    assert found.dtype == dtype
    np.testing.assert_allclose(found, exact, atol=TOLERANCE[dtype])
    assert np.array_equal(found, found.T)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("get", ["ntk", "nngp"])
@pytest.mark.parametrize("size", [1, 33, 450])
def test_relu_gram(programs, rng, dtype, get, size):
    x = rng.standard_normal((size, 12)).astype(dtype)
    kernel = programs.relu(dtype)
    found = kernel(x, get=get, threads=2)
    exact = programs.expected(x, x)[get]
    np.testing.assert_allclose(found, exact, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert np.array_equal(found, found.T)
    assert np.array_equal(np.diag(found), kernel.diag(x, get=get))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (400, 3), (290, 310)])
def test_relu_cross(programs, rng, dtype, shape):
    x = rng.standard_normal((shape[0], 12))
    z = rng.standard_normal((shape[1], 12))
    found = programs.relu(dtype)(x, z, get=("ntk", "nngp"), threads=2)
    for root, exact in programs.expected(x, z).items():
        values = getattr(found, root)
        assert values.shape == shape
        np.testing.assert_allclose(values, exact, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_tuples_are_in_the_order_asked_for(programs, rng):
    x = rng.standard_normal((5, 4))
    kernel = programs.relu()
    exact = {root: kernel(x, get=root) for root in ("nngp", "ntk")}
    for get in [("nngp", "ntk"), ["ntk", "nngp"], ("ntk",), ("nngp",)]:
        found, own = kernel(x, get=get), kernel.diag(x, get=get)
        assert found._fields == own._fields == tuple(get)
        for root, values, diagonal in zip(get, found, own, strict=True):
            assert np.array_equal(values, exact[root])
            assert np.array_equal(diagonal, np.diag(exact[root]))


def test_an_argument_twice_is_a_cross_gram(programs, rng):
    x = rng.standard_normal((40, 9))
    kernel = programs.relu()
    gram, cross = kernel(x), kernel(x, x)
    np.testing.assert_allclose(cross, gram, rtol=1e-13)
    calls = []
    kernel(x, x, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (1600, 1600)


def test_parameters(programs, rng):
    x = rng.standard_normal((20, 5))
    kernel = programs.relu()
    exact = programs.expected(x, x, w_std=0.7)["ntk"]
    np.testing.assert_allclose(kernel(x, w_std=0.7), exact, rtol=1e-12)
    np.testing.assert_allclose(kernel.diag(x, w_std=np.float32(0.7)), np.diag(exact), rtol=1e-6)
    np.testing.assert_allclose(kernel(x, w_std=1), programs.expected(x, x, 1.0)["ntk"], rtol=1e-12)


def test_rows_of_zeros_are_inputs_like_others(programs, rng):
    x = rng.standard_normal((6, 5))
    x[[1, 4]] = 0
    for dtype in DTYPES:
        for found in (programs.relu(dtype)(x), programs.relu(dtype)(x, x)):
            assert np.isfinite(found).all()
            assert (found[1] == 0).all()
            assert (found[:, 4] == 0).all()


def test_more_features_than_one_product_takes(programs, rng):
    x = rng.standard_normal((20, 40_000))
    for given in (x, x.astype(np.float32)):
        found = programs.relu()(given, memory="4MiB")
        np.testing.assert_allclose(found, programs.expected(given, given)["ntk"], rtol=1e-11)
    np.testing.assert_allclose(
        programs.linear()(x), 2.25 * x @ x.T / 40_000, rtol=1e-11, atol=1e-13
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_hardly_depend_on_tiles_and_threads(programs, rng, dtype):
    x = rng.standard_normal((300, 30))
    x[250] = x[3] * 2
    kernel = programs.relu(dtype)
    first = kernel(x, threads=1)
    for threads, memory in ((4, None), (1, "900KB"), (3, "3MB")):
        again = kernel(x, threads=threads, memory=memory)
        np.testing.assert_allclose(again, first, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
        assert again[3, 250] == first[3, 250]
        assert np.array_equal(again, again.T)


def test_inputs_of_several_axes_are_flattened(programs, rng):
    kernel = programs.relu(INPUT_KIND="image", INPUT_SIZES=(3, 4, None))
    x = rng.standard_normal((6, 3, 4, 2))
    exact = programs.relu()(x.reshape(6, 24))
    assert np.array_equal(kernel(x), exact)
    assert np.array_equal(kernel(np.asfortranarray(x)), exact)
    np.testing.assert_allclose(kernel(x[::-1])[::-1, ::-1], exact, rtol=1e-14)


def test_what_a_kernel_says_of_itself(programs):
    import inspect

    kernel = programs.relu("float32", INPUT_SIZES=(784,), NORMALIZED=True)
    assert kernel.name == "relu"
    assert kernel.dtype == np.float32
    assert kernel.input == "vector[784] normalized"
    assert dict(kernel.parameters) == {"w_std": 1.5}
    assert repr(kernel) == "<kernel relu: vector[784] normalized, float32, w_std=1.5>"
    assert "w_std: 1.5 by default" in kernel.__doc__
    assert inspect.signature(kernel).parameters["w_std"].default == 1.5
    assert programs.linear().input == "vector[?]"
