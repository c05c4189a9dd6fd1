"""The closed set of operations of kernel IR, each with its arity, attributes and meaning.

Adding one is deliberately not a one-file change: the interpreter's tables
(`ntkc.ir.arithmetic`), and each backend's table of spellings must learn it, and tests
compare those tables with this one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """What may be built: `arity` arguments (None: any number) and exactly these attributes."""

    name: str
    arity: int | None
    attributes: tuple[str, ...]
    meaning: str

    def check(self, arguments: int, attributes: Collection[str]) -> None:
        """Raise `ValueError` where a node would not be well formed."""
        if self.arity is not None and arguments != self.arity:
            raise ValueError(f"{self.name} takes {self.arity} arguments, not {arguments}")
        if set(attributes) != set(self.attributes):
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
        _scalar("round", 1, "the nearest whole number, halves to even"),
        _scalar("pow2", 1, "2 ** x for whole x between the exponents of the number type"),
        _scalar("sin", 1, "sine"),
        _scalar("cos", 1, "cosine"),
        _scalar("asin", 1, "arcsine; the argument is clipped to [-1, 1]"),
        _scalar("atan2", 2, "the angle of the point (y, x), in (-pi, pi]"),
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
    )
}

# Operations that know about inputs, activations and positions.
KERNEL = {
    op.name: op
    for op in (
        Operation("gram", 0, ("varies",), "inner product of inputs, divided by their size"),
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
    )
}

OPERATIONS: dict[str, Operation] = {**SCALAR, **KERNEL}
