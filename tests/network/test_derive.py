"""The derived kernels, by the interpreter: against references, formulas and finite networks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings

from ntkc.ir.interpret import interpret
from ntkc.ir.node import Varies, topological
from ntkc.network.derive import derive
from ntkc.network.graph import Network
from tests.network.programs import REFERENCE, VECTOR_CASES, layers, resolve
from tests.network.strategies import programs

X1 = np.random.default_rng(1).normal(size=(4, 7))
X2 = np.random.default_rng(2).normal(size=(3, 7))


def kernel(network: Network, **parameters: float) -> tuple[np.ndarray, np.ndarray]:
    """The NNGP and NTK between X1 and X2."""
    values = interpret(derive(network), X1, X2, parameters)
    return values["nngp"], values["ntk"]


@pytest.mark.parametrize("name", VECTOR_CASES)
def test_reference(name: str) -> None:
    case = np.load(REFERENCE / f"{name}.npz")
    module = derive(resolve((REFERENCE / f"{name}.ntk").read_text()))
    values = interpret(module, case["x1"], case["x2"])
    # The references lose half of their digits at the pair of coincident inputs.
    tolerance = np.full((len(case["x1"]), len(case["x2"])), 1e-10)
    tolerance[0, 0] = 2e-7
    for root in ("nngp", "ntk"):
        assert (np.abs(values[root] - case[root]) <= tolerance * np.abs(case[root])).all()


def test_depth_one_at_known_angles() -> None:
    for angle, nngp, ntk in (
        (math.pi / 3, 1.2179955620884587, 1.8846622287551254),
        (math.pi / 2, 0.63661977236758134, 0.63661977236758134),
    ):
        body = "{ dense(w_std = 2) -> relu } -> dense(w_std = sqrt(2))"
        x1 = np.array([[1.0, 0.0]])
        x2 = np.array([[math.cos(angle), math.sin(angle)]])
        values = interpret(derive(layers(body, input="vector[2]")), x1, x2)
        assert values["nngp"][0, 0] == pytest.approx(nngp, rel=1e-14)
        assert values["ntk"][0, 0] == pytest.approx(ntk, rel=1e-14)


class TestDense:
    GRAM = X1 @ X2.T / 7

    def test_one_layer(self) -> None:
        nngp, ntk = kernel(layers("dense(w_std = 2, b_std = 3)"))
        np.testing.assert_allclose(nngp, 4 * self.GRAM + 9, rtol=1e-14)
        np.testing.assert_allclose(ntk, nngp, rtol=1e-14)

    def test_frozen(self) -> None:
        _, ntk = kernel(layers("dense(w_std = 2, trainable = false) -> dense(w_std = 3)"))
        np.testing.assert_allclose(ntk, 36 * self.GRAM, rtol=1e-14)
        _, ntk = kernel(layers("dense -> dense(w_std = 3, b_std = 1, trainable = false)"))
        np.testing.assert_allclose(ntk, 9 * self.GRAM, rtol=1e-14)

    def test_learning_rate(self) -> None:
        _, ntk = kernel(layers("dense(learning_rate = 0.5) -> dense(learning_rate = 3)"))
        np.testing.assert_allclose(ntk, 3.5 * self.GRAM, rtol=1e-14)

    def test_standard(self) -> None:
        body = "dense(w_std = 2, units = 5, parameterization = standard)"
        nngp, ntk = kernel(layers(body))
        np.testing.assert_allclose(nngp, 4 * self.GRAM, rtol=1e-14)
        np.testing.assert_allclose(ntk, 7 * self.GRAM, rtol=1e-14)
        second = "dense(w_std = 3, b_std = 0.1, parameterization = standard, learning_rate = 2)"
        _, ntk = kernel(layers(f"{body} -> {second}"))
        np.testing.assert_allclose(ntk, 2 * (5 * 4 * self.GRAM + 1) + 9 * 7 * self.GRAM, rtol=1e-13)

    def test_standard_with_a_bias_that_is_a_parameter(self) -> None:
        network = layers("dense(b_std = b, parameterization = standard)", "param b = 0.5")
        _, with_bias = kernel(network)
        _, without = kernel(network, b=0.0)
        np.testing.assert_allclose(with_bias, 7 * self.GRAM + 1, rtol=1e-13)
        np.testing.assert_allclose(without, 7 * self.GRAM, rtol=1e-13)

    def test_frozen_standard_needs_no_widths(self) -> None:
        body = "dense -> relu -> dense(parameterization = standard, trainable = false)"
        assert kernel(layers(body))[1].shape == (4, 3)


def test_layer_norm_and_normalize() -> None:
    nngp, ntk = kernel(layers("dense(w_std = 2) -> layer_norm(eps = 0.25)"))
    gram = X1 @ X2.T / 7
    p, q = (x * x for x in (X1, X2))
    scale = np.sqrt(np.outer(4 * p.mean(1) + 0.25, 4 * q.mean(1) + 0.25))
    np.testing.assert_allclose(nngp, 4 * gram / scale, rtol=1e-13)
    np.testing.assert_allclose(ntk, nngp, rtol=1e-13)
    nngp, ntk = kernel(layers("normalize"))
    np.testing.assert_allclose(nngp, gram / np.sqrt(np.outer(p.mean(1), q.mean(1))), rtol=1e-13)
    assert (ntk == 0).all()


def test_a_zero_input_stays_zero_when_normalised() -> None:
    module = derive(layers("normalize -> dense -> relu -> normalize -> dense"))
    zero = np.zeros((1, 7))
    values = interpret(module, zero, X2)
    assert (values["nngp"] == 0).all()
    assert (values["ntk"] == 0).all()


def test_joins() -> None:
    a = kernel(layers("dense(w_std = 2) -> relu -> dense(w_std = 3)"))
    b = kernel(layers("dense(b_std = 0.5) -> erf -> dense"))
    first = "dense(w_std = 2) -> relu -> dense(w_std = 3, units = 2)"
    second = "dense(b_std = 0.5) -> erf -> dense(units = {})"
    nngp, ntk = kernel(layers(f"add({first}, {second.format(2)})"))
    np.testing.assert_allclose(nngp, a[0] + b[0], rtol=1e-14)
    np.testing.assert_allclose(ntk, a[1] + b[1], rtol=1e-14)
    nngp, ntk = kernel(layers(f"multiply({first}, {second.format(2)})"))
    np.testing.assert_allclose(nngp, a[0] * b[0], rtol=1e-14)
    np.testing.assert_allclose(ntk, a[1] * b[0] + a[0] * b[1], rtol=1e-14)
    nngp, ntk = kernel(layers(f"concat({first}, {second.format(6)})"))
    np.testing.assert_allclose(nngp, a[0] / 4 + b[0] * 3 / 4, rtol=1e-14)
    np.testing.assert_allclose(ntk, a[1] / 4 + b[1] * 3 / 4, rtol=1e-14)


def test_a_product_of_three() -> None:
    nngp, ntk = kernel(layers("multiply(dense, dense(2), dense(3))"))
    gram = X1 @ X2.T / 7
    np.testing.assert_allclose(nngp, 36 * gram**3, rtol=1e-13)
    np.testing.assert_allclose(ntk, 108 * gram**3, rtol=1e-13)


def test_every_layer_keeps_its_span() -> None:
    module = derive(layers("dense(w_std = 2) -> relu -> dense"))
    assert {span.text for span in module.spans.values()} == {
        "input vector[7]",
        "dense(w_std = 2)",
        "relu",
        "dense",
    }
    varying = [n for n in topological(module.roots.values()) if n.varies is not Varies.CONST]
    assert set(varying) == set(module.spans)
    by_layer = {node: span.text for node, span in module.spans.items()}
    assert {by_layer[n] for n in varying if n.op in ("dual", "dual_dot")} == {"relu"}


def test_deep_networks_share_everything() -> None:
    short, long = (derive(layers(f"{{ dense -> relu }} * {n} -> dense")) for n in (100, 200))
    count = [sum(1 for _ in topological(m.roots.values())) for m in (short, long)]
    assert count[1] < 2.1 * count[0]
    assert list(short.activations) == ["relu"]


def test_ignorance_of_names() -> None:
    one, other = (
        derive(resolve(f"network {n} {{ input vector[7]; dense -> relu }}")) for n in "ab"
    )
    assert one.roots == other.roots


@settings(max_examples=60, deadline=None)
@given(text=programs(size=7))
def test_random_networks_have_kernels(text: str) -> None:
    module = derive(resolve(text))
    values = interpret(module, X1, X1)
    for root in ("nngp", "ntk"):
        value = values[root]
        assert np.isfinite(value).all()
        np.testing.assert_allclose(value, value.T, rtol=1e-10, atol=1e-12)
