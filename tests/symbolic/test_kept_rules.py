"""The rules of series that are shipped are within what they are certified to."""

from __future__ import annotations

import numpy as np
import pytest

from ntkc.activations import load
from ntkc.symbolic import decays, series
from ntkc.symbolic.certify import (
    degree_for,
    interpolation_error,
    mixture_error,
    quadrature_error,
    rule_error,
)
from ntkc.symbolic.hermite import Mixture
from ntkc.symbolic.interpolation import LARGEST_VARIANCE
from ntkc.symbolic.kept_rules import FINER, TOLERANCES, kept_decays, kept_rules, worth_keeping
from ntkc.symbolic.series import Formula

FORMULAS = list(worth_keeping())
SMOOTH = [formula for formula in FORMULAS if formula.bells() is None]
OTHERS = [formula for formula in FORMULAS if formula.bells() is not None]


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_every_activation_by_series_has_its_rules(tolerance: float) -> None:
    """Otherwise: python -m ntkc.symbolic.kept_rules"""
    found = [kept_rules(formula, tolerance) for formula in FORMULAS]
    found += [kept_decays(LARGEST_VARIANCE, tolerance * share) for share in FINER]
    assert len(found) == 10
    for rules in found:
        assert rules is not None
        assert 0.0 < rules.error <= tolerance


def lost(formula: Formula, tolerance: float) -> float:
    """What the kept rules lose, by the summands of a certificate."""
    rules = kept_rules(formula, tolerance)
    assert rules is not None
    _, slope = series.functions(formula)
    slopes = series.slopes(formula, slope)
    error = sum(mixture_error(part, slope) for part in slopes if isinstance(part, Mixture))
    for part, rule in zip(slopes, rules.rules, strict=True):
        degree, tail = degree_for(part, tolerance / 128)
        degrees, weights = np.array(rule.degrees, dtype=float), np.array(rule.weights)
        made = series.part_of(part, rule)
        error += tail + interpolation_error(part, slopes, made, np.sqrt(weights))
        error += rule_error(part, degrees, weights, degree)
    return error + quadrature_error(slopes)


@pytest.mark.parametrize("tolerance", TOLERANCES)
@pytest.mark.parametrize("formula", SMOOTH, ids=lambda formula: formula.name)
def test_rules_lose_what_is_said(formula: Formula, tolerance: float) -> None:
    rules = kept_rules(formula, tolerance)
    assert rules is not None
    # On another processor the roundings that are part of it differ.
    assert lost(formula, tolerance) <= 1.1 * rules.error + 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("tolerance", TOLERANCES)
@pytest.mark.parametrize("formula", OTHERS, ids=lambda formula: formula.name)
def test_rules_of_bells_lose_what_is_said(formula: Formula, tolerance: float) -> None:
    test_rules_lose_what_is_said(formula, tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("share", FINER)
@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_rules_of_decays_are_found_again(tolerance: float, share: float) -> None:
    kept = kept_decays(LARGEST_VARIANCE, tolerance * share)
    found = decays.derived_rules(tolerance * share, LARGEST_VARIANCE)
    assert kept is not None
    assert abs(found.error - kept.error) <= 0.1 * kept.error + 1e-12
    assert abs(len(found.rules[0].degrees) - len(kept.rules[0].degrees)) <= 3


def test_another_formula_or_tolerance_is_not_found() -> None:
    (tanh,) = (formula for formula in FORMULAS if formula.name == "tanh")
    other = Formula("tanh", 2.0 * tanh.function, tanh.slope)
    assert kept_rules(tanh, 1e-10) is not None
    assert kept_rules(tanh, 1e-9) is None
    assert kept_rules(other, 1e-10) is None


def test_an_activation_takes_the_rule_that_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of one is compiled in a tenth of the time; the certificate is that of the rule."""
    monkeypatch.setattr(series, "_rules", None)
    series.series_forms.cache_clear()
    certificate = load("tanh").bind().forms(1e-6).certificate
    (tanh,) = (formula for formula in FORMULAS if formula.name == "tanh")
    rules = kept_rules(tanh, 1e-6)
    assert certificate is not None
    assert rules is not None
    assert certificate.error == rules.error
