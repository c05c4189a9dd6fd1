"""Derivatives along log θ: the kernel's own, and differences, against formulas."""

from typing import Any

import numpy as np
import pytest

import ntkc
from ntkc.runtime import Kernel as LoadedKernel
from ntkc.tuning import GradientError, kernel_and_log_gradients
from ntkc.tuning.derivatives import difference
from tests.tuning.kernels import Differentiated, Squared

X = np.random.default_rng(0).standard_normal((7, 3))
POINT = {"scale": 1.7, "length": 0.6}


def test_differences_are_as_good_as_they_say() -> None:
    kernel = Squared()
    found = kernel_and_log_gradients(kernel, X, POINT, ("length", "scale"))
    scale, length = kernel.log_gradients(X, **POINT)
    assert found.source == "differences"
    np.testing.assert_array_equal(found.value, kernel(X, **POINT))
    # Extrapolations stop where they agree to 1e-11 of the largest entry, near 3.
    np.testing.assert_allclose(found.gradients, [length, scale], rtol=0, atol=1e-10)
    assert found.error < 1e-10


def test_a_kernel_that_differentiates_itself_is_asked() -> None:
    kernel = Differentiated()
    found = kernel_and_log_gradients(kernel, X, POINT, ("scale",))
    assert found.source == "compiler"
    assert found.error == 0
    np.testing.assert_allclose(found.gradients[0], 2 * found.value, rtol=1e-15)


def test_compiled_kernels() -> None:
    # Without biases, a ReLU network's kernel is a power of w_std: 3 layers make w_std^6.
    text = (
        "param w = 1.3\nnetwork n {\n    input vector[3]\n"
        "    { dense(w_std = w) -> relu } * 2\n    dense(w_std = w)\n}\n"
    )
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-4)):
        kernel = ntkc.compile(source=text, dtype=dtype)
        saved = LoadedKernel(kernel.program)  # as an artefact's: it cannot compile derivatives
        for get in ("ntk", "nngp"):
            found = kernel_and_log_gradients(kernel, X, {"w": 0.8}, ("w",), get)
            assert found.source == "compiler"
            np.testing.assert_allclose(found.gradients[0], 6 * found.value, rtol=tolerance)
            by_differences = kernel_and_log_gradients(saved, X, {"w": 0.8}, ("w",), get)
            assert by_differences.source == "differences"
            np.testing.assert_allclose(by_differences.value, found.value, rtol=tolerance)
            # Steps of log w stop at 1e-11 of the largest entry, or at float32's roundoff.
            np.testing.assert_allclose(
                by_differences.gradients[0], found.gradients[0], rtol=max(tolerance, 1e-9)
            )
    with pytest.raises(ntkc.KernelError, match="must be at least 0"):
        kernel_and_log_gradients(saved, X, {"w": -0.8}, ("w",))


def test_no_parameters() -> None:
    found = kernel_and_log_gradients(Squared(), X, POINT, ())
    assert found.gradients == ()


def test_steep_and_kinked_functions() -> None:
    one = np.ones((1, 1))
    steep, error = difference(lambda t: one * np.exp(40 * t), one, "p")
    # The 40th power: as a deep network's kernel. Errors are relative to the slope.
    assert steep[0, 0] == pytest.approx(40, rel=1e-8)
    assert error < 1e-6  # an estimate, and a careful one
    with pytest.raises(GradientError, match="along p cannot be found"):
        difference(lambda t: one * np.sign(t), one, "p")


def test_steps_that_a_kernel_refuses_are_left_out() -> None:
    def narrow(t: float) -> Any:
        if abs(t) > 0.05:
            raise ValueError("p must be small")
        return np.full((2, 2), 3 * t)

    slope, _ = difference(narrow, np.zeros((2, 2)), "p")
    np.testing.assert_allclose(slope, 3, rtol=1e-12)

    def never(t: float) -> Any:
        raise ValueError("p must be zero")

    with pytest.raises(ValueError, match="p must be zero"):
        difference(never, np.zeros((2, 2)), "p")
