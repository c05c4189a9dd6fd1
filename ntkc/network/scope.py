"""Where names are looked up: a definition's parameters and a block's `let`s, then the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ntkc.diagnostics import Span
from ntkc.network.values import Value
from ntkc.syntax import ast

Want = Literal["number", "layer"] | None
"""What a place asks for, where a name could be either: `exp(1)` is a number or a layer."""

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


@dataclass(frozen=True, eq=False)
class Frame:
    """The names of one call or one block, in front of those around it."""

    outer: Frame | None
    values: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class CallSite:
    """Where the definition that is being evaluated was called."""

    name: str
    span: Span


@dataclass(frozen=True)
class Scope:
    """Where an expression stands."""

    file: FileScope
    frame: Frame | None = None
    depth: int = 0
    called: CallSite | None = None

    def enter(self) -> Scope:
        """The scope inside of a block."""
        return Scope(self.file, Frame(self.frame), self.depth, self.called)

    def bind(self, name: str, value: Value) -> None:
        """Give a name of the innermost call or block its value."""
        assert self.frame is not None
        self.frame.values[name] = value

    def local(self, name: str) -> Value | None:
        """The innermost local value of that name."""
        frame = self.frame
        while frame is not None:
            if name in frame.values:
                return frame.values[name]
            frame = frame.outer
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
