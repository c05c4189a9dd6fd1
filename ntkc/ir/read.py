"""The reader of kernel IR's textual form: what `ntkc.ir.text.parse_module` does."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ntkc.diagnostics import Diagnostic, Label, ProgramError, Source, Span
from ntkc.diagnostics.suggest import did_you_mean
from ntkc.ir.module import DualForms, Input, Module, Parameter
from ntkc.ir.node import Attribute, Node, const, make, param
from ntkc.ir.ops import OPERATIONS
from ntkc.ir.text import parse_number

if TYPE_CHECKING:
    from lark import Lark, Token

MAX_CHARACTERS: Final = 1 << 24
MAX_LITERAL: Final = 400  # characters of a number: the longest exact decimal of a float
MAX_NESTING: Final = 8  # of tuples in attributes
_BRACKETS = re.compile(r'"(?:[^"\\\n]|\\.)*"|#[^\n]*|[()]')
_SHAPE = "a value is written `%3 = mul %1 2.0`, with attributes as `{degree=1}`"


class Reader:
    """Reads one text. Stops at the first mistake, with a `ProgramError` that shows it."""

    def __init__(self, source: Source, activations: Callable[[str], DualForms]) -> None:
        self._source = source
        self._forms = activations
        self._values: dict[str, Node] = {}
        self._spans: dict[Node, Span] = {}
        self._activations: dict[str, DualForms] = {}
        self._parameters: dict[str, Parameter] = {}

    def module(self) -> Module:
        """The module."""
        self._check_bounds()
        network, declared, *rest = self._parse().children
        roots: dict[str, Node] = {}
        for line in rest:
            if line.data == "param":
                self._parameter(*line.children)
            elif line.data == "value":
                self._value(line)
            else:
                name, operand = line.children
                if name in roots:
                    self._fail("IR03", f"the root `{name}` is given twice", name)
                roots[str(name)] = self._operand(operand)
        return Module(
            name=self._word(network.children[0]),
            input=self._input(declared),
            parameters=tuple(self._parameters.values()),
            roots=roots,
            activations=self._activations,
            spans=self._spans,
        )

    def _check_bounds(self) -> None:
        text = self._source.text
        if len(text) > MAX_CHARACTERS:
            self._fail("IR02", f"IR text has at most {MAX_CHARACTERS} characters", None)
        depth = 0
        for found in _BRACKETS.finditer(text):
            depth += {"(": 1, ")": -1}.get(found[0], 0)
            if depth > MAX_NESTING:
                span = Span(self._source, found.start(), found.end())
                self._fail("IR02", f"tuples nest at most {MAX_NESTING} deep", span)

    def _parse(self) -> Any:
        from lark import Token, UnexpectedCharacters, UnexpectedToken

        try:
            return _parser().parse(self._source.text)
        except UnexpectedToken as error:
            token = error.token
            assert isinstance(token, Token)
            end = token.type == "$END"
            where = self._end() if end else token
            what = "the text ends too early" if end else f"{_shown(token)} is not expected here"
            self._fail("IR01", what, where, _SHAPE)
        except UnexpectedCharacters as error:
            at = error.pos_in_stream or 0
            span = Span(self._source, at, at + 1)
            self._fail("IR01", f"{span.text!r} is not expected here", span, _SHAPE)

    def _end(self) -> Span:
        end = len(self._source.text.rstrip())
        return Span(self._source, end, end)

    def _input(self, line: Any) -> Input:
        kind, *sizes, normalized = line.children
        known = tuple(None if s is None or s == "?" else self._size(s) for s in sizes)
        if sizes == [None]:
            known = ()
        return Input(str(kind), known, normalized is not None)

    def _size(self, token: Token) -> int:
        value = self._number(token)
        if not isinstance(value, int) or value < 1:
            self._fail("IR01", "a size is a whole number, at least 1, or `?`", token)
        return value

    def _parameter(self, name: Token, default: Token) -> None:
        key = self._word(name)
        if key in self._parameters:
            self._fail("IR03", f"the parameter `{key}` is declared twice", name)
        self._parameters[key] = Parameter(key, self._number(default))

    def _value(self, line: Any) -> None:
        target, op, operands, *attributes = line.children
        if target in self._values:
            self._fail("IR03", f"`{target}` has a value already", target)
        args = tuple(self._operand(token) for token in operands.children)
        attrs = self._attributes(attributes[0]) if attributes else {}
        self._values[str(target)] = node = self._make(op, args, attrs)
        if "activation" in attrs:
            self._bind_activation(str(attrs["activation"]), op)
        last = next(reversed(list(line.scan_values(lambda _: True))))
        self._spans.setdefault(node, _span(self._source, target).to(_span(self._source, last)))

    def _make(self, op: Token, args: tuple[Node, ...], attrs: dict[str, Attribute]) -> Node:
        if op not in OPERATIONS:
            help = did_you_mean(op, OPERATIONS)
            self._fail("IR04", f"there is no operation `{op}`", op, help)
        if str(op) == "const" and not _is_finite(attrs.get("value")):
            self._fail("IR04", "a constant must be finite", op)
        if str(attrs.get("varies", "ROW")) not in ("ROW", "COL", "CROSS"):
            self._fail("IR04", "a value varies over ROW, COL or CROSS", op)
        try:
            return make(str(op), *args, **attrs)
        except ValueError as error:
            self._fail("IR04", str(error), op)

    def _bind_activation(self, key: str, op: Token) -> None:
        try:
            self._activations[key] = self._forms(key)
        except KeyError:
            self._fail("IR05", f"there is no activation `{key}`", op)

    def _operand(self, token: Token) -> Node:
        if token.type == "NUMBER":
            value = self._number(token)
            if not isinstance(value, float) or not math.isfinite(value):
                self._fail("IR01", "an operand is a finite number with a point, as `2.0`", token)
            return const(value)
        if token.type == "PARAMETER":
            name = self._word(token[1:])
            if name not in self._parameters:
                self._fail("IR03", f"the parameter `{name}` is not declared", token)
            return param(name)
        if token not in self._values:
            self._fail("IR03", f"`{token}` has no value yet", token)
        return self._values[token]

    def _attributes(self, tree: Any) -> dict[str, Attribute]:
        found: dict[str, Attribute] = {}
        for attribute in tree.children:
            if attribute is None:
                continue
            name, value = attribute.children
            if name in found:
                self._fail("IR03", f"the attribute `{name}` is given twice", name)
            found[str(name)] = self._literal(value)
        return found

    def _literal(self, value: Any) -> Attribute:
        from lark import Tree

        if isinstance(value, Tree):
            return tuple(self._literal(item) for item in value.children)
        if value.type == "NUMBER":
            return self._number(value)
        if value.type in ("TRUE", "FALSE"):
            return bool(value.type == "TRUE")
        return self._word(value)

    def _number(self, token: Token) -> float | int:
        if len(token) > MAX_LITERAL:
            self._fail("IR02", f"a number has at most {MAX_LITERAL} characters", token)
        try:
            return parse_number(token)
        except OverflowError:
            self._fail("IR01", f"`{token}` is too large for a number", token)

    def _word(self, token: str) -> str:
        if not token.startswith('"'):
            return str(token)
        try:
            return str(json.loads(token))
        except ValueError:
            self._fail("IR01", "this text in quotes has a wrong escape", token)

    def _fail(self, code: str, message: str, where: object, help: str = "") -> NoReturn:
        span = where if isinstance(where, Span) else _token_span(self._source, where)
        primary = None if span is None else Label(span)
        helps = (help,) if help else ()
        raise ProgramError((Diagnostic(code, message, primary, help=helps),))


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _shown(token: Token) -> str:
    return "a line's end" if token.type == "_NEWLINE" else f"`{token}`"


def _token_span(source: Source, where: object) -> Span | None:
    from lark import Token

    return _span(source, where) if isinstance(where, Token) else None


def _span(source: Source, token: Token) -> Span:
    assert token.start_pos is not None
    assert token.end_pos is not None
    return Span(source, token.start_pos, token.end_pos)


_lock = Lock()


def _parser() -> Lark:
    with _lock:
        return _build()


@cache
def _build() -> Lark:
    from lark import Lark

    package = Path(__file__).resolve().parents[1]
    installed = package / "_grammar" / "ir.lark"
    path = installed if installed.is_file() else package.parent / "grammar" / "ir.lark"
    grammar = path.read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", maybe_placeholders=True)
