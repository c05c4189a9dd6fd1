"""IR operations that SymPy lacks, as SymPy functions that differentiate and nothing more.

SymPy's own Max, Abs and Piecewise carry assumption machinery that costs more than all the
rest of a derivation; these are inert, fold only at rational numbers, and have the
derivatives that IR's `select` convention gives at the kink.
"""

from __future__ import annotations

from typing import Any

import sympy


class Select(sympy.Function):  # type: ignore[misc]
    """select(c, x, y): x where c > 0, else y."""

    nargs = 3

    @classmethod
    def eval(cls, condition: Any, yes: Any, no: Any) -> Any:
        """Choose where the condition is a number, or where there is no choice."""
        if yes == no:
            return yes
        if condition.is_positive:
            return yes
        return no if condition.is_nonpositive else None

    def fdiff(self, argindex: int = 1) -> Any:
        """The condition has no derivative: branches agree there, or the jump is ignored."""
        condition = self.args[0]
        branches = {2: (1, 0), 3: (0, 1)}.get(argindex)
        return sympy.Integer(0) if branches is None else Select(condition, *branches)


class Larger(sympy.Function):  # type: ignore[misc]
    """max(x, y)."""

    nargs = 2

    @classmethod
    def eval(cls, x: Any, y: Any) -> Any:
        """Fold at numbers."""
        return (x if x > y else y) if x.is_Number and y.is_Number else None

    def fdiff(self, argindex: int = 1) -> Any:
        """1 for the larger, 0 for the other."""
        x, y = self.args
        return Select(x - y, *((1, 0) if argindex == 1 else (0, 1)))


class Smaller(sympy.Function):  # type: ignore[misc]
    """min(x, y)."""

    nargs = 2

    @classmethod
    def eval(cls, x: Any, y: Any) -> Any:
        """Fold at numbers."""
        return (x if x < y else y) if x.is_Number and y.is_Number else None

    def fdiff(self, argindex: int = 1) -> Any:
        """1 for the smaller, 0 for the other."""
        x, y = self.args
        return Select(y - x, *((1, 0) if argindex == 1 else (0, 1)))


class Modulus(sympy.Function):  # type: ignore[misc]
    """|x|."""

    nargs = 1

    @classmethod
    def eval(cls, x: Any) -> Any:
        """Fold where the sign is known."""
        return x if x.is_positive else abs(x) if x.is_Number else None

    def fdiff(self, argindex: int = 1) -> Any:
        """The sign."""
        return Select(self.args[0], 1, -1)


class ExpMinusOne(sympy.Function):  # type: ignore[misc]
    """e^x - 1."""

    nargs = 1

    @classmethod
    def eval(cls, x: Any) -> Any:
        """Fold at 0."""
        return sympy.Integer(0) if x.is_zero else None

    def fdiff(self, argindex: int = 1) -> Any:
        """e^x as 1 + (e^x - 1): what cancels then does so before rounding."""
        return self + 1


class Kink(sympy.Function):  # type: ignore[misc]
    """Kink(n, mu) = K_n at the cosine 1 - mu."""

    nargs = 2

    @classmethod
    def eval(cls, degree: Any, mu: Any) -> Any:
        """Fold at coincidence."""
        return sympy.Integer(0) if mu.is_zero else None

    def fdiff(self, argindex: int = 2) -> Any:
        """dK_n/dmu = n^2 K_{n-1}; K_0 is the arc cosine."""
        degree, mu = self.args
        if degree == 0:
            return 1 / sympy.sqrt(mu * (2 - mu))
        return degree**2 * Kink(degree - 1, mu)


class NormalCdf(sympy.Function):  # type: ignore[misc]
    """The standard normal distribution function."""

    nargs = 1

    @classmethod
    def eval(cls, x: Any) -> Any:
        """Fold at 0."""
        return sympy.Rational(1, 2) if x.is_zero else None

    def fdiff(self, argindex: int = 1) -> Any:
        """The density."""
        return sympy.exp(-(self.args[0] ** 2) / 2) / sympy.sqrt(2 * sympy.pi)


class OwenT(sympy.Function):  # type: ignore[misc]
    """Owen's T function of h and the tangent y/|x|, for x >= 0."""

    nargs = 3

    @classmethod
    def eval(cls, h: Any, y: Any, x: Any) -> Any:
        """Fold at the angle 0."""
        return sympy.Integer(0) if y.is_zero else None

    def fdiff(self, argindex: int = 1) -> Any:
        """dT/dh = -exp(-h^2/2) erf(a h / sqrt 2) / (2 sqrt(2 pi)), and the integrand over the
        angle's rate (x dy - y dx) / (x^2 + y^2).
        """
        h, y, x = self.args
        if argindex == 1:
            inner = NormalCdf(h * y / x) - sympy.Rational(1, 2)
            return -sympy.exp(-(h**2) / 2) / sympy.sqrt(2 * sympy.pi) * inner
        square = x**2 + y**2
        weight = sympy.exp(-(h**2) * square / (2 * x**2)) / (2 * sympy.pi * square)
        return weight * (x if argindex == 2 else -y)


class Triangle(sympy.Function):  # type: ignore[misc]
    """The operation `triangle` of h and the tangent y/|x|, for x >= 0."""

    nargs = 3


class Edge(sympy.Function):  # type: ignore[misc]
    """Edge(degree, h, y, x): the operation `edge` of h and the tangent y/|x|, for x >= 0."""

    nargs = 4


class InverseRoot(sympy.Function):  # type: ignore[misc]
    """1/sqrt(x), and 0 for x <= 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> Any:
        """Minus half its third power."""
        return -(self**3) / 2
