"""Every activation of the language: derivatives by weights, by its own parameters, by inputs."""

from __future__ import annotations

import numpy as np
import pytest

from ntkc import activations
from ntkc.activations._derived import Derived
from ntkc.activations.base import Expanded, ParameterKind
from tests.backends.kernels import BASE, at_angles, network
from tests.gradients.test_inputs import check_inputs
from tests.gradients.test_parameters import BEFORE, DENSE, worst

EXACT = 1e-11
"""What is promised, relative to sqrt(k(x, x) k(z, z)): polynomials of high degree have
derivatives that are their degree times as large."""
SERIES = [n for n in activations.names() if isinstance(activations.load(n), Expanded)]
"""Sums of many terms, which take their time in 55 digits; what is differentiated is the sum."""
PIECEWISE = [n for n in activations.names() if isinstance(activations.load(n), Derived)]
NAMES = [
    pytest.param(name, marks=pytest.mark.slow) if name in SERIES and name != "softplus" else name
    for name in activations.names()
]
X1 = np.stack([BASE, 0.7 * BASE[::-1]])
ANGLES = (0.0, 1e-3, 0.4, 1.5, 2.5)


def _text(name: str) -> str:
    """A network with the activation, whose numbers are parameters: `v0`, `v1`, ..."""
    given, before = [], ["param w = 0.8", "param b = 0.3"]
    for declared in activations.load(name).parameters:
        if declared.kind is ParameterKind.DEGREE:
            given.append("3")
        elif declared.kind is ParameterKind.NUMBERS:
            given.append("[0.3, v, -0.2]")
            before.append("param v = 0.7")
        else:
            value = declared.samples[0] if declared.samples else declared.default
            given.append(f"v{len(given)}")
            before.append(f"param {given[-1]} = {value!r}")
    call = f"{name}({', '.join(given)})" if given else name
    dense = "dense(w_std = w, b_std = b)"
    return network(f"{dense} -> {call} -> {dense}", before="\n".join(before) + "\n")


@pytest.mark.parametrize("name", NAMES)
def test_activation(name: str) -> None:
    """What sees the angle itself, like `sign`, is held to this away from coincidence."""
    jumps = activations.load(name).distributional_derivative
    angles = ANGLES[2:] if jumps else ANGLES[:3] if name in SERIES else ANGLES
    x2 = np.concatenate([at_angles(BASE, angles), 0 * BASE[None]])
    text = _text(name)
    assert worst(text, X1[:1] if name in SERIES else X1, x2) <= EXACT
    if name in PIECEWISE:
        # The oracle's constants are floats, which leaves steps of 1e-23 at coincidence: there
        # differences are taken over what makes little of them.
        check_inputs(text, X1[:1], x2[:1], EXACT, step=1e-9)
        x2 = x2[1:]
    check_inputs(text, X1[:1], x2, EXACT)


@pytest.mark.parametrize("name", ["relu6", "soft_shrink"])
def test_nearly_coincident_inputs_between_kinks_away_from_0(name: str) -> None:
    """One layer: to a rounding over the angle. A second layer knows the first one's complement to a
    rounding of 1, and its slope to that over the angle's square.
    """
    angles = np.array([1e-12, 1e-10, 1e-7, 1e-5])
    x2 = at_angles(BASE, angles)
    check_inputs(_text(name), X1[:1], x2, 32 * np.finfo(float).eps / angles + EXACT)
    deep = network(f"{{ {DENSE} -> {name} }} * 2", before=BEFORE)
    angles = np.array([1e-4, 1e-3, 1e-2])
    x2 = at_angles(BASE, angles)
    check_inputs(deep, X1[:1], x2, 16 * np.finfo(float).eps / angles**2 + EXACT)
    check_inputs(deep, X1[:1], BASE[None], 1e-7, step=1e-6)  # of the order of the step
    check_inputs(deep, X1[:1], np.outer([2, 0, -1], BASE), EXACT)


@pytest.mark.parametrize("name", NAMES)
def test_far_from_unit_variance(name: str) -> None:
    """Large and small rows: derivatives of closed forms keep their digits there too."""
    low, high = activations.load(name).variances
    sizes = np.sqrt(np.clip([1e-4, 50.0], low, high))
    x2 = np.outer(sizes, at_angles(BASE, [0.8])[0])
    assert worst(_text(name), np.outer(sizes, BASE), x2) <= 10 * EXACT
