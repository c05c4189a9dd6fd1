"""What every printable stage prints for a small zoo of networks.

`pytest tests/golden --snapshot-update` writes them anew; read the difference before you commit
it, and show it where it alters generated code.
"""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from ntkc.driver import describer, middle
from ntkc.explain import explain_model, format_schedule, latex_model
from ntkc.ir.module import Module
from ntkc.ir.text import format_module
from tests.backends.kernels import network, source, understood

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
