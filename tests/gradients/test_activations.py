"""Every activation of the language: derivatives by weights, by its own parameters, by inputs."""

from __future__ import annotations

import numpy as np
import pytest

from ntkc import activations
from ntkc.activations.base import Expanded, ParameterKind
from ntkc.passes.differentiate import NoDerivativeError
from tests.backends.kernels import BASE, at_angles, network
from tests.gradients.test_inputs import check_inputs
from tests.gradients.test_parameters import worst

EXACT = 1e-11
"""What is promised, relative to sqrt(k(x, x) k(z, z)): polynomials of high degree have
derivatives that are their degree times as large."""
SERIES = [n for n in activations.names() if isinstance(activations.load(n), Expanded)]
"""Sums of many terms, which take their time in 55 digits; what is differentiated is the sum."""
REFUSED = ("clip", "hard_sigmoid", "hard_swish", "hard_tanh", "relu6", "soft_shrink")
NAMES = [
    pytest.param(name, marks=pytest.mark.slow) if name in SERIES and name != "softplus" else name
    for name in activations.names()
    if name not in REFUSED
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


@pytest.mark.parametrize("name", REFUSED)
def test_kinks_away_from_zero_are_refused(name: str) -> None:
    with pytest.raises(NoDerivativeError, match="no accurate gradient"):
        worst(_text(name), X1, X1)


@pytest.mark.parametrize("name", NAMES)
def test_activation(name: str) -> None:
    """What sees the angle itself, like `sign`, is held to this away from coincidence."""
    jumps = activations.load(name).distributional_derivative
    angles = ANGLES[2:] if jumps else ANGLES[:3] if name in SERIES else ANGLES
    x2 = np.concatenate([at_angles(BASE, angles), 0 * BASE[None]])
    text = _text(name)
    assert worst(text, X1[:1] if name in SERIES else X1, x2) <= EXACT
    check_inputs(text, X1[:1], x2, EXACT)


@pytest.mark.parametrize("name", NAMES)
def test_far_from_unit_variance(name: str) -> None:
    """Large and small rows: derivatives of closed forms keep their digits there too."""
    low, high = activations.load(name).variances
    sizes = np.sqrt(np.clip([1e-4, 50.0], low, high))
    x2 = np.outer(sizes, at_angles(BASE, [0.8])[0])
    assert worst(_text(name), np.outer(sizes, BASE), x2) <= 10 * EXACT
