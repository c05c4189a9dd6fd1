"""The rules by which complements are propagated: float64 against 40 digits near coincidence."""

from __future__ import annotations

import numpy as np
import pytest

from ntkc.ir.node import Varies, topological
from ntkc.passes.expand import SHALLOW, complements_demanded, expand
from ntkc.passes.parity import is_odd
from tests.backends.kernels import at_angles, kernel, network, understood, with_diagonals, worst
from tests.passes.oracle import in_digits, in_float64, scales

BASE = np.random.default_rng(2).standard_normal(7)
FIRST = np.stack([BASE, 0 * BASE])
SECOND = np.concatenate(
    [at_angles(BASE, [0.0, 1e-8, 1e-6, 1e-4, 1e-2, 1.0]), np.outer([2.0, 0.0], BASE)]
)
EXACT = 1e-12

LAYERS = {
    "relu": ("dense(w_std = sqrt(2)) -> relu", "dense"),
    "bias": ("dense(w_std = 1.2, b_std = 0.3) -> relu", "dense"),
    "erf, relu": ("dense(w_std = 1.4, b_std = 0.2) -> erf -> dense -> relu", "dense"),
    "gelu, relu": ("dense(w_std = 1.4) -> gelu -> dense(b_std = 0.1) -> relu", "dense"),
    "residual": ("add(identity, relu -> dense(w_std = 0.3, b_std = 0.1))", "relu -> dense"),
    "layer_norm": ("dense(w_std = 1.4, b_std = 0.4) -> layer_norm -> relu", "dense"),
    "dropout": ("dense(b_std = 0.2) -> relu -> dropout(0.2)", "dense -> relu"),
    "multiply": (
        "dense -> multiply(relu -> dense, identity) -> dense -> relu -> normalize",
        "dense",
    ),
    "concat": (
        "dense -> concat(relu -> dense(units = 3), erf -> dense(units = 4, b_std = 0.2))",
        "dense -> relu",
    ),
}


def _worst(text: str) -> float:
    module = with_diagonals(text)
    exact = in_digits(module, FIRST, SECOND)
    found = in_float64(expand(module), FIRST, SECOND)
    scale = scales(module, FIRST, SECOND, exact)
    errors = []
    for root, value in exact.items():
        wrong = np.abs(found[root] - value.astype(np.float64))
        errors.append(float((wrong / np.where(scale[root] > 0, scale[root], 1.0)).max()))
    return max(errors)


def _text(name: str, depth: int) -> str:
    repeated, last = LAYERS[name]
    return network("dense", f"{{ {repeated} }} * {depth}", last)


@pytest.mark.parametrize("depth", [1, 3, 20])
@pytest.mark.parametrize("name", LAYERS)
def test_near_coincidence(name: str, depth: int) -> None:
    assert _worst(_text(name, depth)) <= EXACT


def test_depth_200() -> None:
    assert _worst(_text("bias", 200)) <= EXACT


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYERS)
def test_every_depth_200(name: str) -> None:
    assert _worst(_text(name, 200)) <= EXACT


def _demanded(*layers: str) -> int:
    module = understood(network(*layers)).module
    return len(complements_demanded(module))


def test_kinks_demand_complements_through_all_layers_before() -> None:
    assert _demanded("dense -> erf -> dense -> erf") == 0
    assert _demanded("dense -> relu") > 0
    assert _demanded("dense -> erf -> dense -> relu") > _demanded("dense -> relu")
    # What follows the last kink is smooth, and reads covariances.
    assert _demanded("dense -> relu -> dense -> erf") == _demanded("dense -> relu")


def test_depth_demands_complements() -> None:
    layer = "{{ dense -> erf }} * {}"
    assert _demanded(layer.format(SHALLOW), "dense") == 0
    assert _demanded(layer.format(SHALLOW + 1), "dense") > 0


def test_only_pairs_have_complements() -> None:
    module = understood(network("{ dense(b_std = 0.1) -> relu } * 2")).module
    assert all(node.varies is Varies.CROSS for node in complements_demanded(module))


def test_expanded_modules_have_no_activations_left() -> None:
    module = expand(with_diagonals(_text("concat", 2)))
    left = {node.op for node in topological(module.roots.values())}
    assert not left & {"dual", "dual_dot", "dropout"}


TURNED = at_angles(BASE, [np.pi - 0.1, np.pi - 1e-6, 1e-8, 1e-4, 0.1, 1.0])


def test_deep_odd_networks_keep_nearly_opposite_inputs() -> None:
    """A chaotic network magnifies the rounding of a complement near 2, at 1e-6 from opposition and
    depth 50 to 1e-10 of the kernel: there it is minus that of a pair which nearly coincides.
    """
    text = network("{ dense(w_std = 1.5) -> erf } * 50", "dense")
    x1, x2 = BASE[None], np.concatenate([TURNED, [-BASE, BASE]])
    made = kernel(text)
    assert worst(made, text, x1, x2) <= 1e-13
    found = made(x1, x2, get=("nngp", "ntk"))
    for values in (found.nngp[0], found.ntk[0]):
        assert values[-2] == -values[-1]


def test_what_counts_as_odd() -> None:
    def odd(*layers: str, before: str = "") -> bool:
        return is_odd(understood(network(*layers, before=before)).module)

    assert odd("dense -> erf -> dense -> sin -> dense")
    assert odd("dense -> add(identity, erf -> dense) -> hard_tanh -> dense")
    assert not odd("dense -> erf -> dense(b_std = 0.1)")
    assert not odd("dense -> relu -> dense")
    assert not odd("dense -> abs -> dense -> erf -> dense")
    assert not odd("dense -> sin(1, 1, 0.5) -> dense")
    assert not odd("dense -> sin(1, 1, c) -> dense", before="param c = 0\n")
