"""`ntkc explain`: complete, narrow enough for a terminal, and short for deep networks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

import ntkc
from ntkc import activations, layers
from ntkc.diagnostics import pages
from ntkc.driver import middle
from ntkc.explain import (
    explain_activation,
    explain_code,
    explain_layer,
    explain_model,
    format_schedule,
    latex_model,
)
from ntkc.explain.layout import WIDTH, amount, size, table
from ntkc.explain.notation import MAPS_IN_WORDS, PLAIN
from ntkc.explain.recursion import grouped, steps
from ntkc.ir.node import Node, const, inv_sqrt, make, sqrt, symbol
from ntkc.ir.ops import SPATIAL
from ntkc.schedule.work import tile_traffic
from tests.backends.kernels import network, understood
from tests.network.programs import REFERENCE, VECTOR_CASES
from tests.network.strategies import programs


def explained(*lines: str, line: int | None = None, before: str = "") -> str:
    return explain_model(understood(network(*lines, before=before)), line)


def narrow(text: str) -> bool:
    return all(len(line) <= WIDTH for line in text.splitlines())


@pytest.mark.parametrize("name", VECTOR_CASES)
def test_reference_programs(name: str) -> None:
    front = understood((REFERENCE / f"{name}.ntk").read_text())
    text = explain_model(front)
    assert narrow(text)
    assert text.startswith(f"network `{front.network.name}`")
    assert latex_model(front).count(r"\begin{align}") == 1


@settings(deadline=None, max_examples=15)
@given(programs())
def test_any_network(text: str) -> None:
    front = understood(text)
    found = explain_model(front)
    assert narrow(found)
    for number in range(1, text.count("\n") + 1):
        assert narrow(explain_model(front, number))
    latex = latex_model(front)
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left(") == latex.count(r"\right)")


def test_deep_networks_are_short() -> None:
    text = explained("{ dense(b_std = 0.1) -> relu } * 200", "dense")
    assert "... layers 3 to 400: the 2 layers before 199 more times" in text
    assert "repeat 198 times" in text or "repeat 199 times" in text
    assert len(text.splitlines()) < 80  # where 400 layers would be 800 lines and more


def test_repetitions_within_repetitions() -> None:
    network_of_blocks = understood(
        network("{ { dense -> relu } * 2 -> dense -> erf } * 10", "dense")
    ).network
    groups = list(grouped(steps(network_of_blocks)))
    assert sum(len(group.steps) * group.count for group in groups) == 61
    assert len(groups) <= 4


def test_positions() -> None:
    text = """network net {
        input image[8, 6, 3]
        concat(conv(3x1, padding = same), local_conv(3x1, padding = same), axis = width) -> relu
        avg_pool(2) -> conv_transpose(2, stride = 2) -> relu -> sum_pool(2x3) -> conv(1) -> relu
        flatten -> dense
    }"""
    front = understood(text)
    found = steps(front.network)
    shown = [(PLAIN.write(step.nngp), PLAIN.write(step.ntk)) for step in found]
    assert shown == [
        ("window[3x1](Σ₀)", "Σ₁ + window[3x1](Θ₀)"),
        ("at[i = j](window[3x1](Σ₀))", "at[i = j](window[3x1](Σ₀) + window[3x1](Θ₀))"),
        ("block(Σ₁) + block(Σ₂)", "block(Θ₁) + block(Θ₂)"),
        ("dual[relu](Σ₃)", "Θ₃ dual_dot[relu](Σ₃)"),
        ("mean[2x2](Σ₄)", "mean[2x2](Θ₄)"),
        ("spread[2x2](Σ₅)", "Σ₆ + spread[2x2](Θ₅)"),
        ("dual[relu](Σ₆)", "Θ₆ dual_dot[relu](Σ₆)"),
        ("sum[2x3](Σ₇)", "sum[2x3](Θ₇)"),
        ("window[1x1](Σ₈)", "Σ₉ + window[1x1](Θ₈)"),
        ("dual[relu](Σ₉)", "Θ₉ dual_dot[relu](Σ₉)"),
        ("mean[i = j](Σ₁₀)", "mean[i = j](Θ₁₀)"),
        ("Σ₁₁", "Σ₁₂ + Θ₁₁"),
    ]
    latex = latex_model(front)
    assert r"\Sigma_{0} &= x_i^\top z_j / \mathrm{channels}" in latex
    assert r"\Sigma_{1} &= \operatorname{window}_{3 \times 1}(\Sigma_{0})" in latex
    assert set(MAPS_IN_WORDS) == set(SPATIAL) - {"own"}


def test_numbers_and_parameters() -> None:
    text = explained("dense(w_std = w, b_std = 0.1)", before="param w = 1.5\n")
    assert "Σ₁ = w^2 Σ₀ + 0.01" in text
    assert "Θ₁ = Σ₁ + w^2 Θ₀" in text
    assert "parameters of a call: w = 1.5" in text


def test_what_is_carried_and_why() -> None:
    kinked = explained("dense -> erf", "dense -> relu")
    assert "complements 1 - cos(angle), because `relu` on line 4 has a kink" in kinked
    assert "covariances, which are accurate enough" in explained("dense -> erf")
    assert "many activations in a row" in explained("{ dense -> erf } * 20")
    assert "the inner product, scaled" in explained("dense")


def test_lines() -> None:
    lines = ("dense(w_std = 2)", "{ relu -> dense } * 3", "erf")
    assert explained(*lines, line=3).count("Σ") == 3
    middle_line = explained(*lines, line=4)
    assert "2  relu" in middle_line
    assert "... and 2 more times by repetition" in middle_line
    assert "erf" not in middle_line
    assert "dual     = 2*a^2" in explained(*lines, line=5)
    assert explained(*lines, line=1) == "no layer of network `net` stands on line 1\n"


@pytest.mark.parametrize("name", activations.names())
def test_activations(name: str) -> None:
    text = explain_activation(name)
    assert narrow(text.partition("LaTeX")[0])
    for part in (f"activation `{name}`", "dual     =", "dual_dot =", "diagonal =", "quadrature"):
        assert part in text


def test_activation_with_arguments() -> None:
    text = explain_activation("monomial")
    assert "degree: whole number, from 0 to 20 (higher moments" in text
    assert "homogeneous of degree" in text
    assert "point masses" in explain_activation("step")


@pytest.mark.parametrize("name", layers.names())
def test_layers(name: str) -> None:
    text = explain_layer(name)
    assert narrow(text)
    assert text.startswith(f"layer `{name}`\n")
    for parameter in layers.load(name).parameters:
        assert f"  {parameter.name}" in text


def test_codes() -> None:
    assert explain_code("E0401").rstrip() == pages.page("E0401").rstrip()
    with pytest.raises(KeyError):
        explain_code("E9999")
    with pytest.raises(KeyError):
        explain_layer("relu")
    with pytest.raises(KeyError):
        explain_activation("dense")


def test_schedules_of_several_number_types() -> None:
    found = middle(understood(network("dense -> relu -> dense")).module, "float32")
    text = format_schedule(found)
    assert text.index("in float32") < text.index("in float64")
    assert text.count("tile ntk:") == 2


def test_traffic_counts_the_pair_and_the_result() -> None:
    found = middle(understood(network("dense")).module, "float64")["float64"]
    moved = tile_traffic(found.tiles["nngp"])
    assert (moved.loads, moved.stores) == (1, 1)


# --- notation ------------------------------------------------------------------------------

_X, _Y = symbol("x"), symbol("y")


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (_X + _Y * _X, "x + y x"),
        ((_X + _Y) * _X, "(x + y) x"),
        (_X - (_Y - _X), "x - y + x"),
        (-(_X + _Y), "-x - y"),
        (const(1.0) + _X, "x + 1"),
        (_X * _X * _Y, "x^2 y"),
        ((_X + _Y) ** 3, "(x + y)^3"),
        (_X / (_Y * _X), "x / y / x"),
        (_X * inv_sqrt(_Y + const(0.5)), "x / √(y + 0.5)"),
        (const(1.0) / _X, "1 / x"),
        (sqrt(_X * _Y), "√(x y)"),
        (const(1e-12) * _X, "1e-12 x"),
        (make("select", _X, _Y, const(0.0)), "select(x, y, 0)"),
        (make("dual", _X, _Y, _Y, activation="relu"), "dual[relu](x)"),
        (const(-2.0) * _X, "(-2) x"),
    ],
)
def test_plain_notation(node: Node, text: str) -> None:
    assert PLAIN.write(node) == text


def test_layout() -> None:
    assert table([("a", "10"), ("bc", "9")], 1, right=(1,)) == [" a   10", " bc   9"]
    assert [amount(1, "slot"), amount(2, "slot")] == ["1 slot", "2 slots"]
    assert [size(10), size(4096), size(3 << 20)] == ["10 bytes", "4 KiB", "3 MiB"]


def test_a_model_s_activations_come_with_their_routes() -> None:
    """Also those that the program defines, which have no page of their own."""
    program = (
        "activation ramp(z) = max(z - 1, 0)\nnetwork net {\n    input vector[3]\n"
        "    dense -> ramp -> dense -> step -> dense\n}\n"
    )
    text = " ".join(ntkc.explain(source=program).split())
    assert "Route: closed form, derived from the formula: bilinearity over its terms" in text
    assert "point masses" in text
    assert r"LaTeX of dual: \frac{\pi - \theta}{2 \pi}" in text
    assert "`ramp` on line 4 has a kink" in text
    assert "1e-30" not in text
    assert "1.0e-30" not in text


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("if abs(z) < 1 then 0 else z*z - 1", True),
        ("max(z - 1, 0)", False),  # tails: nothing cancels
        ("z * Phi(z)", False),
    ],
)
def test_what_cancels_is_told(formula: str, told: bool) -> None:
    text = explain_model(
        understood(
            f"activation f(z) = {formula}\nnetwork net {{ input vector[3]; dense -> f -> dense }}"
        )
    )
    words = " ".join(text.split())
    assert "It holds to roundings of p, q and c at every variance." in words
    assert ("holds to roundings of the largest of them" in words) is told
