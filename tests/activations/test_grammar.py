"""Activations drawn from the language's grammar, through the compiler, against quadrature.

Each formula either ends in a kernel that agrees with the integrals of the formula, or is refused
with a reason. The integrals are Gauss-Legendre rules on panels that end at kinks: over the plane
with the density of the pair as a weight, over a line where the pair is perfectly correlated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from scipy import special

from ntkc.activations._derived import DefinedSeries
from ntkc.diagnostics import Diagnostic, Kind, NtkError, Source
from ntkc.driver import Options, check, front_end
from ntkc.runtime.errors import KernelError
from tests.activations.grammar import (
    PARAMETERS,
    Array,
    Run,
    Tree,
    Z,
    by_rules,
    formulas,
    kinks,
    names,
    run,
    text,
)
from tests.backends.kernels import uncompiled

CLOSED = 1e-13
"""Of closed forms, relative to E[s(u) s(v)] with s the formula's sums of absolute values: what its
own evaluation loses too. Kernels themselves are mostly of that size."""
NEAR = 1e-14
"""A complement for which the kernel is nearly its limit, and for which nothing may blow up."""
REACH = 13.0
FAR = 200.0
"""Beyond the farthest kink of a formula: lines have slopes of 0.1 and more, shifts up to 5."""
VARIANCES = ((1.0, 1.0), (0.3, 1.7), (2.0, 0.02))
SAMPLE = VARIANCES[:2]
COSINES = (1.0, 0.6, 0.0, -0.8, -1.0)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)


def panels(cuts: Array, width: float) -> tuple[Array, Array]:
    """Nodes and weights from -REACH to REACH, on panels that end at the cuts."""
    ends = np.concatenate([np.arange(-REACH, REACH + width / 2, width), cuts])
    ends = np.unique(np.clip(ends, -REACH, REACH))
    middle, half = (ends[1:] + ends[:-1]) / 2, (ends[1:] - ends[:-1]) / 2
    nodes = (middle[:, None] + half[:, None] * NODES).ravel()
    return nodes, (half[:, None] * WEIGHTS).ravel()


@dataclass(frozen=True)
class Integrals:
    """E[g(u) g(v)] for g = f and f', and for what bounds them term by term."""

    f: float
    slope: float
    size: float
    steepness: float


FIELDS = ("f", "slope", "size", "steepness")


class Oracle:
    """Integrals of one formula."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.kinks = np.array(kinks(tree, REACH * 1.5))

    def jumps(self) -> bool:
        """Whether f itself jumps at a kink, by more than a rounding of what it is around 0."""
        usual = run(self.tree, np.linspace(-1.0, 1.0, 9)).size.max()
        for place in {*self.kinks, *kinks(self.tree, FAR)}:
            sides = run(self.tree, place + np.array([-1e-9, 1e-9]))
            rise = 1e-8 * sides.steepness.max() + 1e-12 * max(sides.size.max(), usual)
            if abs(sides.f[1] - sides.f[0]) > rise:
                return True
        return False

    def integrals(self, a: float, b: float, cosine: float) -> Integrals:
        """For standard deviations a and b."""
        if abs(cosine) == 1.0:
            cuts = np.concatenate([self.kinks / a, self.kinks / (cosine * b)])
            x, weights = panels(cuts, 0.25)
            one, two = run(self.tree, a * x), run(self.tree, cosine * b * x)
            weights = weights * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
            found = [np.sum(weights * getattr(one, n) * getattr(two, n)) for n in FIELDS]
            return Integrals(*map(float, found))
        (x, left), (y, right) = (panels(self.kinks / sd, 0.5) for sd in (a, b))
        one, two = run(self.tree, a * x), run(self.tree, b * y)
        density = _density(x.tobytes(), y.tobytes(), cosine)
        found = [(left * getattr(one, n)) @ density @ (right * getattr(two, n)) for n in FIELDS]
        return Integrals(*map(float, found))

    def visible(self, sd: float) -> bool:
        """Whether the rule sees all of E[f f]: nothing lies beyond its ends, where f grows fast, or
        is too steep for its panels.
        """
        totals = []
        for width in (0.25, 0.5):
            x, weights = panels(self.kinks / sd, width)
            at: Run = run(self.tree, sd * x)
            shares = weights * np.exp(-x * x / 2) * (at.size**2 + at.steepness**2)
            totals.append(shares.sum())
            if not np.isfinite(totals[0]) or shares[abs(x) > REACH - 1.5].sum() > 1e-15 * totals[0]:
                return False
        return bool(abs(totals[1] - totals[0]) <= 1e-13 * totals[0])


@lru_cache(maxsize=16)
def _density(x: bytes, y: bytes, cosine: float) -> Array:
    u, v = np.frombuffer(x)[:, None], np.frombuffer(y)
    square = 1.0 - cosine * cosine
    exponent = (u * u - 2.0 * cosine * u * v + v * v) / (2.0 * square)
    found: Array = np.exp(-exponent) / (2.0 * np.pi * np.sqrt(square))
    return found


def program(tree: Tree, runtime: bool) -> str:
    """A network with the formula; its parameters known when it is compiled, or when it is run."""
    used = sorted(PARAMETERS.keys() & names(tree))
    signature = "".join(f", {n} = {PARAMETERS[n]}" for n in used)
    before = f"activation f(z{signature}) = {text(tree)}\n"
    call = "f"
    if runtime and used:
        before += "".join(f"param r{n} = {PARAMETERS[n]}\n" for n in used)
        call = f"f({', '.join(f'r{n}' for n in used)})"
    return f"{before}network net {{ input vector[4]; dense -> {call} }}\n"


def reason(diagnostics: list[Diagnostic]) -> str:
    """Why a program is refused; empty where it is not."""
    errors = [d for d in diagnostics if d.kind is not Kind.WARNING]
    if not errors:
        return ""
    assert errors[0].primary is not None
    assert errors[0].primary.text
    return f"{errors[0].code}: {errors[0].primary.text}"


def examine(tree: Tree, runtime: bool, series: bool, variances: Any = VARIANCES) -> None:
    """Hold the kernel of a formula to its integrals, or see why there is none."""
    source = program(tree, runtime)
    why = reason(check(Source("<text>", source)))
    if why:
        event(why)
        return
    front = front_end(Source("<text>", source), Options())
    (node,) = (n for n in front.network.nodes() if hasattr(n.layer, "bound"))
    expanded = isinstance(node.layer.bound.activation, DefinedSeries)  # type: ignore[union-attr]
    if expanded and not series:
        event("series")
        return
    try:
        kernel = uncompiled(source)
    except NtkError:  # says what would be certified
        event("not certified")
        return
    (forms,) = front.module.activations.values()
    error = CLOSED if forms.certificate is None else forms.certificate.error
    event("certified" if expanded else "closed form")
    oracle = Oracle(tree)
    flat = oracle.jumps()  # dual_dot is 0 by convention, and the user is told
    told = any(d.code == "E0505" for d in front.warnings)
    if runtime and told:  # it jumps for other parameters, perhaps by a rounding for these
        flat = True
    if not expanded:
        assert flat == told
    for p, q in variances:
        if oracle.visible(p**0.5) and oracle.visible(q**0.5):
            _compare(kernel, oracle, p**0.5, q**0.5, error, flat)


def _compare(kernel: object, oracle: Oracle, a: float, b: float, error: float, flat: bool) -> None:
    known = [oracle.integrals(a, b, cosine) for cosine in COSINES]
    tops = oracle.integrals(a, a, 1.0), oracle.integrals(b, b, 1.0)
    size = (tops[0].size * tops[1].size) ** 0.5
    steepness = (tops[0].steepness * tops[1].steepness) ** 0.5
    # Where f jumps, kernels move by the root of the complement: by 1e-7 at NEAR.
    near = [] if flat else [1.0 - NEAR, -1.0 + NEAR]
    cosines = np.array([*COSINES, *near])
    sines = np.sqrt(np.maximum((1 - cosines) * (1 + cosines), 0.0))
    x2 = 2.0 * b * np.stack([cosines, sines, 0 * sines, 0 * sines], axis=1)
    try:
        found = kernel([[2.0 * a, 0.0, 0.0, 0.0]], x2, get=("nngp", "ntk"))  # type: ignore[operator]
    except KernelError:  # a variance that no float holds, or no certificate covers
        return
    for k, exact in enumerate([*known, known[0], known[-1]][: len(cosines)]):
        # Near +-1 the kernel has moved by NEAR sqrt(pq) E[f' f'] at most, its slope by the root.
        moved = (NEAR * a * b * steepness, (2 * NEAR) ** 0.5) if k >= len(known) else (0.0, 0.0)
        wrong = abs(found.nngp[0, k] - exact.f)
        assert wrong <= error * size + moved[0] + 1e-300, (a, b, cosines[k], exact.f)
        slope = 0.0 if flat else exact.slope
        wrong = abs(found.ntk[0, k] - a * b * cosines[k] * slope)
        # Where f' jumps, E[f' f'] moves by jump^2 (2 NEAR)^(1/2) times a density.
        limit = a * b * (error * steepness + moved[1] * 10 * (steepness + size / min(a, b) ** 2))
        assert wrong <= limit + 1e-300, (a, b, cosines[k], slope)


ROOM = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


@settings(max_examples=48, suppress_health_check=ROOM)
@given(by_rules, st.booleans())
def test_formulas_that_rules_know(tree: Tree, runtime: bool) -> None:
    examine(tree, runtime, False, SAMPLE)


@settings(max_examples=40, suppress_health_check=ROOM)
@given(formulas, st.booleans())
def test_any_formulas(tree: Tree, runtime: bool) -> None:
    examine(tree, runtime, False, SAMPLE)


@pytest.mark.slow
@settings(max_examples=1500, suppress_health_check=ROOM)
@given(by_rules, st.booleans())
def test_many_formulas_that_rules_know(tree: Tree, runtime: bool) -> None:
    examine(tree, runtime, series=False)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=ROOM)
@given(formulas, st.booleans())
def test_many_formulas_with_their_series(tree: Tree, runtime: bool) -> None:
    examine(tree, runtime, series=True)


@pytest.mark.parametrize(
    "tree",
    [
        # Like powers of z are one term, whatever the sign of a zero rate.
        ("/", ("max", ("max", ("-", Z, ("number", 4.0)), ("number", 4.0)),
               ("/", ("-", Z, ("number", 4.0)), ("number", 2.0))), ("number", 5.0)),
        # A kink of a run-time slope, nearly coincident.
        ("max", ("*", ("name", "a"), Z), ("number", 1.0)),
    ],
)  # fmt: skip
def test_formulas_that_were_wrong_once(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.activations.test_grammar.event", lambda _: None)
    for runtime in (False, True):
        examine(tree, runtime, False, SAMPLE)


def test_an_exponential_cut_at_0_of_coincident_inputs() -> None:
    """Where angles are told by numbers near 1e-30: E[e^(u + 1) e^(v + 1) [z > 0]] + 1.5^2 / 2."""
    tree = ("if", ">", Z, ("number", 0.0), ("exp", ("+", Z, ("number", 1.0))), ("name", "b"))
    a, b = 0.3**0.5, 1.7**0.5
    kernel = uncompiled(program(tree, False))
    found = kernel([[2 * a, 0, 0, 0]], [[2 * b, 0, 0, 0]], get="nngp")[0, 0]
    grown = np.exp(2.0 + (a + b) ** 2 / 2) * special.ndtr(a + b)
    assert found == pytest.approx(grown + 1.5**2 / 2, rel=1e-14)
