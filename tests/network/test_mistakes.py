"""Every mistake gives its code once, says what matters, and points at the cause."""

from __future__ import annotations

import pytest

from ntkc.diagnostics import Diagnostic, Kind
from tests.network.programs import check, codes

# (body, what stands before the network, code, a phrase of the message or help)
MISTAKES = [
    # Names
    ("dense -> rel -> dense", "", "E0301", "did you mean `relu`?"),
    ("dense(w_std = gian)", "let gain = 2", "E0301", "did you mean `gain`?"),
    ("dense(parameterization = standrad)", "", "E0301", "did you mean `standard`?"),
    ("Dense", "", "E0301", "write `dense`: layers are infinitely wide"),
    ("zzzzzz", "", "E0301", "`zzzzzz` is not known"),
    ("{ let a = 1; dense(w_std = a) } -> dense(w_std = a)", "", "E0301", "`a` is not known"),
    ("dense(w_std = a); let a = 1", "", "E0301", "`a` is not known"),
    ("dense", "def f(x) = dense(w_std = y)", "E0301", "`y` is not known"),
    ("dense", "activation f(z) = z * q", "E0301", "`q` is not known"),
    # Arguments
    ("dense(w_sd = 1)", "", "E0302", "did you mean `w_std`?"),
    ("relu(slope = 1)", "", "E0302", "takes no such argument"),
    ("f(y = 1)", "def f(x) = dense(w_std = x)", "E0302", "`f` has no argument `y`"),
    ("add(a = dense, dense)", "", "E0302", "`add` has no argument `a`"),
    ("dense -> dropout", "", "E0303", "`dropout` needs `rate`"),
    ("dense -> monomial", "", "E0303", "`monomial` needs `degree`"),
    ("f()", "def f(x) = dense(w_std = x)", "E0303", "`f` needs `x`"),
    ("f", "def f(x, y) = dense(x, y)", "E0303", "`f` needs `x` and `y`"),
    ("add(dense)", "", "E0303", "at least 2 branches"),
    ("add", "", "E0303", "at least 2 branches"),
    ("dense(w_std = max(1))", "", "E0303", "`max` needs `y`"),
    ("dense -> relu(3)", "", "E0304", "`relu` takes no arguments"),
    ("identity(3)", "", "E0304", "`identity` takes no arguments"),
    ("dense -> erf(1, 2, 3, 4)", "", "E0304", "at most 3 arguments"),
    ("dense(w_std = sqrt(1, 2))", "", "E0304", "at most 1 argument"),
    ("f(1, 2)", "def f(x) = dense(w_std = x)", "E0304", "`f` takes at most 1 argument"),
    ("dense(1, w_std = 2)", "", "E0305", "`w_std` is given twice"),
    ("dense(b_std = 1, b_std = 2)", "", "E0305", "`b_std` is given twice"),
    # Kinds of values
    ("dense -> 3", "", "E0306", "found the number 3"),
    ("3", "", "E0306", "expected a layer"),
    ("dense(w_std = relu -> dense)", "", "E0306", "expected a number, found a layer"),
    ("dense(w_std = same)", "", "E0306", "found the word `same`"),
    ("dense(w_std = sqrt)", "", "E0306", "found the function `sqrt`"),
    ("dense(w_std = 3x3)", "", "E0306", "found the size 3x3"),
    ("dense(w_std = [1])", "", "E0306", "found a list"),
    ("dense(w_std = true)", "", "E0306", "found `true`"),
    ("dense(trainable = 1)", "", "E0306", "`trainable` must be `true` or `false`"),
    ("dense(units = relu)", "", "E0306", "a whole number"),
    ("dense(parameterization = 1)", "", "E0306", "one of `ntk` and `standard`"),
    ("dense + dense", "", "E0306", "`add(a, b)` is the sum of layers"),
    ("dense - dense", "", "E0306", "found a layer"),
    ("dense * relu", "", "E0306", "`a -> b` composes layers"),
    ("dense * same", "", "E0306", "whole number"),
    ("-dense", "", "E0306", "expected a number"),
    ("dense ^ 2", "", "E0306", "found a layer"),
    ("if 1 then dense else relu", "", "E0306", "`true` or `false`"),
    ("if dense < relu then dense else dense", "", "E0306", "cannot be compared"),
    ("if true < false then dense else dense", "", "E0306", "cannot be compared"),
    ("dense -> polynomial(1)", "", "E0306", "list of numbers"),
    ("dense -> polynomial([relu])", "", "E0306", "must be a number"),
    ("add(dense, 3)", "", "E0306", "expected a layer"),
    ("dense", "activation f(z) = dense", "E0306", "formula of numbers"),
    ("dense", "activation f(z) = z + [1]", "E0306", "formula of numbers"),
    ("dense", "activation f(z) = z < 1", "E0306", "between `if` and `then`"),
    # Ranges
    ("dense(w_std = -1)", "", "E0307", "a standard deviation is not negative"),
    ("dense(b_std = 1 - 2)", "", "E0307", "`b_std` cannot be -1"),
    ("dense(w_std = w)", "param w = -1", "E0307", "default values of the parameters"),
    ("dense(learning_rate = -0.1)", "", "E0307", "not give a covariance"),
    ("dense(units = 0)", "", "E0307", "at least 1"),
    ("dense(units = 1.5)", "", "E0307", "a whole number, not 1.5"),
    ("dense(units = 3e9)", "", "E0307", "at most"),
    ("dense(parameterization = same)", "", "E0307", "cannot be `same`"),
    ("dense -> dropout(1)", "", "E0307", "less than 1"),
    ("dense -> dropout(-0.1)", "", "E0307", "`rate` cannot be -0.1"),
    ("dense -> layer_norm(eps = -1)", "", "E0307", "added to a variance"),
    ("dense -> layer_norm(axis = space)", "", "E0307", "needs the axis `channel`"),
    ("concat(dense, dense, axis = space)", "", "E0307", "no axis `space`"),
    ("dense -> monomial(-1)", "", "E0307", "`degree`"),
    ("dense -> monomial(1.5)", "", "E0307", "whole number"),
    ("dense -> hermite(99)", "", "E0307", "`degree`"),
    ("dense -> polynomial([])", "", "E0307", "1 to"),
    # Definitions
    ("dense(w_std = a)", "let a = 1\nlet a = 2", "E0308", "`a` is defined twice"),
    ("a", "let a = dense\ndef a() = dense", "E0308", "`a` is defined twice"),
    ("f(1, 2)", "def f(x, x) = dense(w_std = x)", "E0308", "`x` is defined twice"),
    ("dense", "activation f(z, z) = z", "E0308", "`z` is defined twice"),
    ("let a = 1; let a = 2; dense(w_std = a)", "", "E0308", "`a` is defined twice"),
    ("dense(w_std = a)", "let a = a", "E0309", "in terms of itself"),
    ("dense(w_std = a)", "let a = b\nlet b = c\nlet c = a", "E0309", "in terms of itself"),
    ("f(1)", "def f(x) = if x > 0 then f(x - 1) else dense", "E0309", "in terms of itself"),
    ("dense(w_std = a)", "param a = a", "E0309", "in terms of itself"),
    ("f", "def f(x = f) = dense", "E0309", "in terms of itself"),
    # Arithmetic
    ("dense(w_std = 1/0)", "", "E0310", "`1 / 0` has no value"),
    ("dense(w_std = sqrt(-1))", "", "E0310", "`sqrt(-1)` has no value"),
    ("dense(w_std = log(0))", "", "E0310", "`log(0)` has no value"),
    ("dense(w_std = (-1) ^ 0.5)", "", "E0310", "has no value"),
    ("dense(w_std = 0 ^ -1)", "", "E0310", "has no value"),
    ("dense(w_std = 10 ^ 400)", "", "E0310", "too large"),
    ("dense(w_std = exp(1000))", "", "E0310", "too large"),
    ("dense(w_std = 1e300 * 1e300)", "", "E0310", "too large"),
    ("dense(w_std = 1 / w)", "param w = 0", "E0310", "has no value"),
    ("dense", "let a = 1/0", "E0310", "has no value"),
    # Compile time
    ("dense(units = w)", "param w = 3", "E0311", "known at compile time"),
    ("dense * w", "param w = 3", "E0311", "known at compile time"),
    ("if w > 1 then dense else relu", "param w = 3", "E0311", "known at compile time"),
    ("dense(w_std = 2 ^ w)", "param w = 3", "E0311", "whole power"),
    ("dense(w_std = w ^ 0.5)", "param w = 3", "E0311", "whole power"),
    ("dense * 2.5", "", "E0312", "cannot be repeated 2.5 times"),
    ("dense * -1", "", "E0312", "cannot be repeated -1 times"),
    ("", "", "E0315", "has no layers"),
    ("dense * 0", "", "E0315", "has no layers"),
    ("dense(w_std = b)", "param a = 1\nparam b = a", "E0319", "not a constant"),
    ("a()", "let a = dense", "E0314", "`a` is a layer"),
    ("dense(w_std = a(1))", "param a = 1", "E0314", "takes no arguments"),
    ("f(1)", "def f(x) = dense(w_std = x(2))", "E0314", "`x` is the number 1"),
    ("pi(2)", "", "E0314", "takes no arguments"),
    ("same(2)", "", "E0314", "takes no arguments"),
    # Shapes
    ("add(dense(units = 3), dense(units = 4))", "", "E0317", "different shapes"),
    ("concat(dense, dense(units = 3))", "", "E0318", "channels of every branch"),
    ("dense -> dense(parameterization = standard)", "", "E0318", "number of inputs"),
    # Known, and not to be had
    ("dense -> max_pool(2)", "", "E0406", "use `avg_pool`"),
    ("dense -> batch_norm", "", "E0406", "use `layer_norm`"),
    ("dense -> softmax", "", "E0406", "one-hot"),
    ("rnn(steps = 3)", "", "E0501", "`rnn` is not available yet"),
    ("dense -> f -> dense", "activation f(z) = z * log(z)", "E0310", "no value at z = 0"),
    ("dense -> f -> dense", "activation f(z) = exp(exp(z))", "E0503", "too large"),
    ("dense -> f -> dense", "activation f(z) = if z > 0 then z else 1 / 0", "E0310", "no value"),
    ("dense -> f(q = 2)", "activation f(z, a = 1) = a * z", "E0302", "no argument `q`"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "before", "code", "phrase"), MISTAKES)
def test_mistake(body: str, before: str, code: str, phrase: str) -> None:
    network, found = check(f"{before}\nnetwork net {{ input vector[7]; {body} }}")
    assert network is None
    (diagnostic,) = [d for d in found if d.kind is not Kind.WARNING]
    assert diagnostic.code == code
    assert phrase in _said(diagnostic)
    assert diagnostic.primary is not None


def _said(diagnostic: Diagnostic) -> str:
    labels = [diagnostic.primary, *diagnostic.secondary]
    texts = [label.text for label in labels if label is not None]
    return " | ".join([diagnostic.message, *texts, *diagnostic.help])


ON_POSITIONS = [
    ("conv", "E0303", "`conv` needs `k`"),
    ("conv(3x3x3) -> flatten", "E0325", "size for 3 axes: 3x3x3"),
    ("conv(3, stride = 2x2x1) -> flatten", "E0325", "`stride` of `conv`"),
    ("conv(0) -> flatten", "E0307", "at least 1"),
    ("conv(2.5) -> flatten", "E0307", "whole number"),
    ("conv(k = same) -> flatten", "E0306", "a size such as `3x3`"),
    ("conv(3, padding = full) -> flatten", "E0301", "`full`"),
    ("conv(3, padding = ntk) -> flatten", "E0307", "`padding` cannot be `ntk`"),
    ("conv(9x3) -> flatten", "E0326", "along the height it covers 9 cells, and there are 8"),
    ("conv(3x4, dilation = 1x2) -> flatten", "E0326", "along the width it covers 7 cells"),
    ("avg_pool(8) -> flatten", "E0326", "along the width it covers 8 cells, and there are 6"),
    ("conv(3, stride = 4, padding = circular) -> flatten", "E0327", "go around a width of 6"),
    ("conv_transpose(1, stride = 100000) -> flatten", "E0335", "more than 16,777,216 positions"),
    ("conv(3) -> relu", "E0323", "this gives [6, 4, ?]"),
    ("identity", "E0323", "end in `flatten` or `global_avg_pool`"),
    ("flatten -> conv(3)", "E0324", "`conv` needs an input with positions"),
    ("global_avg_pool -> global_avg_pool", "E0324", "its input is a vector, [3]"),
    ("flatten -> avg_pool(2)", "E0324", "leave it out"),
    ("add(conv(3), conv(1)) -> flatten", "E0317", "the same strides, and `padding = same`"),
    ("add(conv(1, units = 2), conv(1, units = 3)) -> flatten", "E0317", "the same `units`"),
    ("add(conv(1) -> flatten, conv(1)) -> flatten", "E0317", "different shapes"),
    ("concat(conv(1, units = 2), conv(3, units = 2)) -> flatten", "E0317", "position by position"),
    ("concat(conv(1), conv(3x1), axis = width) -> flatten", "E0317", "different shapes"),
    ("concat(conv(1, units = 2), conv(1, units = 3), axis = width) -> flatten", "E0317", "units"),
    ("concat(conv(1), conv(1), axis = space) -> flatten", "E0307", "there are 2 spatial axes here"),
    ("concat(conv(1), conv(1), axis = depth) -> flatten", "E0307", "have no axis `depth`"),
    ("flatten -> concat(dense, dense, axis = width)", "E0307", "vector has no axis `width`"),
    ("concat(conv(1), conv(1)) -> flatten", "E0318", "number of channels of every branch"),
    ("conv(1) -> conv(1, parameterization = standard) -> flatten", "E0318", "number of inputs"),
    ("conv(1) -> layer_norm(axis = space) -> flatten", "E0307", "needs the axis `channel`"),
    ("normalize(axis = space) -> flatten", "E0307", "needs the axis `channel`"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "phrase"), ON_POSITIONS)
def test_mistake_on_positions(body: str, code: str, phrase: str) -> None:
    network, found = check(f"network net {{ input image[8, 6, 3]; {body} }}")
    assert network is None
    assert [d.code for d in found] == [code]
    assert phrase in _said(found[0])


def test_axes_may_be_names_of_ones_own() -> None:
    before = "let depth = 2\nlet width = 8\n"
    network, found = check(f"{before}network n {{ input vector[7]; dense(units = width) * depth }}")
    assert network is not None
    assert found == []


@pytest.mark.parametrize(
    ("declaration", "code", "phrase"),
    [
        ("vektor[7]", "E0316", "did you mean `vector`?"),
        ("vector[7, 3]", "E0316", "has 1 size, not 2"),
        ("image[7]", "E0316", "has 3 sizes, not 1"),
        ("vector[0]", "E0307", "at least 1"),
        ("vector[2.5]", "E0307", "whole number"),
        ("vector[w]", "E0311", "compile time"),
        ("vector[relu]", "E0306", "whole number"),
        ("image[100000, 100000, 3]", "E0335", "more than 16,777,216 positions"),
        ("graph[7, 3]", "E0502", "`graph` are not available yet"),
    ],
)
def test_wrong_input(declaration: str, code: str, phrase: str) -> None:
    network, found = check(f"param w = 2\nnetwork net {{ input {declaration}; dense }}")
    assert network is None
    assert [d.code for d in found] == [code]
    assert phrase in _said(found[0])


def test_spatial_layers_after_an_unavailable_input_are_not_news() -> None:
    assert codes("aggregate -> relu -> dense", input="graph[8, 3]") == ["E0502"]


def test_several_mistakes_are_told_at_once() -> None:
    body = "dense(w_std = -1, units = 0) -> rellu -> dropout -> dense(w_sd = 1) -> 3"
    assert codes(body) == ["E0301", "E0307", "E0307", "E0303", "E0302", "E0306"]


def test_broken_parts_silence_what_follows_from_them() -> None:
    assert codes("dense(w_std = a * 2 + 1) -> f(a)", "let a = 1/0\ndef f(x) = dense(x)") == [
        "E0310"
    ]
    assert codes("add(nope, identity) -> relu -> dense -> gelu") == ["E0301"]
    assert codes("nope * 3 -> relu") == ["E0301"]


def test_mistakes_in_unused_definitions_and_other_networks_are_found() -> None:
    _, found = check(
        "def f() = rellu\n"
        "network a { input vector[3]; dense }\nnetwork b { input vector[3]; dens }",
        "a",
    )
    assert [d.code for d in found] == ["E0301", "E0301"]


def test_a_mistake_in_a_repeated_place_is_told_once() -> None:
    assert codes("dense -> { relu -> erf } * 5 -> dense") == ["E0401"]
    assert codes("f(1) -> f(2)", "def f(x) = dense(w_std = -x)") == ["E0307"]


def test_a_mistake_in_a_definition_names_the_call() -> None:
    _, (found,) = check("def f(x) = dense(w_std = x)\nnetwork n { input vector[3]; f(1) -> f(-1) }")
    (call,) = found.secondary
    assert call.span.text == "f(-1)"
    assert call.text == "in this `f`"


def test_second_definitions_point_at_the_first() -> None:
    _, (found,) = check("let a = 1\nlet a = 2\nnetwork n { input vector[3]; dense(a) }")
    assert found.primary is not None
    assert found.primary.span.line == 2
    assert found.secondary[0].span.line == 1


def test_different_shapes_point_at_both_branches() -> None:
    _, (found,) = check(
        "network n { input vector[3]; dense; add(dense(units = 3), relu -> dense(units = 4)) }"
    )
    texts = [label.span.text for label in found.secondary]
    assert texts == ["dense(units = 3)", "relu -> dense(units = 4)"]


def test_missing_units_point_at_the_layer_that_lacks_them() -> None:
    _, (found,) = check(
        "network n { input vector[3]; dense -> relu -> dense(parameterization = standard) }"
    )
    assert [label.span.text for label in found.secondary] == ["dense"]
    _, (found,) = check("network n { input vector[?]; dense(parameterization = standard) }")
    assert [label.span.text for label in found.secondary] == ["input vector[?]"]


def test_cycles_show_every_step() -> None:
    _, (found,) = check(
        "let a = b\ndef b() = c\nlet c = a\nnetwork n { input vector[3]; dense(a) }"
    )
    assert [label.text for label in found.secondary] == [
        "`a` uses `b` here",
        "`b` uses `c` here",
        "`c` uses `a` here",
    ]


class TestChoice:
    TWO = "network wide { input vector[3]; dense }\nnetwork deep { input vector[3]; dense * 3 }"

    def test_by_name(self) -> None:
        network, found = check(self.TWO, "deep")
        assert network is not None
        assert network.name == "deep"
        assert found == []

    def test_none_chosen(self) -> None:
        network, (found,) = check(self.TWO)
        assert network is None
        assert found.code == "E0313"
        assert "`wide` and `deep`" in found.message

    def test_unknown(self) -> None:
        network, (found,) = check(self.TWO, "depp")
        assert network is None
        assert found.code == "E0313"
        assert found.help == ("did you mean `deep`?",)

    def test_no_network(self) -> None:
        _, (found,) = check("let a = 1")
        assert found.code == "E0313"

    def test_equal_names(self) -> None:
        _, (found,) = check(self.TWO.replace("deep", "wide"))
        assert found.code == "E0308"


class TestWarnings:
    def test_unused(self) -> None:
        network, found = check(
            "let a = 1\nparam b = 2\ndef f() = dense\nactivation g(z) = z\n"
            "network n { input vector[3]; let c = 1; dense }"
        )
        assert network is not None
        assert {d.kind for d in found} == {Kind.WARNING}
        assert [d.message for d in found] == [
            "`let a` is never used",
            "`param b` is never used",
            "`def f` is never used",
            "`activation g` is never used",
            "`let c` is never used",
        ]

    def test_an_underscore_says_that_it_is_meant_so(self) -> None:
        _, found = check("let _a = 1\nnetwork n { input vector[3]; let _c = 1; dense }")
        assert found == []

    def test_what_another_network_uses_is_used(self) -> None:
        _, found = check(
            "let a = 1\nnetwork n { input vector[3]; dense }\n"
            "network m { input vector[3]; dense(a) }",
            "n",
        )
        assert found == []

    def test_only_where_there_is_no_error(self) -> None:
        _, found = check("let a = 1\nnetwork n { input vector[3]; dens }")
        assert [d.code for d in found] == ["E0301"]

    def test_hidden_names(self) -> None:
        network, (found,) = check(
            "let gelu = erf\nnetwork n { input vector[3]; dense -> gelu -> dense }"
        )
        assert network is not None
        assert found.code == "E0321"
        assert "built-in activation" in found.message
