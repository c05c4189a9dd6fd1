"""What varies, from where, between which bounds."""

from typing import Any

import pytest

from ntkc.tuning import BoundsError, Hyperparameter, hyperparameters

DEFAULTS = {"w": 2.0, "b": 0.0, "c": -1.0}


def test_positive_values_vary_a_decade_either_way() -> None:
    assert hyperparameters(DEFAULTS) == (Hyperparameter("w", 2.0, 0.2, 20.0),)
    assert hyperparameters(DEFAULTS, start={"w": 90.0}) == (Hyperparameter("w", 90, 0.2, 90),)
    assert hyperparameters(DEFAULTS, bounds="fixed") == ()
    assert hyperparameters(DEFAULTS, bounds={"w": "fixed"}) == ()


def test_values_without_a_logarithm_vary_within_bounds_that_are_given() -> None:
    found = hyperparameters(DEFAULTS, bounds={"b": (0.01, 1), "w": (1, 3)})
    assert found == (Hyperparameter("w", 2.0, 1, 3), Hyperparameter("b", 0.1, 0.01, 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bounds": {"x": (1, 2)}}, r"bounds: the network has no parameter 'x'; it has w, b, c"),
        ({"start": {"x": 1}}, "start: the network has no parameter 'x'"),
        ({"bounds": {"w": (3, 2)}}, r"bounds\['w'\]: expected 0 < low <= high, got \(3, 2\)"),
        ({"bounds": {"w": (0, 2)}}, "expected 0 < low"),
        ({"bounds": {"w": (1, float("inf"))}}, "expected 0 < low"),
        ({"bounds": {"w": (1, float("nan"))}}, "expected 0 < low"),
        ({"bounds": {"w": 3}}, "expected two numbers"),
        ({"bounds": {"w": "free"}}, "expected two numbers"),
        ({"bounds": {"w": (3, 4)}}, "start: w = 2 is outside of its bounds 3 to 4"),
    ],
)
def test_refusals(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BoundsError, match=message):
        hyperparameters(DEFAULTS, **options)


def test_a_logarithm_leads_back() -> None:
    from math import log

    each = Hyperparameter("w", 0.1, 0.01, 1.0)
    assert [each.at(log(v)) for v in (0.1, 0.01, 1.0)] == [0.1, 0.01, 1.0]
    assert each.at(log(0.3)) == pytest.approx(0.3)
    assert (each.at(-50.0), each.at(50.0)) == (0.01, 1.0)
    assert [each.at_bound(v) for v in (0.01, 0.5, 1.0)] == ["lower", None, "upper"]
