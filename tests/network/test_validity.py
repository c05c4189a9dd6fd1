"""Which networks have an infinite-width limit: the rules of `ntkc.network.validity`."""

from __future__ import annotations

import pytest

from tests.network.programs import check, codes

VALID = [
    "dense -> relu",
    "normalize -> dense -> relu -> dense",
    "dense -> layer_norm -> relu -> normalize -> dense",
    "dense -> identity -> flatten -> relu",
    "dense -> relu -> dropout(0.1) -> dropout(0.1) -> dense",
    "dense -> dropout(0.1) -> layer_norm -> dense",
    "dense -> add(identity, relu -> dense) -> relu",
    "dense -> add(identity, relu -> dense) * 3 -> erf",
    "dense -> add(identity, relu -> dense, erf -> dense) -> relu",
    "dense -> add(identity, relu -> dense -> layer_norm) -> relu",
    "dense -> add(identity, relu -> dense -> dropout(0.1)) -> layer_norm -> dense",
    "dense -> add(identity, dense -> relu) -> dense",
    "dense -> add(dense, dense) -> relu",
    "dense -> add(relu, dense) -> dense",
    "dense -> relu -> add(identity, dense) -> dense",
    "dense -> add(add(identity, relu -> dense), erf -> dense) -> relu",
    "dense -> add(identity, relu -> dense -> add(identity, relu -> dense)) -> relu",
    "add(dense, dense -> relu -> dense) -> relu",
    "dense -> multiply(identity, dense -> relu) -> dense",
    "dense -> multiply(dense -> relu, dense -> relu, relu) -> dense",
    "dense -> add(identity, multiply(relu, dense)) -> layer_norm -> dense",
    "concat(identity, dense(units = 3)) -> dense -> relu",
    "concat(dense(units = 5), dense(units = 3)) -> layer_norm -> dense -> relu",
    "dense(units = 3) -> concat(identity, relu) -> dense -> relu",
    "dense(units = 3) -> concat(relu, dense(units = 2) -> erf) -> dense -> relu",
    "dense(trainable = false) -> relu -> dense",
]

INVALID = [
    ("relu", "E0401"),
    ("normalize -> relu", "E0401"),
    ("dense -> relu -> erf", "E0401"),
    ("dense -> relu -> normalize -> relu", "E0401"),
    ("dense -> relu -> identity -> relu", "E0401"),
    ("dense -> dropout(0.5) -> relu", "E0401"),
    ("dense -> multiply(identity, dense) -> relu", "E0401"),
    ("dense -> add(identity, dense -> relu) -> relu", "E0401"),
    ("concat(dense(units = 5), dense(units = 3)) -> relu", "E0401"),
    ("dense -> add(identity, identity)", "E0402"),
    ("dense -> add(identity, relu)", "E0402"),
    ("dense -> add(relu, erf)", "E0402"),
    ("dense -> add(dense -> relu, dense -> relu)", "E0402"),
    ("dense -> add(relu, dense -> relu)", "E0402"),
    ("dense -> relu -> add(identity, dense -> relu)", "E0402"),
    ("dense -> add(identity, add(identity, relu -> dense))", "E0402"),
    ("dense -> add(identity, dense, normalize)", "E0402"),
    ("dense -> add(identity, layer_norm)", "E0402"),
    ("dense -> add(identity, dropout(0.5))", "E0402"),
    ("dense -> add(identity, multiply(identity, dense -> relu))", "E0402"),
    ("dense -> multiply(identity, relu)", "E0402"),
    ("dense -> multiply(dense, identity, relu)", "E0402"),
    ("dense(units = 3) -> multiply(identity, concat(dense(units = 1), dense(units = 2)))", "E0402"),
    ("layer_norm -> dense", "E0403"),
    ("dense -> relu -> layer_norm", "E0403"),
    ("dense -> relu -> dropout(0.5) -> layer_norm", "E0403"),
    ("dense -> add(identity, dense -> relu) -> layer_norm", "E0403"),
    ("concat(identity, dense(units = 3)) -> layer_norm", "E0403"),
    ("dropout(0.5) -> dense", "E0404"),
    ("normalize -> dropout(0.5) -> dense", "E0404"),
    ("add(identity, dense)", "E0405"),
    ("add(dense, normalize)", "E0405"),
    ("multiply(dense, identity)", "E0405"),
    ("concat(identity, identity) -> add(identity, dense)", "E0405"),
]


VALID_ON_POSITIONS = [
    "conv(3) -> relu -> flatten",
    "flatten -> dense -> relu",
    "avg_pool(2) -> conv(3) -> global_avg_pool -> relu",
    "dense -> relu -> conv(2) -> avg_pool(2) -> relu -> global_sum_pool",
    "conv(2) -> layer_norm -> conv_transpose(2) -> local_conv(3) -> relu -> global_avg_pool",
    "conv(2) -> add(identity, relu -> conv(3, padding = same)) -> relu -> global_avg_pool",
    "conv(2) -> add(avg_pool(2), conv(2, stride = 2) -> relu) -> flatten",
    "conv(2) -> multiply(identity, conv(1) -> sigmoid_like) -> conv(1) -> relu -> flatten",
    "conv(2) -> concat(identity, relu -> conv(1), axis = width) -> relu -> flatten",
    "concat(conv(2x3), conv(2x5), axis = width) -> layer_norm -> relu -> flatten",
    "concat(conv(3, units = 2), conv(3, units = 2) -> relu) -> conv(1) -> relu -> flatten",
    "concat(identity, conv(1, units = 2)) -> conv(1) -> relu -> flatten",
    "conv(2) -> relu -> dropout(0.1) -> avg_pool(2) -> conv(1) -> relu -> flatten -> dense",
    "conv(3) -> flatten -> layer_norm -> dense -> relu",
    "conv(3) -> flatten -> add(identity, dense)",
]

INVALID_ON_POSITIONS = [
    ("relu -> flatten", "E0401"),
    ("avg_pool(2) -> relu -> flatten", "E0401"),
    ("conv(3) -> relu -> avg_pool(2) -> relu -> flatten", "E0401"),
    ("conv(3) -> flatten -> relu -> dense", "E0401"),
    ("conv(3) -> flatten -> layer_norm -> relu -> dense", "E0401"),
    ("conv(3) -> relu -> global_avg_pool -> relu", "E0401"),
    ("conv(3) -> concat(identity, relu, axis = width) -> flatten", "E0402"),
    ("conv(3) -> concat(identity, identity, axis = height) -> flatten", "E0402"),
    ("conv(3) -> add(identity, avg_pool(1)) -> flatten", "E0402"),
    ("conv(3) -> add(flatten, flatten) -> dense", "E0402"),
    ("conv(3) -> relu -> layer_norm -> flatten", "E0403"),
    ("avg_pool(2) -> dropout(0.5) -> flatten", "E0404"),
    ("concat(identity, conv(1), axis = width) -> flatten", "E0405"),
    ("add(avg_pool(3), conv(3, stride = 3)) -> flatten", "E0405"),
]


@pytest.mark.parametrize("body", VALID_ON_POSITIONS)
def test_valid_on_positions(body: str) -> None:
    assert codes(body, input="image[9, 9, 3]") == []


@pytest.mark.parametrize(("body", "code"), INVALID_ON_POSITIONS)
def test_invalid_on_positions(body: str, code: str) -> None:
    assert codes(body, input="image[9, 9, 3]") == [code]


@pytest.mark.parametrize(
    ("body", "cause", "help"),
    [
        ("conv(2) -> flatten -> relu", "flatten", "put a `dense` layer between the two"),
        ("conv(2) -> relu -> avg_pool(2) -> erf", "relu", "put a `conv` layer between the two"),
        ("relu -> flatten", "input image[9, 9, 3]", "put a `conv` layer before it"),
    ],
)
def test_the_cause_on_positions(body: str, cause: str, help: str) -> None:
    _, (found,) = check(f"network net {{ input image[9, 9, 3]; {body} }}")
    assert [label.span.text for label in found.secondary] == [cause]
    assert found.help == (help,)


@pytest.mark.parametrize("body", VALID)
def test_valid(body: str) -> None:
    assert codes(body) == []


@pytest.mark.parametrize(("body", "code"), INVALID)
def test_invalid(body: str, code: str) -> None:
    assert codes(body) == [code]


@pytest.mark.parametrize(
    ("body", "place", "cause"),
    [
        ("dense -> relu -> dropout(0.5) -> erf", "erf", "dropout(0.5)"),
        ("dense -> relu -> normalize -> erf", "erf", "relu"),
        ("erf", "erf", "input vector[7]"),
        ("dense -> add(dense -> gelu, dense) -> erf", "erf", "gelu"),
        ("dense -> multiply(dense, dense) -> erf", "erf", "multiply(dense, dense)"),
        ("dense -> abs -> layer_norm", "layer_norm", "abs"),
    ],
)
def test_the_cause_is_shown(body: str, place: str, cause: str) -> None:
    _, (found,) = check(f"network net {{ input vector[7]; {body} }}")
    assert found.primary is not None
    assert found.primary.span.text == place
    assert [label.span.text for label in found.secondary] == [cause]


def test_the_message_of_the_manual() -> None:
    _, (found,) = check("network n {\n  input vector[3]\n  dense\n  relu\n\n  erf\n}")
    assert found.message == "`erf` needs Gaussian pre-activations"
    assert found.primary is not None
    assert found.primary.text == "its input is not Gaussian"
    assert found.secondary[0].text == "because this is a nonlinearity, not an affine layer"
    assert found.secondary[0].span.line == 4
    assert found.help == ("put a `dense` layer between the two",)


def test_correlated_branches_are_both_shown() -> None:
    _, (found,) = check("network n { input vector[3]; dense; add(relu, dense -> relu) }")
    assert [label.span.text for label in found.secondary] == ["relu", "dense -> relu"]
    assert [label.text for label in found.secondary] == [
        "this branch has no weights of its own",
        "this branch ends in a nonlinearity, so it has a mean",
    ]


def test_layers_after_a_mistake_are_still_checked() -> None:
    body = "dense -> relu -> erf -> dense -> relu -> gelu"
    assert codes(body) == ["E0401", "E0401"]
