"""What `value_and_gradient` refuses, and how it says so; and what it makes of odd batches."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from ntkc.runtime import Kernel, ValueAndGradient
from tests.backends.kernels import kernel, network
from tests.gradients.oracle import derived
from tests.gradients.test_parameters import NETWORKS

X = np.random.default_rng(0).standard_normal((3, 7))
ONES = np.ones((3, 3))


def _refused(message: str, *args: Any, **options: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        derived(NETWORKS["relu"]).value_and_gradient(*args, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"get": ("ntk", "nngp")}, 'get: expected "ntk" or "nngp", one at a time with a gradient'),
        ({"get": "nkt"}, "get: 'nkt' is neither \"ntk\" nor \"nngp\"; did you mean 'ntk'?"),
        ({"wrt": "v"}, "wrt: kernel 'net' has no parameter 'v' (known: w, b, x1, x2)"),
        ({"wrt": ()}, "wrt: expected at least one name, got none"),
        ({"wrt": 3}, "wrt: expected a name or a tuple of names, got 3"),
        ({"wrt": ("w", 1)}, "wrt: expected a name or a tuple of names"),
        ({"wrt": "x1"}, "wrt: a gradient by inputs needs a cotangent"),
        ({"wrt": "x2", "cotangent": ONES}, "wrt: there is no x2 in this call"),
        ({"cotangent": ONES[:2]}, "cotangent: expected the kernel's shape (3, 3), got (2, 3)"),
        ({"cotangent": "ones"}, "cotangent: expected an array of real numbers"),
        ({"cotangent": np.nan * ONES}, "cotangent: holds values that are not finite"),
        ({"u": 1.0}, "kernel 'net' has no parameter 'u'"),
        ({"threads": 0}, "threads: expected at least 1, got 0"),
    ],
)
def test_refused(options: dict[str, Any], message: str) -> None:
    _refused(message, X, **options)


def test_bad_inputs_are_told_as_in_a_call() -> None:
    _refused("x1: expected an array of shape (n, 7)", X[:, :3])
    _refused("x1", np.where(X > 0, X, np.nan))
    _refused("x2: expected an array of shape (n, 7)", X, X[0])


def test_a_network_without_parameters() -> None:
    made = derived(network("dense -> relu -> dense"))
    with pytest.raises(ValueError, match="has no parameters; the gradient by inputs"):
        made.value_and_gradient(X)
    found = made.value_and_gradient(X, wrt="x1", cotangent=ONES)
    assert found.gradient["x1"].shape == X.shape


def test_a_kernel_that_was_saved_without_derivatives() -> None:
    with pytest.raises(ValueError, match=r"saved without .*model\.ntk .* ntkc\.compile"):
        kernel(NETWORKS["relu"]).value_and_gradient(X)


def test_empty_batches() -> None:
    made = derived(NETWORKS["relu"])
    value, gradient = made.value_and_gradient(X[:0])
    assert value.shape == gradient["w"].shape == (0, 0)
    found = made.value_and_gradient(X[:0], X, wrt=("x1", "x2", "w"), cotangent=np.ones((0, 3)))
    assert found.gradient["x1"].shape == (0, 7)
    assert found.gradient["x2"].shape == (3, 7)
    assert (found.gradient["x2"] == 0).all()
    assert found.gradient["w"] == 0.0


def test_dtypes_of_inputs_and_of_the_cotangent() -> None:
    """Inputs of any real type; what comes back has the kernel's."""
    made = derived(NETWORKS["relu"])
    whole = np.arange(21).reshape(3, 7) % 5
    for x in (whole, whole.astype(np.float32), np.asfortranarray(whole.astype(float))):
        found = made.value_and_gradient(x, wrt=("x1", "w"), cotangent=ONES.astype(int))
        assert found.gradient["x1"].dtype == np.float64
        right = made.value_and_gradient(whole.astype(float), wrt="x1", cotangent=ONES)
        np.testing.assert_allclose(found.gradient["x1"], right.gradient["x1"], rtol=1e-13)


def test_the_result_is_a_named_pair() -> None:
    found = derived(NETWORKS["relu"]).value_and_gradient(X, wrt="w")
    assert isinstance(found, ValueAndGradient)
    value, gradient = found
    assert value is found.value
    assert gradient is found.gradient
    assert "cotangent" in str(Kernel.value_and_gradient.__doc__)


def test_the_cotangent_is_left_alone() -> None:
    cotangent = np.random.default_rng(1).standard_normal((3, 3))
    kept = cotangent.copy()
    derived(NETWORKS["relu"]).value_and_gradient(X, wrt=("x1", "w"), cotangent=cotangent)
    assert (cotangent == kept).all()
