"""Networks that are accepted tend to their kernels, in particular by the finer rules.

Random networks of width 400 are compared with the limit; those that are refused, where their
kernel is computed all the same, are seen to differ.
"""

from __future__ import annotations

import numpy as np
import pytest

from ntkc.ir.interpret import interpret
from ntkc.layers.add import Add
from ntkc.layers.base import Features, Shape
from ntkc.layers.layer_norm import LayerNorm
from ntkc.layers.multiply import Multiply
from ntkc.network.derive import derive
from tests.network.finite import relative_error, sample_nngp
from tests.network.programs import layers

X = np.random.default_rng(3).normal(size=(3, 7))
WIDTH, DRAWS = 400, 48


def _errors(body: str) -> float:
    """How far wide networks are from the limit, apart from the masks on the diagonal."""
    network = layers(body)
    limit = interpret(derive(network), X, X)["nngp"]
    found = sample_nngp(network, X, WIDTH, DRAWS)
    if "dropout" in body:
        np.fill_diagonal(found, np.diag(limit))
    return relative_error(found, limit)


@pytest.mark.parametrize(
    "body",
    [
        "dense(b_std = 0.5) -> relu -> dense",
        "dense -> add(identity, relu -> dense) -> abs",
        "dense -> add(identity, dense -> relu)",
        "dense -> add(relu, dense) -> dense",
        "dense -> add(add(identity, relu -> dense), abs -> dense) -> relu",
        "dense -> multiply(identity, dense -> relu)",
        "dense -> multiply(relu, dense -> relu) -> dense -> relu",
        "dense -> add(identity, multiply(relu, dense)) -> layer_norm -> dense",
        "dense(units = 1) -> concat(identity, relu) -> dense -> relu",
        "concat(dense(units = 1, w_std = 2), dense(units = 2)) -> layer_norm -> dense -> sin",
        "dense(w_std = 2) -> layer_norm -> relu -> normalize -> dense",
        "dense -> dropout(0.3) -> layer_norm -> dense",
    ],
)
def test_the_limit_of_what_is_accepted(body: str) -> None:
    assert _errors(body) < 0.1


def _accept_all(
    self: object, inputs: tuple[Features, ...], shapes: tuple[Shape, ...], level: int
) -> Features:
    return Features(gaussian=True, own=level, centred=level)


@pytest.mark.parametrize(
    "body",
    [
        "dense -> add(identity, relu)",
        "dense -> add(identity, identity)",
        "dense -> add(dense -> relu, dense -> relu)",
        "dense -> add(relu, dense -> abs) -> dense",
        "dense -> multiply(identity, relu)",
        "dense -> relu -> layer_norm",
        "dense -> add(identity, dense(w_std = 3) -> relu) -> layer_norm",
    ],
)
def test_the_limit_of_what_is_refused(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for layer in (Add, Multiply, LayerNorm):
        monkeypatch.setattr(layer, "features", _accept_all)
    assert _errors(body) > 0.15
