"""Formulas for people."""

import pytest

from ntkc import activations
from ntkc.symbolic.latex import formulas

TEXT = {
    "relu": (
        "sqrt(p*q)*((pi - theta)*cos(theta) + sin(theta))/(2*pi)",
        "(pi - theta)/(2*pi)",
        "p/2",
    ),
    "abs": (
        "sqrt(p*q)*((pi - 2*theta)*cos(theta) + 2*sin(theta))/pi",
        "(pi - 2*theta)/pi",
        "p",
    ),
    "step": ("(pi - theta)/(2*pi)", "0", "1/2"),
    "exp": (
        "a**2*exp(b**2*(c + p/2 + q/2))",
        "a**2*b**2*exp(b**2*(c + p/2 + q/2))",
        "a**2*exp(2*b**2*p)",
    ),
}


@pytest.mark.parametrize("name", TEXT)
def test_formulas_read_as_in_the_literature(name):
    shown = formulas(activations.load(name).bind())
    assert (shown.dual.text, shown.dual_dot.text, shown.diagonal.text) == TEXT[name]


def test_a_parameter_gives_way_to_the_covariance():
    shown = formulas(activations.load("erf").bind())
    assert "c_0**2" in shown.dual.text
    assert "erf_" not in shown.dual.text


def test_latex_is_latex():
    shown = formulas(activations.load("gelu").bind())
    assert r"\sqrt{" in shown.dual.latex
    assert r"\frac" in shown.dual_dot.latex


REQUIRED = {
    "abrelu": (1.0, 2.0),
    "monomial": (3,),
    "rectified_monomial": (2,),
    "hermite": (3,),
    "polynomial": ([1.0, 2.0],),
}


@pytest.mark.parametrize("name", activations.names())
def test_every_activation_has_formulas(name):
    shown = formulas(activations.load(name).bind(REQUIRED.get(name, ())))
    for formula in (shown.dual, shown.dual_dot, shown.diagonal):
        assert formula.latex.count("{") == formula.latex.count("}")
        assert not {"Select", "Kink", "Larger", "number0"} & set(formula.text.split("("))
