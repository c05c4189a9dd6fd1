"""Deep networks as one function of the angle: held to the recursion in 50 digits."""

from __future__ import annotations

import numpy as np
import pytest

import ntkc
from ntkc.driver import middle
from ntkc.explain import explain_model
from ntkc.ir.exact import mpmath_arithmetic
from ntkc.ir.interpret import interpret
from ntkc.ir.module import Module
from ntkc.ir.node import topological
from ntkc.passes.collapse import collapsible, reason
from ntkc.passes.pipeline import SHARED, run
from tests.backends.kernels import network, understood

SIZE = 6
NORMALIZED = f"{SIZE}] normalized #"
"""Closes the bracket that `network` opens; what it writes after is a comment."""
ANGLES = np.array([0.0, 1e-9, 1e-6, 1e-3, 0.1, 0.7, np.pi / 3, 2.0, 3.0, np.pi - 1e-6, np.pi])
DEEP = {
    "relu": ("{ dense(w_std = sqrt(2)) -> relu } * 100", SIZE),
    "leaky_relu": ("{ dense(w_std = 1.2) -> leaky_relu(0.1) } * 30", SIZE),
    "relu, bias": ("{ dense(w_std = 1.4, b_std = 0.1) -> relu } * 50", NORMALIZED),
    "abs": ("{ dense -> abs } * 100", SIZE),
    "gelu": ("{ dense(w_std = 1.4, b_std = 0.1) -> gelu } * 12", NORMALIZED),
    "tanh": ("{ dense(w_std = 1.2, b_std = 0.1) -> tanh } * 8", NORMALIZED),
}


def text(name: str) -> str:
    body, size = DEEP[name]
    return network(body, "dense", size=size)


def folded(source: str) -> Module:
    return run(understood(source).module, SHARED)


def inputs() -> tuple[np.ndarray, np.ndarray]:
    """One row, and rows at the angles to it, all of mean square 1."""
    one = np.zeros(SIZE)
    one[0] = 1.0
    others = np.zeros((len(ANGLES), SIZE))
    others[:, 0], others[:, 1] = np.cos(ANGLES), np.sin(ANGLES)
    scale = np.sqrt(SIZE)
    return one[None] * scale, others * scale


@pytest.mark.parametrize("name", DEEP)
@pytest.mark.parametrize("root", ["nngp", "ntk"])
def test_fits_are_what_they_are_certified_to_be(name: str, root: str) -> None:
    """Against the derived recursion in 50 digits, on angles that no fit has seen."""
    x1, x2 = inputs()
    front = understood(text(name))
    exact = mpmath_arithmetic(50)
    numbers = [np.vectorize(exact.number, otypes=[object])(x) for x in (x1, x2)]
    expected = interpret(front.module, *numbers, arithmetic=exact)[root][0]
    kernel = ntkc.compile(source=text(name))
    found = kernel(x1, x2, get=root)[0]
    top = float(kernel.diag(x1, get=root)[0])
    assert any(c.root == root for c in collapsible(folded(text(name)), "float64"))
    for value, true, angle in zip(found, expected, ANGLES, strict=True):
        # A few roundings of the series, one of w_std^2 in each of at most 100 layers (2.2e-16
        # each), and what rounding does to an angle near pi, where the complement is 2.
        slack = 2e-15 + 2.4e-14 + (1e-8 * abs(np.pi - angle) if angle > 3.1 else 0.0)
        assert abs(value - float(true)) <= slack * top, angle
    assert found[0] == pytest.approx(top, rel=3e-15)


@pytest.mark.parametrize("name", ["relu", "relu, bias", "abs"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_collapsed_and_uncollapsed_kernels_agree(name: str, dtype: str) -> None:
    rng = np.random.default_rng(4)
    x = rng.standard_normal((40, SIZE))
    x /= np.sqrt((x * x).mean(axis=1, keepdims=True))
    x[1] = x[0]
    x[2] = -x[0]
    x[3] = x[0] + 1e-5 * x[4]
    x[3] /= np.sqrt((x[3] ** 2).mean())
    short, long = (
        ntkc.compile(source=text(name), dtype=dtype, collapse=c)(x.astype(dtype))
        for c in (True, False)
    )
    tolerance = 3e-13 if dtype == "float64" else 4e-6
    assert np.abs(short - long).max() <= tolerance * np.abs(long).max()
    gaps = [k[0, 0] - k[0, 3] for k in (short, long)]
    assert gaps[0] == pytest.approx(gaps[1], rel=1e-2)
    assert short[0, 1] == pytest.approx(short[0, 0], rel=1e-14 if dtype == "float64" else 1e-7)


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e-6), ("float64", 1e-13)])
def test_the_diagonal_of_a_deep_network(dtype: str, limit: float) -> None:
    """NTK of depth 50 at coincidence, ReLU with w_std^2 = 2: 2 (L + 1) |x|^2/size."""
    body = "{ dense(w_std = sqrt(2)) -> relu } * 50"
    x, _ = inputs()
    kernel = ntkc.compile(source=network(body, "dense(w_std = sqrt(2))", size=SIZE), dtype=dtype)
    found = kernel(np.repeat(x, 2, axis=0).astype(dtype))
    assert np.abs(found / (2 * 51) - 1).max() <= limit


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "relu, bias", "abs"])
@pytest.mark.parametrize(("dtype", "limit"), [("float64", 80), ("float32", 44)])
def test_kinked_networks_are_short_quotients(name: str, dtype: str, limit: int) -> None:
    """A layer takes 53 to 61 flops; before quotients, series took 129 to 354."""
    found = list(collapsible(folded(text(name)), dtype))
    assert [c.root for c in found] == ["nngp", "ntk"]
    for collapsed in found:
        assert "quotient" in collapsed.fit.words
        assert collapsed.after <= limit


def test_what_neither_quotient_nor_table_meets_is_a_series() -> None:
    """A kinked network with a bias, in float64: held to the recursion in 50 digits at one point."""
    source = network("{ dense(b_std = 0.1) -> abs } * 20", "dense", size=NORMALIZED)
    found = {c.root: c for c in collapsible(folded(source), "float64")}
    assert "Chebyshev" in found["ntk"].fit.words
    x1, x2 = inputs()
    exact = mpmath_arithmetic(50)
    numbers = [np.vectorize(exact.number, otypes=[object])(x) for x in (x1, x2[6:7])]
    expected = interpret(understood(source).module, *numbers, arithmetic=exact)["ntk"][0, 0]
    value = ntkc.compile(source=source)(x1, x2[6:7])[0, 0]
    # As above, for 20 layers.
    assert value == pytest.approx(float(expected), rel=7e-15)


def test_known_values() -> None:
    """Depth 10 at an angle of pi/3 in 30-digit arithmetic."""
    body = "{ dense(w_std = sqrt(2)) -> relu } * 10"
    kernel = ntkc.compile(source=network(body, "dense(w_std = sqrt(2))", size=SIZE))
    x1, x2 = inputs()
    place = int(np.argmin(np.abs(ANGLES - np.pi / 3)))
    found = [float(kernel(x1, x2, get=root)[0, place]) for root in ("nngp", "ntk")]
    assert found == pytest.approx([1.7952934596146451, 8.2167030528454977], rel=3e-14)


# --- what does not collapse --------------------------------------------------------------

STAYS = {
    "the parameter `w` is known when the kernel is called": network(
        "{ dense(w_std = w) -> relu -> dense(b_std = w) -> relu } * 10", "dense",
        size=NORMALIZED, before="param w = 1.3\n",
    ),
    "the variances of its layers differ from input to input": network(
        "{ dense(b_std = 0.1) -> relu } * 20", "dense", size=SIZE
    ),
    "it is shallow and smooth, and starts from covariances": network(
        "{ dense -> tanh } * 4", "dense", size=NORMALIZED
    ),
}  # fmt: skip


@pytest.mark.parametrize("why", STAYS)
def test_reasons(why: str) -> None:
    module = folded(STAYS[why])
    assert not list(collapsible(module, "float64"))
    assert reason(module, "ntk") == why


def test_a_network_without_room_for_its_table_stays_a_recursion() -> None:
    """It bends within more octaves than fit: it is not forced into a series that is worse."""
    body = "{ dense(w_std = 8) -> erf } * 60"
    module = folded(network(body, "dense", size=NORMALIZED))
    assert reason(module, "ntk") == ""
    assert not list(collapsible(module, "float64"))


def test_a_network_of_exploding_variances_stays_a_recursion() -> None:
    """At coincidence variances of 1e18 are added to 1, and p q - c^2 is known to 1e20: pairs have
    their values to the root of a rounding, as of relu by its textbook recursion.
    """
    source = network("{ dense(w_std = 2) -> gelu } * 60", "dense", size=NORMALIZED)
    assert not list(collapsible(folded(source), "float64"))
    kernel = ntkc.compile(source=source)
    x1, x2 = inputs()
    pairs, own = kernel(x1, x2), kernel(x2)
    assert np.isfinite(pairs).all()
    assert (x1[0] == x2[0]).all()
    assert abs(pairs[0, 0] / own[0, 0] - 1.0) < 1e-7
    np.testing.assert_array_equal(own[0, 1:], pairs[0, 1:])


def test_shallow_networks_stay_recursions() -> None:
    assert not list(collapsible(folded(network("dense -> relu -> dense", size=SIZE)), "float64"))


def test_the_option_switches_it_off() -> None:
    module = understood(text("relu")).module
    with_it, without = (middle(module, "float64", collapse=c)["float64"] for c in (True, False))
    operations = [
        {node.op for node in topological(p.module.roots.values())} for p in (with_it, without)
    ]
    assert "kink" not in operations[0]
    assert len(with_it.tiles["ntk"].runs) < len(without.tiles["ntk"].runs)
    with pytest.raises(TypeError, match="collapse: expected True or False"):
        ntkc.compile(source=text("relu"), collapse="no")  # type: ignore[arg-type]


def test_explain_tells() -> None:
    shown = " ".join(explain_model(understood(text("relu"))).split())
    assert (
        "The ntk depends on the angle between two inputs alone: a quotient of two sums of" in shown
    )
    kept = " ".join(explain_model(understood(text("relu")), collapse=False).split())
    assert "quotient of two sums" not in kept
    (why,) = [why for why in STAYS if why.startswith("the variances")]
    assert f"The depth does not collapse: {why}" in " ".join(
        explain_model(understood(STAYS[why])).split()
    )
