"""Formulas of programs have a value at every z, or are refused where they have none."""

import warnings

import numpy as np
import pytest

import ntkc
from ntkc.activations import load
from ntkc.diagnostics import Diagnostic, Kind, NtkError, Source
from ntkc.driver import Options, check, front_end
from ntkc.ir.arithmetic import evaluate
from ntkc.ir.node import symbol
from ntkc.network.user_activations import _SPELLED
from ntkc.runtime.errors import KernelError
from tests.backends.kernels import uncompiled


def program(formula: str, before: str = "") -> str:
    network = "network n { input vector[3]; dense -> f -> dense }"
    return f"{before}activation f(z) = {formula}\n{network}\n"


def refusal(formula: str, before: str = "") -> Diagnostic:
    (found,) = [d for d in check(program(formula, before)) if d.kind is not Kind.WARNING]
    return found


WITHOUT = [
    # formula, the part, a z without a value (None: at none), a word of the help
    ("sqrt(z)", "sqrt(z)", -1, "sqrt(max(z, 0))"),
    ("sqrt(z)^10", "sqrt(z)", -1, "sqrt(max(z, 0))"),
    ("sqrt(z - 1)^10", "sqrt(z - 1)", 0, "sqrt(max(z - 1, 0))"),
    ("sqrt(1000 - z)", "sqrt(1000 - z)", 1001, "max"),
    ("tanh(z) + sqrt(sin(50 * z) + 0.999)", "sqrt(sin(50 * z) + 0.999)", 6, "max"),
    ("sqrt(-1 - z^2) * relu(z)", "sqrt(-1 - z^2)", 0, "max"),
    ("z^5.5", "z^5.5", -1, "abs(z)^5.5"),
    ("(z - 2)^7.5", "(z - 2)^7.5", 0, "abs(z - 2)^7.5"),
    ("z^0.5", "z^0.5", -1, "max(z, 0)^0.5"),
    ("z^0.3", "z^0.3", -1, "max(z, 0)^0.3"),
    ("z^-0.3", "z^-0.3", 0, "(1 + abs(z))^-0.3"),
    ("z^z", "z^z", 0, "(1 + abs(z))^z"),
    ("z^-1", "z^-1", 0, "(1 + abs(z))^-1"),
    ("abs(z)^-0.5", "abs(z)^-0.5", 0, "above 0"),
    ("1 / z", "1 / z", 0, "divide"),
    ("sin(z) / z", "sin(z) / z", 0, "divide"),
    ("z / (z - 0.3)", "z / (z - 0.3)", 0.3, "divide"),
    ("1 / (z^2 - 2)", "1 / (z^2 - 2)", 1.41421, "divide"),
    ("1 / (z - 1000)", "1 / (z - 1000)", 1000, "divide"),
    ("z + 1 / (exp(z) - 1)", "1 / (exp(z) - 1)", 0, "divide"),
    ("log(z)", "log(z)", 0, "log(1 + z^2)"),
    ("z * log(z)", "log(z)", 0, "log(1 + z^2)"),
    ("log(z^2)", "log(z^2)", 0, "log(1 + z^2)"),
    ("log(-1 - z^2)", "log(-1 - z^2)", 0, "log(1 + z^2)"),
    ("if z > -2 then sqrt(z) else 0", "sqrt(z)", -1, "max"),
    ("if z > 0.25 then 1 / (z - 3) else z", "1 / (z - 3)", 3, "divide"),
    ("0 * log(z)", "log(z)", 0, "log(1 + z^2)"),
]


@pytest.mark.parametrize(("formula", "part", "place", "help"), WITHOUT)
def test_a_formula_without_a_value_somewhere_is_refused_at_its_place(formula, part, place, help):
    """Whatever route would serve it: some of these have a part that a rule or a quadrature that
    never meets the place could turn into a kernel.
    """
    found = refusal(formula)
    assert found.code == "E0310"
    assert found.message == f"`{part}` has no value at z = {place}"
    assert found.primary is not None
    assert found.primary.span.text == part
    assert help in found.help[0]


WITH = [
    "sqrt(1 + z^2)",
    "sqrt(max(z, 0))",
    "if z > 0 then sqrt(z) else 0",
    "if z < 0 then 0 else sqrt(z)",
    "abs(z)^1.5",
    "abs(z)^0.3",
    "max(z, 0)^2.5",
    "sqrt(z^2)",
    "sqrt(z^2 - 2 * z + 1)",
    "sqrt(sin(z) + 1)",
    "if z > 0 then log(z) else 0",
    "if abs(z) > 0.1 then 1 / z else 100 * z",
    "if z > 0 then exp(-1 / z) else 0",
    "1 / (if z > 0 then 1 + z^2 else -1 - z^2)",
    "1 / (1 + exp(-z))",
    "1 / exp(z)",
    "log(1 + exp(z))",
    "z / (2 + sin(z))",
    "if z > 0 then (if z < -1 then log(z) else z) else 0",
    "exp(20 * z)",
]


@pytest.mark.parametrize("formula", WITH)
def test_a_formula_with_a_value_everywhere_is_not_refused_for_lack_of_one(formula):
    assert "E0310" not in [d.code for d in check(program(formula))]


@pytest.mark.parametrize(
    ("formula", "says", "part"),
    [
        ("exp(z^2) / (1 + exp(z^2))", "`exp(z^2)` is too large for a number at z = 27", "exp(z^2)"),
        ("log(1 + exp(10 * z))", "`exp(10 * z)` is too large for a number at z = 71", None),
        ("exp(exp(z))", "`exp(exp(z))` is too large for a number at z = 7", None),
        ("if z > 0 then 1 / z else 0", "`1 / z` grows beyond all bounds near z = 0", "1 / z"),
        ("1 / (1 - cos(z))", "grows beyond all bounds near z = 0", "1 / (1 - cos(z))"),
    ],
)
def test_a_formula_without_a_bound_where_a_series_looks_says_by_which_part(formula, says, part):
    found = refusal(formula)
    assert found.code == "E0503"
    assert says in found.message
    assert found.primary is not None
    assert part is None or found.primary.span.text == part


def test_the_variable_and_the_parameters_are_named_as_the_program_names_them():
    source = (
        "param shift = 2\nactivation root(x, a) = sqrt(x + a)\n"
        "network n { input vector[3]; dense -> root(shift) -> dense }\n"
    )
    (found,) = check(source)
    assert found.message == "`sqrt(x + a)` has no value at x = -3"
    assert found.primary is not None
    assert "with `root_a` = 2" in found.primary.text
    assert [label.span.text for label in found.secondary] == ["root(shift)"]


def test_what_does_not_depend_on_the_variable_has_no_place():
    found = refusal("sqrt(1 - a) * z", "param a = 4\n")
    assert found.message == "`sqrt(1 - a)` has no value"
    assert "with `a` = 4" in str(found.primary)


def test_a_param_of_the_file_in_a_formula_without_closed_form_is_refused_with_its_name():
    found = refusal("tanh(a * z)", "param a = 2\n")
    assert found.code == "E0503"
    assert "numbers for `a`" in found.help[0]


@pytest.mark.parametrize(
    "formula", [f for f, *_ in WITHOUT] + WITH + ["max(z - 1, 0)^7 * tanh(z)", "max(z - 1, 0)^7.5"]
)
def test_no_warning_of_numpy_reaches_anyone(formula):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            front = front_end(Source("f.ntk", program(formula)), Options(tolerance=1e-6))
            dict(front.module.activations)
        except NtkError:
            pass


def test_a_root_of_a_square_is_the_modulus():
    x = np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 1.0]])
    found, expected = (ntkc.compile(source=program(f))(x) for f in ("sqrt(z^2)", "abs(z)"))
    np.testing.assert_array_equal(found, expected)


def test_every_use_is_looked_at_with_its_own_values():
    source = (
        "param a = 1\nparam b = -5\nactivation root(z, s) = sqrt(s + z^2)\n"
        "network n { input vector[3]; dense -> root(a) -> dense -> root(b) -> dense }\n"
    )
    found = [d for d in check(source) if d.code == "E0310"]
    assert [d.secondary[0].span.text for d in found] == ["root(b)"]


GROWING = [
    ("exp(z^2)", 0.25),
    ("exp(z^2) + z", 0.25),
    ("exp(0.5 * z^2) * sin(z)", 0.5),
    ("relu(z) * exp(z^2 / 4)", 1.0),
]


@pytest.mark.parametrize(("formula", "end"), GROWING)
def test_where_a_moment_becomes_infinite_is_told(formula, end):
    """E[f(u)^2] is an integral of exp(2 s z^2 - z^2 / 2p): finite below p = 1/(4s)."""
    kernel = uncompiled(
        f"activation f(z) = {formula}\nnetwork n {{ input vector[1]; dense -> f -> dense }}\n"
    )
    below, above = np.sqrt([[0.999 * end]]), np.sqrt([[1.001 * end]])
    assert np.isfinite(kernel(below)).all()
    with pytest.raises(KernelError, match=rf"infinite from {end:g} on.*must be from 0 to {end:g}"):
        kernel(above)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_where_a_moment_of_a_built_in_becomes_infinite_is_told(dtype):
    source = "network n { input vector[1]; dense -> gaussian(b = 0.5) -> dense }\n"
    kernel = uncompiled(source, dtype=dtype)
    assert np.isfinite(kernel(np.array([[0.7]], dtype=dtype))).all()
    with pytest.raises(KernelError, match=r"before `gaussian` .*infinite from 0.5 on"):
        kernel(np.array([[0.75]], dtype=dtype))


def test_where_a_moment_becomes_infinite_for_a_variance_that_is_known():
    source = "network n { input vector[1] normalized; dense -> gaussian(b = 1) -> dense }\n"
    with pytest.raises(KernelError, match=r"the weights of the program: .*infinite from 0.25 on"):
        uncompiled(source)(np.array([[1.0]]))


def test_explain_says_where_a_moment_becomes_infinite():
    found = " ".join(ntkc.explain(source=program("exp(z^2)")).split())
    assert "at every variance below 0.25, from which on E[f(u)^2] is infinite" in found
    assert "at every variance." in " ".join(ntkc.explain(source=program("exp(z)")).split())


@pytest.mark.parametrize(
    ("formula", "code", "label", "help"),
    [
        ("softplus(z)", "E0306", "", "write its formula: `max(z, 0) + log(1 + exp(-abs(z)))`"),
        ("gelu(z)", "E0306", "", "write its formula: `z * Phi(z)`"),
        ("ln(z)", "E0301", "the variable is `z`", "`log` is the natural logarithm"),
        ("x^2", "E0301", "the variable is `z`", ""),
        ("max(z)", "E0303", "there is 1 argument here", ""),
        ("z^(1/3)", "E0310", "not whole", "`max(z, 0)^(1/3)`, or `abs(z)^(1/3)`"),
    ],
)
def test_odd_formulas_get_help_that_fits(formula, code, label, help):
    found = refusal(formula)
    assert found.code == code
    assert found.primary is not None
    assert label in found.primary.text
    assert help in " ".join(found.help)


@pytest.mark.parametrize("name", sorted(_SPELLED))
def test_formulas_that_help_writes_are_the_activations(name):
    z = np.linspace(-4.0, 4.0, 41)
    front = front_end(Source("f.ntk", program(_SPELLED[name])), Options())
    (bound,) = (n.layer.bound for n in front.network.nodes() if hasattr(n.layer, "bound"))
    mine, theirs = bound.function(symbol("z")), load(name).bind().function(symbol("z"))
    found, expected = evaluate([mine, theirs], {"z": z})
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-15)
