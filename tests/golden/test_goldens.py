"""What every printable stage prints for a small zoo of networks.

`pytest tests/golden --snapshot-update` writes them anew; read the difference before you commit
it, and show it where it alters generated code.
"""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from ntkc.driver import middle, middle_on_positions
from ntkc.explain import explain_model, format_schedule, latex_model
from ntkc.explain.slices import format_slices
from ntkc.ir.module import Module
from ntkc.ir.text import format_module
from ntkc.schedule.origins import describer
from tests.backends.kernels import network, source, understood
from tests.backends.test_slices import network as on_positions

ZOO = {
    "relu": network("{ dense(w_std = sqrt(2)) -> relu } * 3", "dense"),
    "relu with bias": network("{ dense(w_std = sqrt(2), b_std = 0.1) -> relu } * 3", "dense"),
    "erf": network("{ dense(w_std = 1.4, b_std = 0.1) -> erf } * 2", "dense"),
    "residual": network(
        "dense", "add(identity, relu -> dense(w_std = w)) * 3", "relu", "dense",
        before="param w = 0.5\n",
    ),
    "alternating": network("{ dense -> relu -> dense(b_std = 0.1) -> erf } * 4", "dense"),
}  # fmt: skip


_BLOCK = "conv(3x3, @, w_std = sqrt(2)) -> relu"

POSITIONS = {
    "flatten": on_positions(f"{{ {_BLOCK} }} * 3 -> flatten -> dense", "image[8, 8, 3]"),
    "global pool": on_positions(
        f"{{ {_BLOCK} }} * 2 -> global_avg_pool -> dense", "image[8, 8, 3]"
    ),
    "strides": on_positions(
        "{ conv(3x3, stride = 2, @) -> relu -> conv(3x3, @) -> relu } * 2"
        " -> global_avg_pool -> dense",
        "image[16, 16, 3]",
    ),
    "pools": on_positions(
        f"{{ {_BLOCK} -> avg_pool(2x2) }} * 3 -> flatten -> dense", "image[8, 8, 3]"
    ),
    "residual": on_positions(
        "conv(3x3, @)\n"
        "    add(relu -> conv(3x3, stride = 2, @) -> relu -> conv(3x3, @), conv(1, stride = 2))\n"
        "    relu -> global_avg_pool -> dense",
        "image[8, 8, 3]",
    ),
    "circular": on_positions(
        "{ conv(3x3, @@, b_std = 0.1) -> relu } * 2 -> global_avg_pool", "image[6, 4, 3]"
    ),
    "sequence": on_positions(
        "conv(3, dilation = 2, @) -> relu -> avg_pool(3, stride = 2) -> local_conv(2) -> relu"
        " -> global_avg_pool -> dense",
        "sequence[9, 4]",
    ),
    "volume": on_positions(
        "conv(3x3x2, @) -> relu -> avg_pool(2x1x2) -> conv(1) -> erf -> flatten",
        "volume[4, 3, 4, 2]",
    ),
}


@pytest.mark.parametrize("name", POSITIONS)
def test_schedule_of_slices(name: str, snapshot: SnapshotAssertion) -> None:
    program = middle_on_positions(understood(POSITIONS[name]).module, "float32")
    assert format_slices(program, describer({"float32": program})) == snapshot


@pytest.mark.parametrize("name", ["strides", "pools", "sequence"])
def test_explanation_of_slices(name: str, snapshot: SnapshotAssertion) -> None:
    assert explain_model(understood(POSITIONS[name])) == snapshot


@pytest.mark.parametrize("name", ZOO)
def test_network(name: str, snapshot: SnapshotAssertion) -> None:
    assert str(understood(ZOO[name]).network) == snapshot


@pytest.mark.parametrize("name", ["relu", "erf"])
def test_ir(name: str, snapshot: SnapshotAssertion) -> None:
    """After derivation and after every pass."""
    module = understood(ZOO[name]).module
    assert format_module(module) == snapshot(name="0 derive")
    count = 0

    def watch(step: str, after: Module) -> None:
        nonlocal count
        count += 1
        assert format_module(after) == snapshot(name=f"{count} {step}")

    middle(module, "float64", watch)


@pytest.mark.parametrize("name", ["relu with bias", "residual"])
def test_derived_ir(name: str, snapshot: SnapshotAssertion) -> None:
    assert format_module(understood(ZOO[name]).module) == snapshot


@pytest.mark.parametrize("name", ZOO)
def test_schedule(name: str, snapshot: SnapshotAssertion) -> None:
    schedules = middle(understood(ZOO[name]).module, "float64")
    assert format_schedule(schedules["float64"], describer(schedules)) == snapshot


@pytest.mark.parametrize("name", ["relu", "erf", "residual"])
def test_source(name: str, snapshot: SnapshotAssertion) -> None:
    assert source(ZOO[name]) == snapshot


@pytest.mark.parametrize("name", ZOO)
def test_explanation(name: str, snapshot: SnapshotAssertion) -> None:
    assert explain_model(understood(ZOO[name])) == snapshot


@pytest.mark.parametrize("name", ZOO)
def test_latex(name: str, snapshot: SnapshotAssertion) -> None:
    assert latex_model(understood(ZOO[name])) == snapshot


@pytest.mark.parametrize("name", ZOO)
def test_stages_do_not_depend_on_what_ran_before(name: str) -> None:
    """The same text twice: no stage keeps a counter, or an order of a set."""
    front = understood(ZOO[name])
    again = {format_schedule(middle(front.module, "float64")["float64"]) for _ in range(2)}
    assert len(again) == 1
