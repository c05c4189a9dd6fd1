"""Refusals of series: what hides between places is found, and every refusal has its place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ntkc
from ntkc.cli.main import main
from ntkc.diagnostics import Diagnostic, Kind, ProgramError, Source
from ntkc.driver import Options, front_end


def program(formula: str) -> str:
    network = "network n {\n    input vector[3]\n    dense -> f -> dense\n}\n"
    return f"activation f(z) = {formula}\n{network}"


def refusal(formula: str, tolerance: float = 1e-10) -> Diagnostic:
    front = front_end(Source("f.ntk", program(formula)), Options(tolerance=tolerance))
    with pytest.raises(ProgramError) as raised:
        dict(front.module.activations)
    (found,) = raised.value.diagnostics
    assert found.code == "E0506"
    assert found.kind is Kind.LIMITATION
    return found


BOX = "tanh(z) + {height} * (if z > {place} then (if z < {place} + {width} then 1 else 0) else 0)"


@pytest.mark.parametrize(
    ("formula", "why"),
    [
        (BOX.format(height=1, place=0.3, width=1e-4), "jumps at z = 0.3"),
        (BOX.format(height=1e-3, place=0.3, width=1e-4), "jumps at z = 0.3"),
        (BOX.format(height=1, place=5.125, width=1e-9), "jumps at z = 5.125"),
        ("tanh(z) + 1e-3 * step(z - 7.123)", "jumps at z = 7.123"),
        ("if z > 2 then tanh(z) else tanh(z) + 1e-6", "jumps at z = 2"),
        ("tanh(z) + exp(-1e10 * (z - 0.3)^2)", "too steep for a series at z = 0.29"),
        ("tanh(z) + 1e-3 * exp(-1e16 * (z - 0.3)^2)", "too steep for a series at z = 0.3"),
        ("tanh(z) + 0.01 * tanh(1e8 * (z - 0.5))", "too steep for a series at z = 0.5"),
        ("tanh(1e6 * z)", "too steep for a series at z = 0"),
    ],
)
def test_what_is_narrow_is_found_and_named(formula, why):
    found = refusal(formula)
    assert found.primary is not None
    assert why in found.primary.text


@settings(max_examples=4, deadline=None)
@given(
    st.floats(-8.0, 8.0).map(lambda x: round(x, 5)),
    st.integers(2, 4),
    st.sampled_from([1.0, -0.1]),
)
def test_a_box_anywhere_is_refused(place, digits, height):
    """The least of them is 4e-7 of E[f^2] at one of the variances that are looked at."""
    formula = BOX.format(height=height, place=f"({place})", width=f"1e-{digits}")
    refusal(formula, 1e-8)


@pytest.mark.parametrize(
    "formula",
    [
        "sqrt(1 + z^2)",
        "log(1 + exp(z))",
        "if z > 20 then z else log(1 + exp(z))",
        "z * sigmoid(z) + (if z > 1 then 0 else 0 * z)",
        "erf(z) * erf(2 * z)",
    ],
)
def test_formulas_without_anything_narrow_are_certified_as_before(formula):
    front = front_end(Source("f.ntk", program(formula)), Options())
    (forms,) = dict(front.module.activations).values()
    assert forms.certificate is not None
    assert forms.certificate.error <= 1e-10


def test_the_refusal_of_a_defined_activation_has_its_place_and_its_definition():
    found = refusal("abs(z)^4.5")
    assert found.message == "`f` cannot be certified to 1e-10"
    assert found.primary is not None
    assert (found.primary.span.line, found.primary.span.text) == (4, "f")
    assert [label.span.line for label in found.secondary] == [1]
    assert "its series is certified to" in found.primary.text
    assert "not to 1e-10" in found.primary.text
    assert "`tolerance=1e-07` in Python" in found.help[0]


def test_what_the_help_says_is_met():
    found = refusal("abs(z)^4.5")
    tolerance = float(found.help[0].split("tolerance=")[1].split("`")[0])
    front = front_end(Source("f.ntk", program("abs(z)^4.5")), Options(tolerance=tolerance))
    (forms,) = dict(front.module.activations).values()
    assert forms.certificate is not None
    assert forms.certificate.error <= tolerance


def test_a_series_that_converges_slowly_says_the_tolerance_that_was_asked_for():
    found = refusal("max(sin(z), 0) + tanh(z)", 3e-7)
    assert found.message == "`f` cannot be certified to 3e-07"
    assert found.primary is not None
    assert "converges too slowly" in found.primary.text
    assert "3e-07" not in found.primary.text
    assert "1.5e-07" not in found.primary.text


SOURCE = "network n {\n    input vector[3]\n    dense -> tanh -> dense\n}\n"


def test_the_refusal_of_a_built_in_activation_in_python():
    with pytest.raises(ProgramError, match="E0506") as raised:
        ntkc.compile(source=SOURCE, tolerance=1e-14)
    (found,) = raised.value.diagnostics
    assert found.primary is not None
    assert (found.primary.span.line, found.primary.span.text) == (3, "tanh")
    assert found.secondary == ()
    assert isinstance(raised.value, ValueError)


def test_the_refusal_of_a_built_in_activation_on_the_command_line(tmp_path, capsys):
    path = tmp_path / "net.ntk"
    path.write_text(SOURCE)
    status = main(["compile", str(path), "--tolerance", "1e-14", "-o", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert status == 1
    assert "limitation[E0506]: `tanh` cannot be certified to 1e-14" in said
    assert "net.ntk:3:14" in said
    assert "^^^^ it has no closed form, and series are certified to 1e-12 at best" in said
    assert "`--tolerance 1e-10`" in said
    assert main(["check", str(path)]) == 0
    ntkc.compile(path, tolerance=1e-10)  # what the help says is enough


def test_a_kernel_by_series_is_what_it_was():
    """A formula and the activation of the language that it spells: one kernel."""
    x = np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 1.0]])
    mine = program("z * sigmoid(z)")
    built_in = SOURCE.replace("tanh", "silu")
    found, expected = (ntkc.compile(source=s)(x) for s in (mine, built_in))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
