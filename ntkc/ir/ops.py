"""The closed set of operations of kernel IR, each with its arity, attributes and meaning.

Adding one is deliberately not a one-file change: the interpreter's tables
(`ntkc.ir.arithmetic`, `exact`), and each backend's table of spellings must learn it, and tests
compare those tables with this one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """What may be built: `arity` arguments (None: any number) and these attributes."""

    name: str
    arity: int | None
    attributes: tuple[str, ...]
    meaning: str
    optional: tuple[str, ...] = ()
    """Attributes that may be left out."""

    def check(self, arguments: int, attributes: Collection[str]) -> None:
        """Raise `ValueError` where a node would not be well formed."""
        if self.arity is not None and arguments != self.arity:
            raise ValueError(f"{self.name} takes {self.arity} arguments, not {arguments}")
        if not attributes and not self.attributes:
            return
        if set(attributes) - set(self.optional) != set(self.attributes):
            raise ValueError(
                f"{self.name} has attributes {self.attributes}, not {tuple(attributes)}"
            )


def _scalar(name: str, arity: int, meaning: str, *attributes: str) -> Operation:
    return Operation(name, arity, attributes, meaning)


# Operations on numbers, pointwise on everything a value varies over.
SCALAR = {
    op.name: op
    for op in (
        _scalar("const", 0, "a number", "value"),
        _scalar("param", 0, "a run-time parameter", "name"),
        _scalar("symbol", 0, "a free variable of a formula", "name"),
        _scalar("add", 2, "x + y"),
        _scalar("sub", 2, "x - y"),
        _scalar("mul", 2, "x * y"),
        _scalar("div", 2, "x / y"),
        _scalar("neg", 1, "-x"),
        _scalar("abs", 1, "|x|"),
        _scalar("min", 2, "the smaller"),
        _scalar("max", 2, "the larger"),
        _scalar("select", 3, "the second where the first is > 0, else the third"),
        _scalar("sqrt", 1, "square root; 0 for rounding's negative arguments"),
        _scalar("inv_sqrt", 1, "1 / sqrt(x), and 0 for x <= 0"),
        _scalar("power", 1, "x ** exponent, a whole number >= 0", "exponent"),
        _scalar("exp", 1, "e ** x"),
        _scalar("expm1", 1, "e ** x - 1 without cancellation"),
        _scalar("log", 1, "natural logarithm"),
        _scalar(
            "coincide",
            1,
            "a complement of a correlation that was computed as 1 - rho: x, and 0 where it is no "
            "larger than what rounding makes of two equal vectors",
        ),
        _scalar("round", 1, "the nearest whole number, halves to even"),
        _scalar("pow2", 1, "2 ** x for whole x between the exponents of the number type"),
        _scalar("sin", 1, "sine"),
        _scalar("cos", 1, "cosine"),
        _scalar("asin", 1, "arcsine; the argument is clipped to [-1, 1]"),
        _scalar("atan2", 2, "the angle of the point (y, x), in (-pi, pi]"),
        _scalar("erf", 1, "the error function"),
        _scalar("normal_cdf", 1, "the standard normal distribution function"),
        _scalar(
            "owen_t",
            3,
            "of (h, y, x): Owen's T function, the integral of exp(-h^2 / (2 cos^2 t)) / (2 pi) "
            "over t from 0 to the angle of the point (|x|, y)",
        ),
        _scalar(
            "triangle",
            3,
            "of (h, y, x): the angle of the point (|x|, y) over 2 pi less `owen_t`, without "
            "cancellation: the standard normal probability of the triangle with the corners "
            "(0, 0), (|h|, 0), (|h|, |h y/x|), with the sign of y",
        ),
        _scalar(
            "edge",
            3,
            "of (h, y, x): the integral from s = h y/|x| of w(t) exp(-(h^2 + t^2)/2) dt / (2 pi), "
            "where w is h/(h^2 + t^2), t^2/(h^2 + t^2), 2 h t^2/(h^2 + t^2)^2 for the degrees 0, "
            "1, 2; s is 0 where y is",
            "degree",
        ),
        _scalar(
            "kink",
            1,
            "K_degree at cosine 1 - mu, 0 <= mu <= 1: K_0 = arccos, K_n' = -n^2 K_{n-1} "
            "in the cosine, K_n(1) = 0",
            "degree",
        ),
        _scalar(
            "polynomial",
            1,
            "sum of coefficients[k] * x**k",
            "coefficients",
        ),
        _scalar(
            "octaves",
            1,
            "sum of rows[i][k] * t**k: the numbers from 2**first on are cut into octaves, each of "
            "them into 2**bits equal parts with a row each; x lies in part i, at t from -1/2 to "
            "1/2; x outside counts as the nearest inside",
            "first",
            "bits",
            "rows",
        ),
        _scalar("chebyshev", 1, "sum of coefficients[k] * T_k(x), -1 <= x <= 1", "coefficients"),
    )
}

# Operations that know about inputs, activations and positions.
KERNEL = {
    op.name: op
    for op in (
        Operation(
            "gram",
            0,
            ("varies",),
            "inner product of inputs (of their channels at two positions), divided by their size",
            ("space",),
        ),
        Operation("product", 0, (), "inner product of x1 and x2, as a BLAS delivers it"),
        Operation("inverse_size", 0, (), "1 / the size of an input"),
        Operation(
            "gram_complement",
            0,
            (),
            "1 - cosine of the angle between x1 and x2, to full relative accuracy; 1 where "
            "either is zero",
        ),
        Operation(
            "gram_distance",
            0,
            (),
            "half the squared distance of x1 and x2 (of their channels at two positions), divided "
            "by their size",
            ("space",),
        ),
        Operation(
            "dual",
            None,
            ("activation",),
            "E[f(u) f(v)] for (k12, k11, k22, *parameters)",
        ),
        Operation(
            "dual_dot",
            None,
            ("activation",),
            "E[f'(u) f'(v)] for (k12, k11, k22, *parameters)",
        ),
        Operation(
            "dropout",
            2,
            (),
            "(k, rate): k between different inputs, k / (1 - rate) of an input with itself",
        ),
        Operation(
            "within",
            1,
            ("high", "low", "strict", "what"),
            "the value, which must lie in [low, high] (below high where strict); `what` names it",
        ),
        Operation(
            "carry",
            1,
            (),
            "the value itself, carried from one layer to the next: schedules cut here",
        ),
        Operation("where_same", 2, (), "the first value where p = p', the second elsewhere"),
    )
}

_WINDOW = ("before", "circular", "out", "size", "stride")

# Linear maps on positions. A CROSS value of a space S is a function K of two positions p, p' in S,
# a ROW or COL value a function of one. A window at p covers the cells stride * p - before + o for
# offsets 0 <= o < size (times the dilation); `out` is the space of the result; cells outside count
# as 0, unless `circular`.
SPATIAL = {
    op.name: op
    for op in (
        Operation(
            "window",
            1,
            (*_WINDOW, "dilation"),
            "mean over the window's offsets o of K[p + o, p' + o]: one offset for both positions",
        ),
        Operation(
            "spread",
            1,
            (*_WINDOW, "dilation"),
            "the adjoint of a sum over windows, divided by the window's size",
        ),
        Operation(
            "pool",
            1,
            (*_WINDOW, "divide"),
            "sum over a window at p and one at p'; `divide` says by what: none, size, or inside "
            "(the cells inside of the space), for each of the two windows",
        ),
        Operation("sum_positions", 1, (), "sum over all p and p'"),
        Operation("mean_diagonal", 1, (), "mean over all p = p'"),
        Operation("same_position", 1, (), "K where p = p', 0 elsewhere"),
        Operation(
            "embed",
            1,
            ("out", "start"),
            "K in a larger space from `start` on, 0 elsewhere; schedules say for which `segment`",
            ("segment",),
        ),
        Operation(
            "own",
            1,
            ("varies",),
            "the value of a pair, for an input with itself and p = p'",
        ),
    )
}

OPERATIONS: dict[str, Operation] = {**SCALAR, **KERNEL, **SPATIAL}
