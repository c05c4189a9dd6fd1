"""Layers on positions: the interpreter against explicit loops over positions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ntkc.ir.interpret import interpret
from ntkc.ir.verify import verify
from ntkc.network.derive import derive
from ntkc.passes.diagonals import diagonals
from tests.layers.loops import by_loops
from tests.network.programs import check, resolve

RELATIVE = 1e-11
"""Both sides sum some hundred terms of float64 in different orders."""


def _program(input: str, body: str) -> str:
    return f"network net {{ input {input}\n{body}\n}}"


def agrees(input: str, body: str, seed: int = 0) -> None:
    """Σ and Θ between examples, of an array with itself, and the diagonals, are the loops'."""
    network = resolve(_program(input, body))
    module = diagonals(derive(network))
    verify(module)
    sizes = tuple(size or 2 for size in network.input.sizes)
    x = np.random.default_rng(seed).normal(size=(3, *sizes))
    nngp, ntk = by_loops(network, x)
    found = interpret(module, x[:2], x[2:])
    for root, expected in (("nngp", nngp), ("ntk", ntk)):
        scale = np.sqrt(np.diag(expected))
        limit = RELATIVE * np.outer(scale[:2], scale[2:])
        assert (np.abs(found[root] - expected[:2, 2:]) <= limit).all()
        own = np.diag(expected)[:2]
        assert (np.abs(found[f"{root}_diagonal"] - own) <= RELATIVE * own).all()


CASES = [
    ("sequence[5, 2]", "conv(3, b_std = 0.3) -> erf -> flatten"),
    ("sequence[5, 2]", "conv(2, padding = same) -> erf -> conv(2, padding = same) -> flatten"),
    ("image[4, 3, 2]", "conv(2x3, padding = same, w_std = 1.2) -> erf -> global_avg_pool -> dense"),
    ("image[5, 4, 2]", "conv(3x2, stride = 2x1, padding = same) -> erf -> flatten -> dense"),
    ("image[4, 4, 2]", "conv(3, stride = 2, padding = circular) -> erf -> global_sum_pool"),
    ("image[5, 4, 2]", "conv(2, dilation = 3x2, b_std = 0.1) -> erf -> global_avg_pool"),
    ("volume[3, 2, 3, 2]", "conv(2x1x3) -> erf -> avg_pool(2x1x1, stride = 1) -> flatten"),
    ("sequence[3, 2]", "conv(5, padding = circular) -> erf -> global_avg_pool"),
    ("sequence[6, 2]", "conv(2) -> erf -> local_conv(3, b_std = 0.4) -> erf -> global_avg_pool"),
    ("image[3, 3, 2]", "local_conv(2, stride = 2, padding = same) -> erf -> conv(2) -> flatten"),
    ("sequence[3, 2]", "conv_transpose(3, stride = 2, b_std = 0.2) -> erf -> global_avg_pool"),
    ("sequence[3, 2]", "conv(2) -> erf -> conv_transpose(4, stride = 2, padding = same)"
     "-> flatten"),
    ("sequence[3, 2]", "conv_transpose(3, stride = 2, padding = circular) -> erf -> flatten"),
    ("sequence[2, 2]", "conv_transpose(2, stride = 3) -> erf -> global_sum_pool"),
    ("image[2, 2, 2]", "conv(1) -> erf -> conv_transpose(2, dilation = 2x1) -> global_avg_pool"),
    ("image[5, 4, 2]", "conv(1) -> erf -> avg_pool(3, stride = 2, padding = same) -> flatten"),
    ("image[5, 4, 2]", "conv(1) -> erf -> sum_pool(3, stride = 2, padding = same) -> flatten"),
    ("sequence[4, 2]", "conv(2) -> avg_pool(2, stride = 1) -> erf -> dense -> erf -> flatten"),
    ("sequence[4, 2]", "avg_pool(3, stride = 2, padding = circular) -> conv(2) -> erf -> flatten"),
    ("image[2, 3, 2]", "conv(1) -> layer_norm -> erf -> flatten"),
    ("image[2, 3, 2]", "conv(2, padding = same) -> layer_norm(axis = [space, channel]) -> erf"
     "-> global_avg_pool"),
    ("image[2, 3, 2]", "normalize -> conv(2) -> erf -> flatten"),
    ("image[2, 3, 2]", "normalize(axis = channel) -> conv(2) -> erf -> flatten"),
    ("image[2, 3, 2]", "conv(2) -> erf -> dropout(0.3) -> conv(1x2) -> erf -> global_avg_pool"),
    ("image[2, 3, 2]", "conv(1) -> erf -> dropout(0.3) -> global_avg_pool -> dense -> erf"),
    ("image[2, 3, 2]", "conv(1) -> erf -> dropout(0.3) -> avg_pool(1x2) -> conv(1) -> erf"
     "-> flatten"),
    ("sequence[4, 2]", "conv(2) -> add(identity, erf -> conv(3, padding = same)) -> erf"
     "-> flatten"),
    ("sequence[4, 2]", "conv(2) -> multiply(identity, conv(3, padding = same) -> erf) -> flatten"),
    ("sequence[4, 2]", "concat(conv(2, units = 3), conv(2, units = 1, w_std = 2)) -> conv(2)"
     "-> erf -> flatten"),
    ("sequence[4, 2]", "concat(conv(2, b_std = 0.3), conv(3), axis = space) -> erf -> conv(2)"
     "-> erf -> global_avg_pool"),
    ("image[2, 3, 2]", "conv(1) -> concat(identity, conv(1x2), axis = width) -> erf"
     "-> global_avg_pool"),
    ("image[2, 3, 2]", "concat(conv(2x1), conv(1), axis = height) -> erf -> conv(2) -> flatten"),
    ("volume[2, 1, 2, 2]", "concat(conv(1), conv(2x1x1), axis = depth) -> erf -> flatten"),
    ("sequence[4, 2]", "conv(3, units = 5, parameterization = standard, b_std = 0.2) -> erf"
     "-> local_conv(2, units = 4, parameterization = standard) -> erf"
     "-> conv_transpose(2, units = 3, parameterization = standard, b_std = 1) -> erf"
     "-> flatten -> dense(parameterization = standard)"),
    ("sequence[4, 2]", "conv(2, trainable = false) -> avg_pool(2, stride = 1) -> erf"
     "-> conv(2, learning_rate = 0.3) -> erf -> flatten -> dense(trainable = false)"),
    ("sequence[4, 2]", "conv(2, trainable = false) -> conv(2, trainable = false)"
     "-> local_conv(1, trainable = false) -> erf -> global_avg_pool"),
    ("image[1, 1, 3]", "conv(1) -> erf -> avg_pool(1) -> global_avg_pool -> dense"),
    ("image[2, 2, 3]", "flatten -> dense -> erf -> dense"),
    ("image[2, 2, 3]", "global_avg_pool -> dense -> erf -> dense"),
]  # fmt: skip


@pytest.mark.parametrize(("input", "body"), CASES)
def test_layers(input: str, body: str) -> None:
    agrees(input, body)


def test_a_zero_example_is_ordinary() -> None:
    body = "normalize -> conv(2, padding = same) -> layer_norm -> erf -> flatten"
    network = resolve(_program("sequence[3, 2]", body))
    x = np.zeros((2, 3, 2))
    x[1] = np.random.default_rng(0).normal(size=(3, 2))
    found = interpret(diagonals(derive(network)), x, x)
    assert all(np.isfinite(value).all() for value in found.values())
    assert found["nngp"][0, 0] == 0.0


_WORDS = st.sampled_from(["valid", "same", "circular"])


@st.composite
def _windows(draw: st.DrawFn, rank: int, name: str) -> str:
    def size(high: int) -> str:
        return "x".join(str(draw(st.integers(1, high))) for _ in range(rank))

    arguments = [size(3), f"stride = {size(2)}", f"padding = {draw(_WORDS)}"]
    if "conv" in name:
        arguments += [f"dilation = {size(2)}", f"b_std = {draw(st.sampled_from([0, 0.5]))}"]
    return f"{name}({', '.join(arguments)})"


_LARGEST = {1: 6, 2: 3, 3: 2}


@st.composite
def _networks(draw: st.DrawFn) -> tuple[str, str]:
    """Two layers with windows, an activation between them, and an end."""
    rank = draw(st.integers(1, 3))
    sizes = [draw(st.integers(1, _LARGEST[rank])) for _ in range(rank)]
    kind = {1: "sequence", 2: "image", 3: "volume"}[rank]
    names = st.sampled_from(["conv", "local_conv", "conv_transpose"])
    pools = st.sampled_from(["avg_pool", "sum_pool"])
    first = draw(_windows(rank, draw(names)))
    second = draw(_windows(rank, draw(st.one_of(names, pools))))
    end = draw(st.sampled_from(["flatten", "global_avg_pool", "global_sum_pool"]))
    return f"{kind}[{', '.join(map(str, sizes))}, 2]", f"{first} -> erf -> {second} -> {end}"


@given(_networks(), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_any_geometry(program: tuple[str, str], seed: int) -> None:
    network, found = check(_program(*program))
    if network is None:
        assert {d.code for d in found} <= {"E0326", "E0327"}
    assume(network is not None)
    assume(all(np.prod(n.shape.space, dtype=int) <= 36 for n in network.nodes()))  # type: ignore[union-attr]
    agrees(*program, seed)
