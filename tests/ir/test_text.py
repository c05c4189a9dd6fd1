"""The textual form of kernel IR: exact, canonical, and robust against any text."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from ntkc.diagnostics import ProgramError
from ntkc.ir.module import DualForms, Input, Module
from ntkc.ir.node import Node, const, make, topological
from ntkc.ir.ops import SPATIAL
from ntkc.ir.text import format_module, parse_module
from ntkc.passes.diagonals import diagonals
from tests.backends.kernels import network, understood
from tests.ir.strategies import modules
from tests.network.programs import REFERENCE, SPATIAL_CASES, VECTOR_CASES


def no_forms(key: str) -> DualForms:
    """Forms are not looked into here."""
    return cast(DualForms, None)


def module_of(**roots: Node) -> Module:
    return Module("net", Input("vector", (7,)), (), roots)


def assert_round_trip(module: Module) -> None:
    text = format_module(module)
    found = parse_module(text, no_forms)
    assert format_module(found) == text
    assert found.name == module.name
    assert found.input == module.input
    assert found.parameters == module.parameters
    assert found.roots.keys() == module.roots.keys()
    assert all(found.roots[name] is root for name, root in module.roots.items())


@settings(deadline=None)
@given(modules())
def test_round_trip(module: Module) -> None:
    assert_round_trip(module)


@pytest.mark.parametrize("name", [*VECTOR_CASES, *SPATIAL_CASES])
def test_round_trip_of_networks(name: str) -> None:
    module = understood((REFERENCE / f"{name}.ntk").read_text()).module
    assert_round_trip(module)
    assert_round_trip(diagonals(module))


def test_round_trip_of_every_operation_on_positions() -> None:
    text = """network net {
        input image[6, 6, 3]
        concat(local_conv(3, stride = 2, padding = same), conv(3, stride = 2, padding = circular),
            axis = width)
        conv_transpose(2x1, dilation = 2) -> avg_pool(2, padding = same) -> sum_pool(2)
        relu -> dropout(0.5) -> flatten -> dense
    }"""
    module = diagonals(understood(text).module)
    used = {node.op for node in topological(module.roots.values())}
    assert set(SPATIAL) - used == {"sum_positions"}  # which is in the cases above
    assert_round_trip(module)


@pytest.mark.parametrize("space", ["3", "(0)", "(2.0)", "(true)", "(-1)", '("a")'])
def test_spaces_are_whole_numbers(space: str) -> None:
    text = f"network n\ninput image[2, 2, 1]\n%0 = gram {{varies=CROSS, space={space}}}\nntk = %0\n"
    with pytest.raises(ProgramError, match=r"IR0[14]"):
        parse_module(text, no_forms)


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 5e-324, -2.2250738585072014e-308, 0.1, 1e308])
def test_floats_are_exact(value: float) -> None:
    assert_round_trip(module_of(ntk=make("sin", const(value))))


def test_numbers_keep_their_types() -> None:
    whole, real, truth = (make("power", const(2.0), exponent=e) for e in (1, 1.0, True))
    assert len({whole, real, truth}) == 3
    for node in (whole, real, truth, make("const", value=1)):
        assert_round_trip(module_of(ntk=make("exp", node)))
    assert format_module(module_of(ntk=whole)).splitlines()[2] == "%0 = power 2.0 {exponent=1}"


def test_text_does_not_depend_on_the_order_of_building() -> None:
    first, second = make("gram", varies="ROW"), make("gram", varies="COL")
    one = module_of(nngp=first * second, ntk=first + second)
    other = module_of(ntk=first + second, nngp=first * second)
    assert format_module(one) == format_module(other)


def test_shared_values_are_written_once() -> None:
    node = make("product")
    for _ in range(200):
        node = node * node
    assert len(format_module(module_of(ntk=node)).splitlines()) == 2 + 1 + 200 + 1
    assert_round_trip(module_of(ntk=node))


def test_deep_graphs() -> None:
    node = make("product")
    for _ in range(20_000):
        node = make("sin", node)
    assert_round_trip(module_of(ntk=node))


def test_text_of_a_network(snapshot: SnapshotAssertion) -> None:
    text = network("dense(w_std = w) -> relu", "dense(b_std = 0.1)", before="param w = 1.5\n")
    assert format_module(understood(text).module) == snapshot


def test_spans_are_lines() -> None:
    text = "network n\ninput vector[3]\n%0 = product\n%1 = sin %0\nntk = %1\n"
    module = parse_module(text, no_forms)
    spans = {node.op: module.spans[node] for node in topological(module.roots.values())}
    assert spans["sin"].text == "%1 = sin %0"
    assert spans["sin"].line == 4


def test_activations_come_from_the_caller() -> None:
    text = format_module(understood(network("dense -> relu")).module)
    asked: list[str] = []

    def forms(key: str) -> DualForms:
        asked.append(key)
        return cast(DualForms, key)

    found: Any = parse_module(text, forms).activations
    assert dict(found) == {"relu": "relu"}
    assert set(asked) == {"relu"}


_MISTAKES = {
    "empty": "",
    "no network": "input vector[3]\nntk = 1.0\n",
    "no root": "network n\ninput vector[3]\n%0 = product\n",
    "no equals": "network n\ninput vector[3]\n%0 product\nntk = %0\n",
    "two values on a line": "network n\ninput vector[3]\n%0 = product %1 = product\nntk = %0\n",
    "unknown operation": "network n\ninput vector[3]\n%0 = produkt\nntk = %0\n",
    "arity": "network n\ninput vector[3]\n%0 = product\n%1 = mul %0\nntk = %1\n",
    "attributes": "network n\ninput vector[3]\n%0 = product {degree=1}\nntk = %0\n",
    "attribute twice": "network n\ninput vector[3]\n%0 = kink 1.0 {degree=1, degree=2}\nntk = %0\n",
    "varies": "network n\ninput vector[3]\n%0 = gram {varies=DIAGONAL}\nntk = %0\n",
    "not defined": "network n\ninput vector[3]\n%0 = sin %1\nntk = %0\n",
    "defined twice": "network n\ninput vector[3]\n%0 = product\n%0 = product\nntk = %0\n",
    "root twice": "network n\ninput vector[3]\nntk = 1.0\nntk = 2.0\n",
    "parameter": "network n\ninput vector[3]\nntk = $w\n",
    "parameter twice": "network n\ninput vector[3]\nparam w = 1.0\nparam w = 2.0\nntk = $w\n",
    "whole operand": "network n\ninput vector[3]\n%0 = sin 1\nntk = %0\n",
    "infinite operand": "network n\ninput vector[3]\n%0 = sin inf\nntk = %0\n",
    "infinite constant": "network n\ninput vector[3]\n%0 = const {value=inf}\nntk = %0\n",
    "overflow": "network n\ninput vector[3]\n%0 = sin 1e999\nntk = %0\n",
    "long number": "network n\ninput vector[3]\n%0 = sin 0." + 400 * "1" + "\nntk = %0\n",
    "size": "network n\ninput vector[0]\nntk = 1.0\n",
    "nesting": "network n\ninput vector[3]\n%0 = polynomial 1.0 {coefficients=" + 9 * "(" + "\n",
    "open text": 'network n\ninput vector[3]\n%0 = gram {varies="ROW}\nntk = %0\n',
    "escape": 'network n\ninput vector[3]\n%0 = gram {varies="\\q"}\nntk = %0\n',
    "stray sign": "network n\ninput vector[3]\n%0 = sin @\nntk = %0\n",
}


@pytest.mark.parametrize("name", _MISTAKES)
def test_mistakes(name: str, snapshot: SnapshotAssertion) -> None:
    with pytest.raises(ProgramError) as caught:
        parse_module(_MISTAKES[name], no_forms)
    assert str(caught.value) == snapshot


def test_unknown_activation(snapshot: SnapshotAssertion) -> None:
    def forms(key: str) -> DualForms:
        raise KeyError(key)

    text = "network n\ninput vector[3]\n%0 = dual 1.0 1.0 1.0 {activation=selu}\nntk = %0\n"
    with pytest.raises(ProgramError) as caught:
        parse_module(text, forms)
    assert str(caught.value) == snapshot


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ntkc.ir.read.MAX_CHARACTERS", 100)
    with pytest.raises(ProgramError, match="at most 100 characters"):
        parse_module("network n\n" + 100 * "\n", no_forms)


_PIECES = ["%0", "%1", "=", "sin", "1.0", "degree", "$w", "é", *' \n{}(),?#"\\']
_PIECES += ["network n", "input vector[3]", "param w = 1.0", "ntk = %0"]


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(_PIECES)).map("".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, "network n\ninput vector[3]\n" + text):
        with suppress(ProgramError):
            parse_module(whole, no_forms)


_LIGHT = """
import sys
from ntkc.ir.module import Input, LazyForms, Module
from ntkc.ir.node import make
from ntkc.ir.text import format_module

def derived():
    raise AssertionError("forms were looked into")

gram = make("gram", varies="CROSS")
ntk = make("dual", gram, gram, gram, activation="relu")
module = Module("n", Input("vector", (7,)), (), {"ntk": ntk}, LazyForms({"relu": derived}))
assert "activation=relu" in format_module(module)
loaded = {"lark", "sympy", "numpy", "numba"} & set(sys.modules)
assert not loaded, loaded
"""


def test_printing_is_light() -> None:
    """It makes the key of the cache: it loads no parser and derives no forms."""
    subprocess.run([sys.executable, "-c", _LIGHT], check=True)
