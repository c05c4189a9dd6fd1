"""The abstract syntax of `.ntk` files: frozen nodes that compare by meaning.

Spans take no part in equality, so `parse(format(program)) == program` can be asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ntkc.diagnostics import Span

# The language has one expression grammar; what an expression means (a number, a
# layer, a size) is decided when names are resolved, not here.


@dataclass(frozen=True)
class Number:
    """A literal such as `3` or `1e-3`; `integer` when written without point or exponent."""

    value: float
    integer: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Bool:
    """`true` or `false`."""

    value: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Name:
    """A name: a layer, an activation, a definition, a parameter, or a word such as `same`."""

    name: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Size:
    """`3x3`, `2x2x2`: one whole number for every spatial dimension."""

    extents: tuple[int, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class ListExpr:
    """`[1, 0, -1]`."""

    items: tuple[Expr, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Argument:
    """One argument of a call: positional when `name` is None."""

    name: str | None
    value: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Call:
    """`conv(3x3, padding = same)`."""

    function: Name
    arguments: tuple[Argument, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Unary:
    """`-x`."""

    operator: str
    operand: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Binary:
    """`+ - * / ^`, and the comparisons `< <= > >= == !=`."""

    operator: str
    left: Expr
    right: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Conditional:
    """`if condition then a else b`."""

    condition: Expr
    then: Expr
    otherwise: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Chain:
    """`a -> b -> c`: at least two layers in sequence."""

    links: tuple[Expr, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Block:
    """`{ ... }`: statements in sequence, each a layer or a `let`."""

    statements: tuple[Let | Expr, ...]
    span: Span = field(compare=False, repr=False)


Expr = Number | Bool | Name | Size | ListExpr | Call | Unary | Binary | Conditional | Chain | Block


@dataclass(frozen=True)
class Param:
    """`param w_std = 1.4`: a run-time keyword of the compiled kernel."""

    name: Name
    value: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Let:
    """`let depth = 3`: a compile-time constant."""

    name: Name
    value: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Parameter:
    """One formal parameter of a `def` or an `activation`."""

    name: Name
    default: Expr | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Def:
    """`def block(n) = ...`: a named, parameterised expression."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class ActivationDef:
    """`activation name(z, a = 1) = ...`: a user's activation; the first name is its variable."""

    name: Name
    variable: Name
    parameters: tuple[Parameter, ...]
    body: Expr
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Import:
    """`import "blocks.ntk"`."""

    path: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class Input:
    """`input image[32, 32, ?] normalized`: `None` stands for an open size.

    `sizes` may be any expressions that come to whole numbers (a `let` may be used).
    """

    kind: Name
    sizes: tuple[Expr | None, ...]
    normalized: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class NetworkDef:
    """`network name { input ...; layers }`."""

    name: Name
    input: Input
    body: Block
    span: Span = field(compare=False, repr=False)


Statement = Param | Let | Def | ActivationDef | Import | NetworkDef


@dataclass(frozen=True)
class Comment:
    """A `#` comment; `own_line` when nothing stands before it on its line."""

    text: str
    own_line: bool
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class File:
    """A whole file. Comments take no part in its meaning."""

    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...] = field(compare=False)
    span: Span = field(compare=False, repr=False)
