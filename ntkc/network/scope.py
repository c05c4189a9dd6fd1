"""Where names are looked up: a definition's parameters and a block's `let`s, then the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ntkc.diagnostics import Span
from ntkc.network.values import Value
from ntkc.syntax import ast

Definition = ast.Param | ast.Let | ast.Def | ast.ActivationDef


@dataclass(eq=False)
class Entry:
    """A name of a file: its definition, and where that looks up its own names.

    `broken` after a mistake that was reported about it; `value` once it is known.
    """

    statement: Definition
    file: FileScope = field(repr=False)
    broken: bool = False
    value: Value | None = None

    @property
    def name(self) -> str:
        """The name."""
        return self.statement.name.name


@dataclass(eq=False)
class FileScope:
    """The names that a file sees: its own, in any order, and those it imports."""

    entries: dict[str, Entry] = field(default_factory=dict)


@dataclass(frozen=True)
class Local:
    """One name bound inside a definition or block, in front of those around it."""

    name: str
    value: Value
    outer: Local | None


@dataclass(frozen=True)
class CallSite:
    """Where the definition that is being evaluated was called."""

    name: str
    span: Span


@dataclass(frozen=True)
class Scope:
    """Where an expression stands."""

    file: FileScope
    locals: Local | None = None
    depth: int = 0
    called: CallSite | None = None

    def bind(self, name: str, value: Value) -> Scope:
        """The scope after a `let` or a parameter."""
        return Scope(self.file, Local(name, value, self.locals), self.depth, self.called)

    def local(self, name: str) -> Value | None:
        """The innermost local value of that name."""
        found = self.locals
        while found is not None:
            if found.name == name:
                return found.value
            found = found.outer
        return None

    def entry(self, name: str) -> Entry | None:
        """The file's definition of that name."""
        return self.file.entries.get(name)


def children(expression: ast.Expr) -> Iterator[ast.Expr]:
    """The expressions directly inside of one; those of a block are its statements' own."""
    match expression:
        case ast.ListExpr(items=items):
            yield from items
        case ast.Call(arguments=arguments):
            yield from (argument.value for argument in arguments)
        case ast.Unary(operand=operand):
            yield operand
        case ast.Binary(left=left, right=right):
            yield from (left, right)
        case ast.Conditional(condition=condition, then=then, otherwise=otherwise):
            yield from (condition, then, otherwise)
        case ast.Chain(links=links):
            yield from links
        case _:
            return
