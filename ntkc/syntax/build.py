"""From Lark's tree to the nodes of `ntkc.syntax.ast`, no deeper than the bound allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lark import Token, Tree

from ntkc.diagnostics import Source, Span
from ntkc.syntax import ast
from ntkc.syntax.limits import MAX_NESTING
from ntkc.syntax.report import Reporter, span_of

if TYPE_CHECKING:
    Node: TypeAlias = Tree[Token]
else:
    Node: TypeAlias = Tree


class TooDeepError(Exception):
    """Carries the span of what stands deeper than `MAX_NESTING`."""

    def __init__(self, span: Span) -> None:
        self.span = span
        super().__init__(span)


def build_file(tree: Node, comments: tuple[ast.Comment, ...], report: Reporter) -> ast.File | None:
    """The file that a tree stands for; None, and a report, if it is nested too deeply."""
    source = report.source
    builder = _Builder(source)
    statements: list[ast.Statement] = []
    for child in _trees(tree):
        try:
            statements.append(builder.statement(child))
        except TooDeepError as error:
            report_nesting(report, error.span)
    whole = Span(source, 0, len(source.text))
    return None if report.count else ast.File(tuple(statements), comments, whole)


def report_nesting(report: Reporter, span: Span) -> None:
    """Say that an expression is nested too deeply, and where."""
    message = f"this expression is nested more than {MAX_NESTING} deep"
    hint = "name a part of it with `let` or `def`"
    report.at("E0202", message, span, "brackets, operators and `if` count", help=hint)


class _Builder:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._depth = 0

    # ---- Statements

    def statement(self, tree: Node) -> ast.Statement:
        build: Callable[[Node], ast.Statement] = getattr(self, f"_{tree.data}")
        return build(tree)

    def _param(self, tree: Node) -> ast.Param:
        name, value = tree.children
        return ast.Param(self._name_of(name), self._expression(value), self._span(tree))

    def _let(self, tree: Node) -> ast.Let:
        name, value = tree.children
        return ast.Let(self._name_of(name), self._expression(value), self._span(tree))

    def _def(self, tree: Node) -> ast.Def:
        name, *formals, body = tree.children
        parameters = self._parameters(_trees(formals[0])) if formals else ()
        return ast.Def(self._name_of(name), parameters, self._expression(body), self._span(tree))

    def _activation(self, tree: Node) -> ast.ActivationDef:
        name, variable, *formals, body = tree.children
        return ast.ActivationDef(
            self._name_of(name),
            self._name_of(variable),
            self._parameters([formal for formal in formals if isinstance(formal, Tree)]),
            self._expression(body),
            self._span(tree),
        )

    def _parameters(self, formals: list[Node]) -> tuple[ast.Parameter, ...]:
        return tuple(
            ast.Parameter(
                self._name_of(formal.children[0]),
                self._expression(formal.children[1]) if len(formal.children) > 1 else None,
                self._span(formal),
            )
            for formal in formals
        )

    def _import(self, tree: Node) -> ast.Import:
        return ast.Import(str(tree.children[0])[1:-1], self._span(tree))

    def _network(self, tree: Node) -> ast.NetworkDef:
        input_tree, *lines = _trees(tree)
        given = self._input(input_tree)
        statements = self._lines(lines)
        end = self._span(tree).end
        start = statements[0].span.start if statements else end - 1
        body = ast.Block(statements, Span(self._source, start, end))
        return ast.NetworkDef(self._name_of(tree.children[0]), given, body, self._span(tree))

    def _input(self, tree: Node) -> ast.Input:
        kind, *sizes = tree.children
        normalized = isinstance(sizes[-1], Token)
        if normalized:
            sizes.pop()
        return ast.Input(
            self._name_of(kind),
            tuple(None if _is(size, "open_size") else self._expression(size) for size in sizes),
            normalized,
            self._span(tree),
        )

    def _lines(self, lines: list[Node]) -> tuple[ast.Let | ast.Expr, ...]:
        return tuple(
            self._let(line) if _is(line, "let") else self._expression(line) for line in lines
        )

    # ---- Expressions

    def _expression(self, tree: Any) -> ast.Expr:
        if self._depth == MAX_NESTING:
            raise TooDeepError(self._span(tree))
        self._depth += 1
        try:
            return _EXPRESSIONS[tree.data](self, tree)
        finally:
            self._depth -= 1

    def _chain(self, tree: Node) -> ast.Chain:
        return ast.Chain(self._all(tree.children), self._span(tree))

    def _conditional(self, tree: Node) -> ast.Conditional:
        condition, then, otherwise = self._all(tree.children)
        return ast.Conditional(condition, then, otherwise, self._span(tree))

    def _binary(self, tree: Node) -> ast.Binary:
        left, operator, right = tree.children
        return ast.Binary(
            str(operator), self._expression(left), self._expression(right), self._span(tree)
        )

    def _unary(self, tree: Node) -> ast.Unary:
        operator, operand = tree.children
        return ast.Unary(str(operator), self._expression(operand), self._span(tree))

    def _number(self, tree: Node) -> ast.Number:
        text = str(tree.children[0])
        return ast.Number(float(text), text.isdigit(), self._span(tree))

    def _size(self, tree: Node) -> ast.Size:
        extents = tuple(int(extent) for extent in str(tree.children[0]).split("x"))
        return ast.Size(extents, self._span(tree))

    def _true(self, tree: Node) -> ast.Bool:
        return ast.Bool(True, self._span(tree))

    def _false(self, tree: Node) -> ast.Bool:
        return ast.Bool(False, self._span(tree))

    def _name(self, tree: Node) -> ast.Name:
        return self._name_of(tree.children[0])

    def _call(self, tree: Node) -> ast.Call:
        function, *arguments = tree.children
        return ast.Call(
            self._name_of(function),
            tuple(self._argument(argument) for argument in arguments),
            self._span(tree),
        )

    def _argument(self, tree: Any) -> ast.Argument:
        if _is(tree, "named"):
            name, value = tree.children
            return ast.Argument(str(name), self._expression(value), self._span(tree))
        return ast.Argument(None, self._expression(tree), self._span(tree))

    def _list(self, tree: Node) -> ast.ListExpr:
        return ast.ListExpr(self._all(tree.children), self._span(tree))

    def _block(self, tree: Node) -> ast.Block:
        return ast.Block(self._lines(_trees(tree)), self._span(tree))

    def _group(self, tree: Node) -> ast.Expr:
        # Parentheses leave no trace but in the spans of what stands around them.
        return self._expression(tree.children[0])

    # ---- Parts

    def _all(self, trees: list[Any]) -> tuple[ast.Expr, ...]:
        return tuple(self._expression(tree) for tree in trees)

    def _name_of(self, token: Any) -> ast.Name:
        return ast.Name(str(token), span_of(self._source, token))

    def _span(self, tree: Node) -> Span:
        return Span(self._source, tree.meta.start_pos, tree.meta.end_pos)


_EXPRESSIONS: Final[dict[str, Callable[[_Builder, Node], ast.Expr]]] = {
    "chain": _Builder._chain,
    "conditional": _Builder._conditional,
    "binary": _Builder._binary,
    "unary": _Builder._unary,
    "number": _Builder._number,
    "size": _Builder._size,
    "true": _Builder._true,
    "false": _Builder._false,
    "name": _Builder._name,
    "call": _Builder._call,
    "list": _Builder._list,
    "block": _Builder._block,
    "group": _Builder._group,
}


def _is(tree: Any, rule: str) -> bool:
    return isinstance(tree, Tree) and tree.data == rule


def _trees(tree: Any) -> list[Node]:
    return [child for child in tree.children if isinstance(child, Tree)]
