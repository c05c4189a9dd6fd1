"""What kernels take as inputs, and what they say about what they do not take."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntkc.runtime import ArrayError, ArrayTypeError


def base(rng):
    return rng.integers(-8, 9, (7, 4))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "given_dtype",
    ["i1", "i4", ">i8", "u2", "f2", "f4", "f8", ">f4", ">f8", "<f8", "longdouble"],
)
def test_dtypes(programs, rng, dtype, given_dtype):
    x = base(rng)
    if np.dtype(given_dtype).kind == "u":
        x = abs(x)
    kernel = programs.relu(dtype)
    exact = kernel(x.astype(dtype))
    for batch in (x.astype(given_dtype), np.asfortranarray(x.astype(given_dtype))):
        found = kernel(batch)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, exact, rtol=1e-14 if dtype == "float64" else 1e-6)


def test_lists_bools_and_array_likes(programs, rng):
    kernel = programs.relu()
    x = base(rng)
    exact = kernel(x.astype(float))

    class Frame:
        def __array__(self, dtype=None, copy=None):
            return x

    assert np.array_equal(kernel(x.tolist()), exact)
    assert np.array_equal(kernel(Frame()), exact)
    assert np.array_equal(kernel(x > 0), kernel((x > 0).astype(float)))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(0, 40),
    columns=st.integers(0, 9),
    other=st.integers(0, 30),
    steps=st.tuples(st.sampled_from([-3, -1, 1, 2]), st.sampled_from([-2, -1, 1, 3])),
    order=st.sampled_from("CF"),
    kind=st.sampled_from(["f2", "f4", "f8", ">f8", "i2"]),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_shapes_and_strides(programs, rows, columns, other, steps, order, kind, dtype):
    rng = np.random.default_rng(rows * 100 + columns)
    shape = rows * abs(steps[0]), columns * abs(steps[1])
    store = np.array(rng.integers(-9, 10, shape), kind, order=order)
    x = store[:: steps[0], :: steps[1]]
    assert x.shape == (rows, columns)
    x.flags.writeable = False
    z = rng.integers(-9, 10, (other, columns)).astype(float)
    before = store.copy()
    kernel = programs.relu(dtype)
    tolerance = {"rtol": 1e-5, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-6}
    gram = kernel(x)
    assert gram.shape == (rows, rows)
    assert np.array_equal(gram, gram.T)
    assert np.isfinite(gram).all()
    cross = kernel(x, z)
    assert cross.shape == (rows, other)
    np.testing.assert_allclose(cross, programs.expected(x, z)["ntk"], **tolerance)
    np.testing.assert_allclose(kernel(x, x), gram, **tolerance)
    assert np.array_equal(kernel.diag(x), np.diag(gram))
    assert np.array_equal(store, before)


def test_empty_batches(programs):
    for kernel in (programs.relu(), programs.linear("float32")):
        assert kernel(np.empty((0, 5))).shape == (0, 0)
        assert kernel(np.empty((0, 5)), np.ones((3, 5))).shape == (0, 3)
        assert kernel(np.ones((3, 5)), np.empty((0, 5))).shape == (3, 0)
        assert kernel.diag(np.empty((0, 5))).shape == (0,)
        assert np.array_equal(kernel(np.empty((2, 0))), np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.ma.masked_array([[1.0, 2, 3]], mask=[[0, 1, 0]]), ArrayTypeError, "masked"),
        (np.array([[1, 2, 3]], object), ArrayTypeError, r"dtype object; convert it"),
        (np.array([[1j, 2, 3]]), ArrayTypeError, "complex128; take its real part"),
        ([["a", "b", "c"]], ArrayTypeError, "real numbers, got list of dtype <U1; it holds text"),
        (np.array([["1", "2", "3"]]), ArrayTypeError, r"convert text to numbers with \.astype"),
        ([[10**400, 2, 3]], ArrayTypeError, "its numbers are beyond the range of float64"),
        ([[None, 2, 3]], ArrayTypeError, "not all of it are numbers"),
        ([], ArrayError, r"expected an array of shape \(n, 3\), got shape \(0,\)$"),
        (np.zeros((1, 3), "M8[s]"), ArrayTypeError, "real numbers"),
        (np.zeros(1, [("a", "f8")]), ArrayTypeError, "real numbers"),
        ("text", ArrayTypeError, "got str"),
        (None, ArrayTypeError, "got NoneType"),
        ({1: 2}, ArrayTypeError, "got dict"),
        ([[1, 2, 3], [4, 5]], ArrayError, "no rectangular array"),
        (1.0, ArrayError, r"expected an array of shape \(n, 3\), got shape \(\)"),
        ([1.0, 2, 3], ArrayError, r"one input is shape \(1, 3\), as x1\[None\] makes it"),
        (np.ones((2, 3, 1)), ArrayError, r"shape \(n, 3\), got shape \(2, 3, 1\)"),
        (np.ones((2, 4)), ArrayError, r"got shape \(2, 4\): axis 1 has 4 elements and not 3"),
    ],
)
def test_what_is_refused(programs, value, error, message):
    kernel = programs.relu(INPUT_SIZES=(3,))
    for call in (kernel, kernel.diag):
        with pytest.raises(error, match=message) as caught:
            call(value)
        assert "x1" in str(caught.value)
    if value is not None:
        with pytest.raises(error, match="x2"):
            kernel(np.ones((1, 3)), value)


class _OnGpu:
    """An array of some library's that states CUDA's interface."""

    shape, __cuda_array_interface__ = (1, 3), {}


class _ByDLPack:
    """One that says by DLPack where it lies: memory that CUDA manages."""

    shape = (1, 3)

    def __dlpack_device__(self):
        return 13, 0


@pytest.mark.parametrize("value", [_OnGpu(), _ByDLPack()])
def test_arrays_on_a_gpu_are_refused_by_the_processor(programs, value):
    kernel = programs.relu(INPUT_SIZES=(3,))
    message = r"x1: lies on a GPU, .*the processor; pass a copy.*backend='cuda'"
    for call in (kernel, kernel.diag):
        with pytest.raises(ArrayTypeError, match=message):
            call(value)
    with pytest.raises(ArrayTypeError, match="x2: lies on a GPU"):
        kernel(np.ones((1, 3)), value)


def test_sparse_matrices_are_refused(programs):
    scipy_sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ArrayTypeError, match="toarray"):
        programs.relu()(scipy_sparse.eye_array(3))


def test_errors_are_built_in_ones_too(programs):
    with pytest.raises(TypeError):
        programs.relu()("text")
    with pytest.raises(ValueError, match="shape"):
        programs.relu()(np.ones(3))


def test_open_sizes_must_agree(programs):
    with pytest.raises(ArrayError, match=r"x2: expected inputs of the shape of x1's, \(3,\), got"):
        programs.relu()(np.ones((2, 3)), np.ones((2, 4)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("order", ["C", "F"])
def test_values_that_are_not_finite(programs, rng, dtype, bad, order):
    x = np.asarray(rng.standard_normal((600, 90)), order=order)
    x[417, 33] = x[417, 60] = x[500, 2] = bad
    kernel = programs.relu(dtype)
    for call in (kernel, kernel.diag):
        with pytest.raises(ArrayError, match=rf"x1: row 417 holds {bad} \(column 33\)"):
            call(x)
    with pytest.raises(ArrayError, match="x2: row 417"):
        kernel(x[:5], x)


def test_rows_beyond_the_range(programs):
    with pytest.raises(ArrayError, match="square of row 1 is beyond the range of float64: scale"):
        programs.relu()([[1.0, 2], [1e200, 1]])
    for kernel in (programs.relu("float32"), programs.linear("float32")):
        with pytest.raises(ArrayError, match=r"float32: scale the inputs, or compile .* float64"):
            kernel([[1.0, 2], [1e20, 1]])
        with pytest.raises(ArrayError, match="square of row 0"):
            kernel([[1e39, 2], [1e20, 1]], [[1.0, 2]])


def test_kernel_values_beyond_the_range(programs):
    with pytest.raises(ArrayError, match="NNGP kernel of row 0 is beyond the range of float32"):
        programs.relu("float32")([[1e18, 1]], w_std=100)


def test_normalized_inputs_are_checked(programs, rng):
    x = rng.standard_normal((30, 16))
    x /= np.sqrt(np.mean(x**2, axis=1, keepdims=True))
    for dtype in ("float32", "float64"):
        kernel = programs.relu(dtype, NORMALIZED=True)
        assert np.array_equal(kernel(x), programs.relu(dtype)(x))
        worse = x.copy()
        worse[4] *= 1.001
        with pytest.raises(ArrayError, match=r"x1: .*row 4 has mean square 1\.002001 and not 1"):
            kernel(worse)
        with pytest.raises(ArrayError, match="x2"):
            kernel(x, worse)
    narrow = x.astype(np.float32)
    assert programs.relu("float32", NORMALIZED=True)(narrow).shape == (30, 30)
    with pytest.raises(ArrayError, match="in float64"):
        programs.relu("float64", NORMALIZED=True)(narrow)
