"""Which comment belongs to which part of a program, so that a new layout can keep them there.

A container is what can be written one item a line: a file, a network, a block, the arguments of
a call, a list, the links of a chain, the parameters of a definition. A comment goes to the
innermost container around it: before an item, behind one on its line, behind the opening
bracket, or at the end. A comment in a place that has no line of its own, such as the middle of
a sum, goes before the item that it stands in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import TypeAlias

from ntkc.diagnostics import Source, Span
from ntkc.syntax import ast

Container: TypeAlias = (
    ast.File
    | ast.NetworkDef
    | ast.Block
    | ast.Call
    | ast.ListExpr
    | ast.Chain
    | ast.Def
    | ast.ActivationDef
)
Item: TypeAlias = ast.Statement | ast.Input | ast.Argument | ast.Parameter | ast.Expr


class Comments:
    """The comments of a file by the nodes they belong to."""

    def __init__(self, file: ast.File) -> None:
        self._source: Source = file.span.source
        self._leading: dict[int, list[ast.Comment]] = defaultdict(list)
        self._trailing: dict[int, ast.Comment] = {}
        self._opening: dict[int, ast.Comment] = {}
        self._dangling: dict[int, list[ast.Comment]] = defaultdict(list)
        if file.comments:
            self._attach(file, list(file.comments))

    def before(self, item: Item) -> list[ast.Comment]:
        """The comments that stand on lines of their own before an item."""
        return self._leading.get(id(item), [])

    def behind(self, item: Item) -> ast.Comment | None:
        """The comment that ends an item's line."""
        return self._trailing.get(id(item))

    def opening(self, container: Container) -> ast.Comment | None:
        """The comment that ends the line of a container's opening bracket."""
        return self._opening.get(id(container))

    def at_end(self, container: Container) -> list[ast.Comment]:
        """The comments after a container's last item."""
        return self._dangling.get(id(container), [])

    def _attach(self, container: Container, comments: list[ast.Comment]) -> None:
        items = items_of(container)
        starts = [item.span.start for item in items]
        deeper: dict[int, tuple[Container, list[ast.Comment]]] = {}
        for comment in comments:
            after = bisect_right(starts, comment.span.start)  # the first item behind the comment
            if after and comment.span.start < items[after - 1].span.end:
                inner = _inner_container(items[after - 1], comment)
                if inner is None:
                    self._leading[id(items[after - 1])].append(comment)
                else:
                    deeper.setdefault(id(inner), (inner, []))[1].append(comment)
            elif comment.own_line or not self._attach_to_line(container, items, after, comment):
                self._attach_before(container, items, after, comment)
        for inner, inside in deeper.values():
            self._attach(inner, inside)

    def _attach_to_line(
        self, container: Container, items: list[Item], after: int, comment: ast.Comment
    ) -> bool:
        """Put a comment at the end of a line; False if there is no free one."""
        if after == 0:
            free = id(container) not in self._opening and isinstance(container, _BRACKETED)
            if free:
                self._opening[id(container)] = comment
            return free
        item = items[after - 1]
        between = self._source.text[item.span.end : comment.span.start]
        if "\n" in between or id(item) in self._trailing:
            return False
        self._trailing[id(item)] = comment
        return True

    def _attach_before(
        self, container: Container, items: list[Item], after: int, comment: ast.Comment
    ) -> None:
        if after < len(items):
            self._leading[id(items[after])].append(comment)
        else:
            self._dangling[id(container)].append(comment)


# A chain has no bracket, and a file none either.
_BRACKETED = (
    ast.NetworkDef,
    ast.Block,
    ast.Call,
    ast.ListExpr,
    ast.Def,
    ast.ActivationDef,
)


def items_of(container: Container) -> list[Item]:
    """What a container holds, in the order of the text."""
    match container:
        case ast.NetworkDef():
            return [container.input, *container.body.statements]
        case ast.File() | ast.Block():
            return list(container.statements)
        case ast.Call():
            return list(container.arguments)
        case ast.ListExpr():
            return list(container.items)
        case ast.Chain():
            return list(container.links)
        case ast.Def():
            return list(container.parameters)
        case ast.ActivationDef():
            return [container.variable, *container.parameters]


def _inner_container(item: Item, comment: ast.Comment) -> Container | None:
    for container, span in _containers(item):
        if span.start < comment.span.start < span.end:
            return container
    return None


def _containers(node: Item) -> Iterator[tuple[Container, Span]]:
    """The outermost containers in a node, each with the text it owns."""
    match node:
        case ast.NetworkDef() | ast.Block() | ast.Call() | ast.ListExpr():
            yield node, node.span
        case ast.Chain():
            # There is no line for it before the first link, nor after the last, where a
            # parenthesis may follow: a comment there goes before the whole chain.
            first, last = node.links[0], node.links[-1]
            yield from _containers(first)
            yield node, Span(node.span.source, first.span.end, last.span.end)
        case ast.Def() | ast.ActivationDef():
            if items_of(node):
                source = node.span.source
                yield node, Span(source, node.name.span.end, node.body.span.start)
            yield from _containers(node.body)
        case _:
            for child in _children(node):
                yield from _containers(child)


def _children(node: Item) -> list[ast.Expr]:
    match node:
        case ast.Param() | ast.Let() | ast.Argument():
            return [node.value]
        case ast.Parameter():
            return [] if node.default is None else [node.default]
        case ast.Input():
            return [size for size in node.sizes if size is not None]
        case ast.Unary():
            return [node.operand]
        case ast.Binary():
            return [node.left, node.right]
        case ast.Conditional():
            return [node.condition, node.then, node.otherwise]
        case _:
            return []
