"""Every rule of kernel IR, broken on purpose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from ntkc.ir.module import DualForms, Input, Module, Parameter
from ntkc.ir.node import Node, const, make, param, symbol
from ntkc.ir.verify import IRError, broken_rules, verify, watch
from ntkc.passes.diagonals import diagonals
from tests.backends.kernels import network, understood
from tests.network.strategies import programs

ROW, COL, CROSS = (make("gram", varies=v) for v in ("ROW", "COL", "CROSS"))
_X = symbol("x")
FORMS = {"relu": DualForms("relu", (), *5 * [_X]), "erf": DualForms("erf", ("erf_a",), *5 * [_X])}


def module(parameters: tuple[Parameter, ...] = (), **roots: Node) -> Module:
    return Module("net", Input("vector", (7,)), parameters, roots, FORMS)


def dual(*args: Node, activation: str = "relu") -> Node:
    return make("dual", *args, activation=activation)


PAIR, SINGLE = (make("gram", varies=v, space=(4, 3)) for v in ("CROSS", "ROW"))
CROSS_OF = make("sum_positions", PAIR)


def image(**roots: Node) -> Module:
    return Module("net", Input("image", (4, 3, 2)), (), roots, FORMS)


def summed(value: Node) -> Node:
    return make("sum_positions", value)


def window(value: Node, **changed: Any) -> Node:
    attributes = {
        "before": (1, 1), "circular": False, "dilation": (1, 1), "out": (4, 3), "size": (3, 3),
        "stride": (1, 1),
    }  # fmt: skip
    return make("window", value, **{**attributes, **changed})


def pool(value: Node, **changed: Any) -> Node:
    attributes = {
        "before": (0, 0), "circular": False, "divide": "size", "out": (2, 1), "size": (2, 2),
        "stride": (2, 2),
    }  # fmt: skip
    return make("pool", value, **{**attributes, **changed})


def raw(op: str, *args: Node, **attrs: Any) -> Node:
    """A node that `make` would not build."""
    node = object.__new__(Node)
    node.op, node.args, node.attrs = op, args, tuple(sorted(attrs.items()))
    node.varies, node.space = CROSS.varies, ()
    return node


def table(**attributes: Any) -> Node:
    return make("octaves", CROSS, **{"first": 0, "bits": 0, "rows": ((1.0,),), **attributes})


BROKEN: dict[str, tuple[Module, str]] = {
    "no root": (module(nngp_diagonal=ROW), "at least one of the roots"),
    "root": (module(ntk=CROSS, other=CROSS), "other is not a root"),
    "pair root": (module(ntk=ROW), "the root ntk varies over the pair or not at all"),
    "single root": (module(ntk=CROSS, ntk_diagonal=COL), "over the first input alone"),
    "symbol": (module(ntk=CROSS * symbol("p")), "no symbols are left in a module: p"),
    "parameter": (module(ntk=CROSS * param("w")), "the parameter w is declared"),
    "twice": (module((Parameter("w", 1.0),) * 2, ntk=CROSS), "declared twice"),
    "default": (module((Parameter("w", float("nan")),), ntk=CROSS), "default of the parameter w"),
    "constant": (module(ntk=CROSS * make("const", value=float("inf"))), "a finite float"),
    "whole constant": (module(ntk=CROSS * make("const", value=1)), "a finite float"),
    "exponent": (module(ntk=make("power", CROSS, exponent=-1)), "exponent of power"),
    "real exponent": (module(ntk=make("power", CROSS, exponent=2.0)), "exponent of power"),
    "large degree": (module(ntk=make("kink", CROSS, degree=21)), "degree of kink"),
    "degree": (module(ntk=make("kink", CROSS, degree=True)), "degree of kink"),
    "polynomial": (module(ntk=make("polynomial", CROSS, coefficients=())), "has coefficients"),
    "coefficients": (
        module(ntk=make("polynomial", CROSS, coefficients=(float("nan"),))),
        "coefficients of a polynomial are finite",
    ),
    "octaves": (module(ntk=table(rows=())), "has rows of coefficients"),
    "rows of one length": (module(ntk=table(rows=((1.0,), (1.0, 2.0)))), "are of one length"),
    "numbers of rows": (module(ntk=table(rows=((1,),))), "coefficients of octaves are finite"),
    "parts": (module(ntk=table(bits=9)), "bits of octaves is a whole number"),
    "first octave": (module(ntk=table(first=-200)), "the first octave is a whole number"),
    "operation": (module(ntk=raw("tanh", CROSS)), "tanh is not an operation"),
    "arity": (module(ntk=raw("mul", CROSS)), "mul takes 2 arguments, not 1"),
    "attributes": (module(ntk=raw("sin", CROSS, degree=1)), "sin has attributes"),
    "root with positions": (image(ntk=PAIR), "the root ntk has no positions left"),
    "space": (module(ntk=make("sum_positions", PAIR)), "the space () of the module's input"),
    "two spaces": (
        image(ntk=raw("add", PAIR, make("embed", PAIR, out=(4, 4), start=(0, 0)))),
        "arguments of add have one space",
    ),
    "constant on positions": (image(ntk=summed(window(const(1.0)))), "depends on inputs"),
    "pool of one input": (image(ntk=CROSS_OF + summed(pool(SINGLE))), "is a value of pairs"),
    "no positions": (image(ntk=make("sum_positions", CROSS_OF)), "argument of sum_positions has"),
    "own": (image(ntk=raw("own", CROSS_OF, varies="CROSS")), "own varies over ROW or COL"),
    "axes": (image(ntk=summed(window(PAIR, size=(3,)))), "a number for each of 2 axes"),
    "stride": (image(ntk=summed(window(PAIR, stride=(0, 1)))), "whole numbers, at least 1"),
    "circular": (image(ntk=summed(window(PAIR, circular=1))), "circular of window is true or"),
    "divide": (image(ntk=summed(pool(PAIR, divide="two"))), "divide of pool is one of none, size"),
    "outside": (image(ntk=summed(window(PAIR, out=(6, 3)))), "lie outside of axis 0"),
    "before": (image(ntk=summed(window(PAIR, before=(1, 3)))), "lie outside of axis 1"),
    "ring": (image(ntk=summed(window(PAIR, circular=True, out=(4, 2)))), "go around axis 1"),
    "embedded": (
        image(ntk=summed(make("embed", PAIR, out=(4, 4), start=(1, 0)))),
        "what is embedded lies inside: 1 + 4 > 4 on axis 0",
    ),
    "same place": (
        module(ntk=make("where_same", CROSS, CROSS)),
        "where_same is of pairs that have positions",
    ),
    "gram": (module(ntk=raw("gram", varies="ALL")), "gram varies over ROW, COL or CROSS"),
    "activation": (module(ntk=dual(CROSS, ROW, COL, activation="tanh")), "the activation tanh"),
    "dual": (module(ntk=dual(CROSS)), "takes k12, k11 and k22"),
    "forms": (module(ntk=dual(CROSS, ROW, COL, activation="erf")), "takes 1 parameters, not 0"),
    "argument": (module(ntk=dual(CROSS, ROW, COL, ROW, activation="erf")), "depend on nothing"),
    "mirrored": (module(ntk=dual(CROSS, COL, ROW)), "k11 of dual is the projection"),
    "k22": (module(ntk=dual(CROSS, ROW, ROW)), "k22 of dual is the projection"),
    "single": (
        module(ntk=CROSS, ntk_diagonal=dual(ROW, ROW, ROW * const(2.0))),
        "one value for a single input",
    ),
    "dropout": (module(ntk=make("dropout", CROSS, ROW)), "the rate of dropout"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_rule(name: str) -> None:
    broken, rule = BROKEN[name]
    assert any(rule in sentence for sentence in broken_rules(broken))
    with pytest.raises(IRError, match="net"):
        verify(broken)


def test_a_pass_is_named() -> None:
    with pytest.raises(IRError, match="broken after the pass `fold`"):
        watch("fold", BROKEN["symbol"][0])


def test_an_error_lists_the_first_rules_alone() -> None:
    node = CROSS
    for k in range(50):
        node = node * symbol(f"s{k}")
    with pytest.raises(IRError) as caught:
        verify(module(ntk=node))
    assert str(caught.value).count("\n") == 10


@settings(deadline=None, max_examples=30)
@given(programs())
def test_networks_are_sound(text: str) -> None:
    derived = understood(text).module
    assert broken_rules(derived) == []
    assert broken_rules(diagonals(derived)) == []


def test_mirrored_duals_are_sound() -> None:
    text = network("concat(dense(units = 1), dense(units = 2)) -> dense -> relu")
    assert broken_rules(diagonals(understood(text).module)) == []
