"""The canonical layout of a program.

The laws: formatting changes no meaning (`parse(format(p)) == p`), formatting twice is formatting
once, and every comment survives. Layout follows from the tree alone, except that a number keeps
its spelling and at most one blank line stays between two statements.
"""

from __future__ import annotations

import re
from typing import Final

from ntkc.syntax import ast
from ntkc.syntax.comments import Comments, Container, Item, items_of
from ntkc.syntax.layout import (
    HARD,
    Break,
    Document,
    Group,
    Indent,
    Text,
    Trailing,
    join,
    print_document,
)
from ntkc.syntax.limits import MAX_NUMBER_LENGTH
from ntkc.syntax.words import NUMBER_PATTERN

WIDTH: Final = 88

# How tightly an expression holds together; an operand below what its place needs is bracketed.
_CHAIN, _CONDITIONAL, _COMPARISON, _SUM, _PRODUCT, _UNARY, _POWER, _ATOM = range(8)
_BINDING: Final = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "^": _POWER}


def format_file(file: ast.File) -> str:
    """The text of a file in the canonical layout."""
    writer = _Writer(file)
    text = print_document(writer.file(file), WIDTH)
    return f"{text}\n" if text else ""


class _Writer:
    def __init__(self, file: ast.File) -> None:
        self._comments = Comments(file)
        self._text = file.span.source.text

    # ---- Statements

    def file(self, file: ast.File) -> Document:
        return self._lines(file, HARD)

    def _statement(self, node: Item) -> Document:
        match node:
            case ast.Param():
                return self._given(f"param {node.name.name} =", node.value)
            case ast.Let():
                return self._given(f"let {node.name.name} =", node.value)
            case ast.Def() | ast.ActivationDef():
                return self._definition(node)
            case ast.Import():
                return Text(f'import "{node.path}"')
            case ast.NetworkDef():
                return self._network(node)
            case ast.Input():
                return self._input(node)
            case ast.Argument() | ast.Parameter():
                return self._item(node)
            case _:
                return self._expression(node)

    def _definition(self, node: ast.Def | ast.ActivationDef) -> Document:
        word = "def" if isinstance(node, ast.Def) else "activation"
        head = f"{word} {node.name.name}"
        if not items_of(node):
            return self._given(f"{head} =", node.body)
        return (self._bracketed(f"{head}(", node, ")"), self._given(" =", node.body))

    def _given(self, head: str, value: ast.Expr) -> Document:
        """`head value`: the value on the same line, or else indented on the next."""
        if _hugs(value):
            return (Text(f"{head} "), self._expression(value))
        body = self._chain(value) if isinstance(value, ast.Chain) else (self._expression(value),)
        return Group((Text(head), Indent((Break(), Group(body)))))

    def _network(self, node: ast.NetworkDef) -> Document:
        opening = self._opening(node)
        body = Indent((HARD, self._lines(node, HARD)))
        return (Text(f"network {node.name.name} {{"), opening, body, HARD, Text("}"))

    def _input(self, node: ast.Input) -> Document:
        sizes = [Text("?") if size is None else self._expression(size) for size in node.sizes]
        inside = Indent((Break(""), join((Text(","), Break()), sizes)))
        end = "] normalized" if node.normalized else "]"
        return Group((Text(f"input {node.kind.name}["), inside, Break("", ","), Text(end)))

    # ---- Containers

    def _lines(self, container: ast.File | ast.NetworkDef | ast.Block, end: Break) -> Document:
        """The statements and comments of a container, with the line ends between them."""
        parts: list[Document] = []
        last_end: int | None = None
        for item in items_of(container):
            leading = self._comments.before(item)
            for comment in leading:
                start = min(comment.span.start, item.span.start)
                parts += [self._line_end(last_end, start, HARD), Text(comment.text)]
                last_end = comment.span.end
            parts += [self._line_end(last_end, item.span.start, HARD if leading else end)]
            parts += [self._statement(item), self._behind(item)]
            behind = self._comments.behind(item)
            last_end = item.span.end if behind is None else behind.span.end
        for comment in self._comments.at_end(container):
            parts += [self._line_end(last_end, comment.span.start, HARD), Text(comment.text)]
            last_end = comment.span.end
        return tuple(parts)

    def _line_end(self, last_end: int | None, start: int, end: Break) -> Document:
        if last_end is None:
            return ()
        blank = self._text.count("\n", last_end, start) > 1
        return (end, Break("", hard=end.hard)) if blank else end

    def _block(self, node: ast.Block) -> Document:
        opening = self._opening(node)
        at_end = self._comments.at_end(node)
        if not (node.statements or at_end or opening):
            return Text("{}")
        lines = self._lines(node, Break("; "))
        last = HARD if at_end else Break()
        return Group((Text("{"), opening, Indent((Break(), lines)), last, Text("}")))

    def _bracketed(self, opener: str, node: Container, closer: str) -> Document:
        """The items of a container between brackets, with commas."""
        items = items_of(node)
        opening = self._opening(node)
        at_end = tuple((HARD, Text(comment.text)) for comment in self._comments.at_end(node))
        if not (items or at_end or opening):
            return Text(opener + closer)
        first = Break("") if items else ()
        body = join((Text(","), Break()), [self._with_comments(item) for item in items])
        comma = Text(",") if items and at_end else ()
        last = Break("", "," if items and not at_end else "")
        inside = Indent((first, *body, comma, *at_end))
        return Group((Text(opener), opening, inside, last, Text(closer)))

    def _with_comments(self, item: Item) -> Document:
        leading = [(Text(comment.text), HARD) for comment in self._comments.before(item)]
        return (*leading, self._statement(item), self._behind(item))

    def _opening(self, container: Container) -> Document:
        comment = self._comments.opening(container)
        return () if comment is None else Trailing(comment.text)

    def _behind(self, item: Item) -> Document:
        comment = self._comments.behind(item)
        return () if comment is None else Trailing(comment.text)

    def _item(self, node: ast.Argument | ast.Parameter) -> Document:
        if isinstance(node, ast.Parameter):
            if node.default is None:
                return Text(node.name.name)
            return (Text(f"{node.name.name} = "), self._expression(node.default))
        value = self._expression(node.value)
        return value if node.name is None else (Text(f"{node.name} = "), value)

    # ---- Expressions

    def _expression(self, node: Item, binding: int = _CHAIN) -> Document:
        """An expression, in parentheses where its place needs them."""
        document = self._bare(node)
        return (Text("("), document, Text(")")) if _binding(node) < binding else document

    def _bare(self, node: Item) -> Document:
        match node:
            case ast.Number():
                return Text(_number(node))
            case ast.Bool():
                return Text("true" if node.value else "false")
            case ast.Name():
                return Text(node.name)
            case ast.Size():
                return Text("x".join(str(extent) for extent in node.extents))
            case ast.ListExpr():
                return self._bracketed("[", node, "]")
            case ast.Call():
                return self._bracketed(f"{node.function.name}(", node, ")")
            case ast.Unary():
                return (Text(node.operator), self._expression(node.operand, _UNARY))
            case ast.Binary():
                return self._binary(node)
            case ast.Conditional():
                return self._conditional(node)
            case ast.Chain():
                first, *others = self._chain(node)
                return Group((first, Indent(tuple(others))))
            case ast.Block():
                return self._block(node)
        raise TypeError(f"not an expression: {node!r}")

    def _binary(self, node: ast.Binary) -> Document:
        level = _BINDING.get(node.operator, _COMPARISON)
        if level == _POWER:
            left = self._expression(node.left, _ATOM)
            return (left, Text("^"), self._expression(node.right, _UNARY))
        left = self._expression(node.left, level + (level == _COMPARISON))
        right = self._expression(node.right, level + 1)
        if _hugs(node.right):
            return (left, Text(f" {node.operator} "), right)
        return (left, Group((Text(f" {node.operator}"), Indent((Break(), right)))))

    def _conditional(self, node: ast.Conditional) -> Document:
        parts: list[Document] = []
        rest: ast.Expr = node
        word = "if "
        while isinstance(rest, ast.Conditional):
            then = (Text("then "), self._expression(rest.then))
            condition = self._expression(rest.condition)
            parts += [Group((Text(word), condition, Indent((Break(), then)))), Break()]
            rest, word = rest.otherwise, "else if "
        return Group((*parts, Text("else "), self._expression(rest, _CONDITIONAL)))

    def _chain(self, node: ast.Chain) -> tuple[Document, ...]:
        first, *others = node.links
        parts: list[Document] = [(self._expression(first, _CONDITIONAL), self._behind(first))]
        for link in others:
            parts.append(Break())
            parts += [(Text(comment.text), HARD) for comment in self._comments.before(link)]
            parts += [Text("-> "), self._expression(link, _CONDITIONAL), self._behind(link)]
        return tuple(parts)


def _binding(node: Item) -> int:
    match node:
        case ast.Chain():
            return _CHAIN
        case ast.Conditional():
            return _CONDITIONAL
        case ast.Binary():
            return _BINDING.get(node.operator, _COMPARISON)
        case ast.Unary():
            return _UNARY
        case _:
            return _ATOM


def _hugs(node: ast.Expr) -> bool:
    """Whether an expression opens a bracket at once, and so breaks well behind other text."""
    while isinstance(node, ast.Binary):
        node = node.left
    return isinstance(node, ast.Block | ast.Call | ast.ListExpr)


def _number(node: ast.Number) -> str:
    if node.integer:
        return str(int(node.value))
    text = node.span.text
    if not re.fullmatch(NUMBER_PATTERN, text) or text.isdigit() or float(text) != node.value:
        return repr(node.value)
    return _tidy_number(text) if len(text) < MAX_NUMBER_LENGTH - 1 else text


def _tidy_number(text: str) -> str:
    """`.5` as `0.5`, `1.` as `1.0`, `1E5` as `1e5`."""
    digits, exponent, power = text.lower().partition("e")
    whole, point, fraction = digits.partition(".")
    if point:
        digits = f"{whole or '0'}.{fraction or '0'}"
    return digits + exponent + power
