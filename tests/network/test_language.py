"""What programs mean: values, scopes, definitions, repetition, parameters."""

from __future__ import annotations

import math

import pytest

from ntkc.ir.module import Parameter
from ntkc.ir.node import Node, const, is_const, param
from tests.network.programs import check, layers, resolve, words


def _w_std(expression: str, before: str = "") -> Node:
    network = layers(f"dense(w_std = {expression})", before)
    assert network.output.layer is not None
    return network.output.layer.arguments["w_std"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3 ^ 2", 19),
        ("-1 + 2", 1),
        ("7 / 2 - 3", 0.5),
        ("2 ^ -1", 0.5),
        ("2 ^ 3 ^ 2", 512),
        ("sqrt(2)", math.sqrt(2)),
        ("exp(1)", math.e),
        ("log(exp(2))", 2),
        ("pi", math.pi),
        ("sin(1) ^ 2 + cos(1) ^ 2", 1),
        ("tanh(1)", math.tanh(1)),
        ("erf(0.5)", math.erf(0.5)),
        ("Phi(0)", 0.5),
        ("sigmoid(0)", 0.5),
        ("sigmoid(-1000)", 0),
        ("abs(-3)", 3),
        ("sign(-3) + step(2) + relu(-2) + 1", 1),
        ("max(1, 2) - min(1, 2)", 1),
        ("if 1 < 2 then 3 else 4", 3),
        ("if 2 <= 1 then 3 else if 1 != 1 then 5 else 6", 6),
        ("if true == false then 3 else 4", 4),
        ("if same == valid then 3 else 4", 4),
        ("if 3x3 == 3x3 then 3 else 4", 3),
    ],
)
def test_arithmetic_is_folded(expression: str, value: float) -> None:
    node = _w_std(expression)
    assert is_const(node)
    assert node.attr("value") == pytest.approx(value, rel=1e-15)


def test_parameters_stay_symbolic() -> None:
    w = param("w")
    before = "param w = 1.5"
    assert _w_std("w", before) is w
    assert _w_std("w * 2 + 1", before) is w * 2.0 + 1.0
    assert _w_std("w ^ 2", before) is w**2
    assert _w_std("w ^ -2", before) is const(1.0) / w**2
    assert _w_std("if true then w / 2 else 1", before) is w / 2.0
    assert _w_std("abs(-w)", before) is _w_std("abs(-v)", before + "\nlet v = w")


@pytest.mark.parametrize("name", ["sqrt", "exp", "log", "sin", "abs", "tanh", "sigmoid", "relu"])
def test_functions_of_parameters(name: str) -> None:
    assert not is_const(_w_std(f"{name}(w)", "param w = 1.5"))


def test_the_kernel_takes_the_parameters_that_matter() -> None:
    network = resolve(
        "param c = 3\nparam a = sqrt(4)\nlet unused = c\nparam b = 1\n"
        "let twice = 2 * a\n"
        "network n { input vector[3]; dense(w_std = b) -> erf(twice) -> dense"
        " -> if c0 then dense(w_std = c) else identity }\nlet c0 = false"
    )
    assert network.parameters == (Parameter("a", 2.0), Parameter("b", 1.0))


class TestNumberOrLayer:
    """`exp`, `sin`, `abs` ... are functions and activations: the place decides."""

    def test_in_an_argument_it_is_a_number(self) -> None:
        assert _w_std("exp(0)").attr("value") == 1.0

    def test_in_a_chain_it_is_a_layer(self) -> None:
        assert words(layers("dense -> exp(1) -> dense -> abs")) == ["dense", "exp", "dense", "abs"]

    def test_in_a_let_it_is_both(self) -> None:
        network = layers("dense(w_std = s) -> s -> dense", "let s = sin(1)")
        assert words(network) == ["dense", "sin", "dense"]

    def test_repeated(self) -> None:
        assert words(layers("dense -> exp(1) * 1 -> dense(w_std = exp(0) * 2)")) == [
            "dense",
            "exp",
            "dense",
        ]

    def test_with_an_argument_by_name_it_is_a_layer(self) -> None:
        assert words(layers("dense -> s", "let s = sin(b = 2)")) == ["dense", "sin"]

    def test_a_number_without_value_may_still_be_a_layer(self) -> None:
        assert words(layers("dense -> s", "let s = exp(1000)")) == ["dense", "exp"]


class TestRepetition:
    @pytest.mark.parametrize("body", ["block * 3", "3 * block", "block * (1 + 2)", "block * n"])
    def test_repeats(self, body: str) -> None:
        network = layers(body, "let block = dense -> relu\nlet n = 6 / 2")
        assert words(network) == ["dense", "relu"] * 3

    def test_once_and_never(self) -> None:
        assert words(layers("dense * 1 -> { dense -> relu } * 0")) == ["dense"]

    def test_every_time_is_a_layer_of_its_own(self) -> None:
        nodes = [node for node in layers("dense * 3").nodes() if node.layer is not None]
        assert len(set(nodes)) == 3


class TestDefinitions:
    def test_defaults_and_names(self) -> None:
        network = layers(
            "f(2) -> f(w = 3, b = 1) -> f(4, 5)",
            "def f(w, b = w / 2) = dense(w_std = w, b_std = b)",
        )
        found = [node.layer for node in network.nodes() if node.layer is not None]
        values = [
            (d.arguments["w_std"].attr("value"), d.number("b_std").attr("value")) for d in found
        ]
        assert values == [(2, 1), (3, 1), (4, 5)]

    def test_no_parentheses_are_needed(self) -> None:
        assert (
            words(layers("f -> f() -> g", "def f = dense\ndef g(n = 2) = dense * n"))
            == ["dense"] * 4
        )

    def test_layers_as_arguments(self) -> None:
        network = layers("twice(dense -> relu)", "def twice(block) = block -> block")
        assert words(network) == ["dense", "relu"] * 2

    def test_words_as_arguments(self) -> None:
        network = layers("f(standard)", "def f(p) = dense(parameterization = p)")
        assert network.output.layer is not None
        assert network.output.layer.word("parameterization") == "standard"

    def test_order_does_not_matter_in_a_file(self) -> None:
        network = resolve(
            "network n { input vector[size]; f }\ndef f = dense(w)\nlet w = 2\nlet size = 3"
        )
        assert network.input.sizes == (3,)

    def test_parameters_hide_definitions(self) -> None:
        before = "let w = 1\ndef f(w) = dense(w_std = w)"
        network, found = check(f"{before}\nnetwork n {{ input vector[3]; f(2) -> dense(w) }}")
        assert network is not None
        assert found == []

    def test_scoping_is_lexical(self) -> None:
        before = "let w = 1\ndef f = dense(w_std = w)\ndef g(w) = f"
        network = layers("g(5)", before)
        assert network.output.layer is not None
        assert is_const(network.output.layer.arguments["w_std"], 1.0)

    def test_only_the_chosen_branch_is_evaluated(self) -> None:
        before = "def f(n) = if n > 0 then dense(w_std = 1 / n) else identity"
        assert words(layers("dense -> f(0)", before)) == ["dense", "identity"]


class TestBlocks:
    def test_separators(self) -> None:
        assert words(layers("{ dense; relu\ndense } -> relu\n-> dense")) == [
            "dense",
            "relu",
            "dense",
            "relu",
            "dense",
        ]

    def test_let_is_seen_below(self) -> None:
        network = layers("let w = 2; let v = w * 2; { let w = 3; dense(w) } -> dense(v)")
        found = [node.layer for node in network.nodes() if node.layer is not None]
        assert [d.arguments["w_std"].attr("value") for d in found] == [3, 4]

    def test_an_empty_block_is_the_identity(self) -> None:
        assert words(layers("dense -> {} -> add({}, relu -> dense)")) == [
            "dense",
            "relu",
            "dense",
            "add",
        ]


class TestBranches:
    def test_branches_share_the_input(self) -> None:
        network = layers("dense; add(identity, relu -> dense)")
        added = network.output
        skip, other = added.inputs
        assert skip.inputs[0] is other.inputs[0].inputs[0]
        assert added.level == 0
        assert skip.level == other.level == 1

    def test_a_layer_value_used_twice_is_two_layers(self) -> None:
        network = layers("add(d, d)", "let d = dense")
        first, second = network.output.inputs
        assert first is not second


def test_open_and_normalized_inputs() -> None:
    network = layers("dense", input="vector[?] normalized")
    assert network.input.sizes == (None,)
    assert network.input.normalized
