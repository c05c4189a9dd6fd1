"""Activations that a program defines, from text to kernel."""

import math

import numpy as np
import pytest

import ntkc
from ntkc.activations._derived import DefinedSeries
from ntkc.diagnostics import Kind, NtkError, ProgramError, Source
from ntkc.driver import Options, check, front_end
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.interpret import interpret
from ntkc.symbolic.moments import MAX_STEPS
from ntkc.symbolic.routes import closed_form
from tests.backends.kernels import uncompiled

NETWORK = """
param slope = 0.3
let half = 1 / 2
activation swish(z, beta = 1.5) = z * Phi(beta * z)
activation leaky(z, a) = if z > 0 then z else a * z
activation held(z) = max(min(z, 2 * half), -1)
network net {
    input vector[5]
    dense(w_std = 1.4, b_std = 0.1) -> swish -> dense -> swish(slope) -> dense -> leaky(slope)
    dense -> held -> dense
}
"""


def inputs(dtype=np.float64):
    x = np.random.default_rng(5).standard_normal((5, 5))
    x[1], x[2], x[3] = x[0], -x[0], 0.0
    return x.astype(dtype)


@pytest.fixture(scope="module")
def kernel():
    return ntkc.compile(source=NETWORK)


@pytest.mark.parametrize("slope", [0.3, 0.9])
def test_a_compiled_kernel_is_what_the_recursion_means(kernel, slope):
    x, z = inputs(), np.random.default_rng(6).standard_normal((3, 5))
    front = front_end(Source("<text>", NETWORK), Options())
    exact = interpret(front.module, x, z, {"slope": slope}, mpmath_arithmetic(30))
    for name in ("nngp", "ntk"):
        found = kernel(x, z, slope=slope, get=name)
        expected = np.array(exact[name].tolist(), dtype=float)
        # 9 layers of a few roundings; inputs of no pair are close to each other.
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_coincident_rows_have_the_diagonal_s_kernel(kernel):
    gram = kernel(inputs())
    assert gram[0, 1] == pytest.approx(gram[0, 0], rel=1e-12)


def test_float32_is_near_float64(kernel):
    single = ntkc.compile(source=NETWORK, dtype="float32")(inputs(np.float32))
    np.testing.assert_allclose(single, kernel(inputs()), rtol=2e-5, atol=1e-6)


HOSTILE = [
    "((((z ^ 60) ^ 60) ^ 60) ^ 60) ^ 60",
    "9 ^ 9 ^ 9 ^ 9",
    "if z > 0 then z else 1 / 0",
    "__import__",
    "__import__(z)",
    "exp(exp(exp(exp(exp(z)))))",
    " * ".join(["(1 + z + sin(z) + exp(z))"] * 12),
    "(sin(z) + cos(3 * z) + exp(z) + erf(z)) ^ 40",
    "abs(" * 60 + "z" + " - 1)" * 60,
    "1 / z",
    "exp(z ^ 3)",
    "z ^ z",
    "z / (z - z)",
    "if z > 0 then z else 1 / (z - z)",
    "log(-1 - z ^ 2)",
    "log(z)",
    "sqrt(-1) + z",
    "exp(1e5) * z",
    "1e400 * z",
    "1e308 * z * 1e308",
    "relu(z - 1e300)",
    "erf(1e200 * z)",
    "z ^ 1000000000",
    "(1 + z + exp(z)) ^ 40",
    "exp(exp(z))",
    " + ".join(f"relu(z - {k})" for k in range(4000)),
    "lambda(z)",
    "1" + "0" * 5000 + " * z",
    "exp(-1e308 * z^2)",
    "z / 1e-308",
    "1e308 * tanh(z) - 1e308",
    "tanh(1e308 * z)",
    "".join(f"if z > {k} then {k} else " for k in range(1000)) + "z",
    "(if z > 0 then " * 1000 + "z" + " else z)" * 1000,
    "(" * 10_000 + "z" + ")" * 10_000,
    "-" * 10_000 + "z",
    "\u0430 * z",
    "\uff5a + 1",
    "z \u2212 2",
    "z \u202e+ 2",
    "z \x00+ 2",
    "z" + " + z" * 2_500_000,
    "f(z)",
    "z.__class__",
    "((2 + sin(z)) ^ 64) ^ 64",
]
REFUSED_LATER = [
    "if z > 0 then z else (if z > 1 then 1 / (z - z) else 0)",
    " + ".join(f"max(sin({k} * z), 0)" for k in range(60)),
    "sin(" * 60 + "z" + ")" * 60,
    "tanh(" * 60 + "z" + ")" * 60,
    "sin(1e6 * z) * tanh(z)",
    "1 / (sin(1e5 * z) + 1.0000001)",
    "if sin(1e5 * z) > 0 then tanh(z) else z",
]
ABOUT_PARAMETERS = [
    "max(min(z, a), b)",
    "abs(abs(z) - a)",
    "abs(z ^ 2 - a)",
    "if a > 0 then z else sin(z)",
    "tanh(a * z)",
    "z ^ a",
    " + ".join(f"relu(z - {k} * a)" for k in range(1, 40)),
    " + ".join(f"z * Phi({k} * a * z + b)" for k in range(1, 30)),
    " + ".join(f"sin({k} * a * z + b)" for k in range(1, 30)),
]
LONG = [" * ".join(f"relu(z + {k})" for k in range(1, 22)), "(1 + z) ^ 19 * Phi(z)"]


@pytest.mark.parametrize("formula", HOSTILE)
def test_hostile_formulas_end_in_diagnostics(formula):
    program = f"activation f(z) = {formula}\nnetwork n {{ input vector[3]; dense -> f -> dense }}\n"
    found = check(Source("<text>", program))
    assert [d for d in found if d.code.startswith("E")], formula


@pytest.mark.parametrize("formula", REFUSED_LATER)
def test_hostile_formulas_that_need_a_series_are_refused_with_a_place(formula):
    program = f"activation f(z) = {formula}\nnetwork n {{ input vector[3]; dense -> f -> dense }}\n"
    front = front_end(Source("<text>", program), Options())
    with pytest.raises(ProgramError) as raised:
        dict(front.module.activations)
    (found,) = raised.value.diagnostics
    assert found.code == "E0506"
    assert found.primary is not None


def test_a_long_polynomial_is_spelled_and_explained():
    """Its dual is a sum of some hundred terms: too deep for a recursion, too long to be read."""
    program = "activation f(z) = (1 + z) ^ 40\nnetwork n { input vector[3]; dense -> f -> dense }\n"
    kernel = uncompiled(program)
    x = np.array([[0.1, -0.1, 0.2]])
    variance = float((x * x).mean())
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    values = (1 + math.sqrt(variance) * nodes) ** 80
    expected = np.dot(weights, values) / weights.sum()
    assert kernel(x, get="nngp")[0, 0] == pytest.approx(expected, rel=1e-12)
    assert "a formula of" in ntkc.explain(source=program)


def test_fifty_parameters():
    names = [f"p{k}" for k in range(50)]
    formula = " + ".join(f"{name} * max(z - {name}, 0)" for name in names)
    program = (
        "".join(f"param {n.replace('p', 'q')} = {k + 1}\n" for k, n in enumerate(names))
        + f"activation f(z, {', '.join(names)}) = {formula}\n"
        + f"network n {{ input vector[3]; dense -> f({', '.join(names).replace('p', 'q')}) }}\n"
    )
    assert [d.code for d in check(Source("<text>", program))] == ["E0503"]


@pytest.mark.parametrize("formula", ABOUT_PARAMETERS)
def test_what_parameters_decide_is_refused_with_a_reason(formula):
    program = (
        f"param a = 1\nparam b = 2\nactivation f(z, a, b) = {formula}\n"
        "network n { input vector[3]; dense -> f(a, b) -> dense }\n"
    )
    (found,) = [d for d in check(Source("<text>", program)) if d.kind is not Kind.WARNING]
    assert found.code in ("E0503", "E0310", "E0311")
    assert found.primary is not None
    assert found.primary.text


@pytest.mark.parametrize("formula", LONG)
def test_derivations_end_after_a_number_of_steps(formula):
    """Counted, not timed: the answer is the same on every machine. A series stands for them."""
    assert MAX_STEPS <= 8_000
    program = f"activation f(z) = {formula}\nnetwork n {{ input vector[3]; dense -> f -> dense }}\n"
    front = front_end(Source("<text>", program), Options())
    (bound,) = (n.layer.bound for n in front.network.nodes() if hasattr(n.layer, "bound"))
    assert isinstance(bound.activation, DefinedSeries)


@pytest.mark.parametrize(
    "formula", ["max(sin(z), 0)", " + ".join(f"max(z - {k}, 0)" for k in range(40))]
)
def test_what_no_series_reaches_is_refused(formula):
    """Not by its look: by the certificate that is asked for."""
    program = f"activation f(z) = {formula}\nnetwork n {{ input vector[3]; dense -> f -> dense }}\n"
    with pytest.raises(NtkError, match="no closed form"):
        ntkc.compile(source=program)


@pytest.mark.parametrize(
    ("formula", "why"),
    [
        *((f, "too steep for a series") for f in ("tanh(1e5 * z)", "tanh(1e8 * z)")),
        *(
            (f"{size} * tanh(z)", "out of the range of floats")
            for size in ("1e300", "1e150", "1e-300")
        ),
        ("max(z, 0) + 1e200 * exp(min(z, 0))", "out of the range of floats"),
        ("max(z, 0) + exp(min(1e9 * z, 0))", "out of the reach of its series"),
    ],
)
def test_what_quadrature_does_not_see_is_refused(formula, why):
    """Needles between nodes, squares that are infinite or 0: none is certified."""
    program = f"activation f(z) = {formula}\nnetwork n {{ input vector[3]; dense -> f -> dense }}\n"
    with pytest.raises(NtkError, match=why):
        ntkc.compile(source=program)


def test_numbers_beyond_floats_have_a_reason():
    program = (
        "activation f(z) = 1e200 * relu(z)\nnetwork n { input vector[3]; dense -> f -> dense }\n"
    )
    (found,) = [d for d in check(Source("<text>", program)) if d.code.startswith("E")]
    assert "range" in found.primary.text + found.message


def test_a_jump_that_is_no_more_than_rounding_is_none():
    for formula, jumps in (("if z < 4 then exp(-2 * z ^ 2) else 0", 0), ("1e-13 * sign(z)", 1)):
        program = (
            f"activation f(z) = {formula}\nnetwork n {{ input vector[3]; dense -> f -> dense }}\n"
        )
        found = check(Source("<text>", program))
        assert [d.code for d in found] == ["E0505"] * jumps, formula


def test_a_smooth_formula_without_closed_form_is_a_series():
    """E[erf(u) erf(2u) erf(v) erf(2v)] at u = v of variance 1: by Gauss-Hermite quadrature."""
    program = "activation f(z) = erf(z) * erf(2 * z)\nnetwork n { input vector[1]; dense -> f }\n"
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    value = [math.erf(x) * math.erf(2 * x) for x in nodes]
    expected = np.dot(weights, np.square(value)) / weights.sum()
    kernel = ntkc.compile(source=program)
    # The certificate, 1e-10 of the diagonal.
    assert kernel([[1.0]], get="nngp")[0, 0] == pytest.approx(expected, rel=1e-10)


def test_parameters_that_choose_the_order_of_kinks_are_refused_with_the_reason():
    program = (
        "param a = 1\nactivation f(z, a) = max(min(z, a), 0)\n"
        "network n { input vector[3]; dense -> f(a) -> dense }\n"
    )
    (found,) = check(Source("<text>", program))
    assert found.code == "E0503"
    assert found.primary is not None
    assert "depends on a parameter" in str(found.primary)


def test_a_constant_argument_decides_it():
    program = (
        "activation f(z, a) = max(min(z, a), 0)\n"
        "network n { input vector[3]; dense -> f(2) -> dense }\n"
    )
    assert check(Source("<text>", program)) == []


def test_numbers_at_the_ends_of_the_range():
    """What is out of range of floats is 0 or refused by the kernel: never NaN, never a crash."""
    for formula in ("1e-320 * z", "relu(1e-300 * z)", "relu(z - 1e30)"):
        program = f"activation f(z) = {formula}\nnetwork n {{ input vector[2]; dense -> f }}\n"
        found = uncompiled(program)([[1.0, 2.0]], get=("nngp", "ntk"))
        assert np.isfinite(found.nngp).all()
        assert np.isfinite(found.ntk).all()


@pytest.mark.parametrize(
    ("layers", "warned"),
    [
        ("dense -> jump -> dense", 1),
        ("dense -> step -> dense -> sign -> dense", 2),
        ("dense(trainable = false) -> step -> dense", 0),
        ("dense -> ramp -> dense", 0),
    ],
)
def test_the_convention_of_jumps_is_told(layers, warned):
    program = (
        "activation jump(z) = if z > 1 then z else 0\n"
        "activation ramp(z) = if z > 1 then z - 1 else 0\n"
        f"network n {{ input vector[3]; {layers} }}\n"
    )
    found = [d for d in check(Source("<text>", program)) if d.code == "E0505"]
    assert len(found) == warned
    assert all(d.kind is Kind.WARNING for d in found)


def test_one_formula_is_derived_once(monkeypatch):
    """However often it stands in a network."""
    calls = []
    monkeypatch.setattr(
        "ntkc.symbolic.routes.closed_form", lambda e: calls.append(e.name) or closed_form(e)
    )
    uses = "; ".join(["dense; f"] * 30)
    program = f"activation f(z) = z * Phi(z)\nnetwork n {{ input vector[3]; {uses}; dense }}\n"
    assert check(Source("<text>", program)) == []
    assert calls == ["f"]
