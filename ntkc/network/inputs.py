"""The input's declaration: its kind and sizes, as a shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from ntkc.diagnostics import Kind
from ntkc.diagnostics.suggest import did_you_mean
from ntkc.ir.module import Input
from ntkc.layers.base import Features, Origin, Shape
from ntkc.layers.base.known import INPUTS, MAX_POSITIONS
from ntkc.layers.base.values import NEVER
from ntkc.network.arguments import WrongArgumentError, whole
from ntkc.network.evaluate import Evaluator
from ntkc.network.graph import LayerNode
from ntkc.network.report import listed
from ntkc.network.scope import Scope
from ntkc.network.trampoline import Step
from ntkc.network.values import Extents
from ntkc.syntax import ast


def declared_input(
    declaration: ast.Input, scope: Scope, evaluator: Evaluator
) -> Step[Input | None]:
    """The input that a network declares; None where that is wrong, which is reported."""
    kind = declaration.kind.name
    if kind not in INPUTS:
        evaluator.report.error(
            "E0316",
            f"there is no input `{kind}`",
            declaration.kind.span,
            f"the kinds of input are {listed(INPUTS)}",
            help=did_you_mean(kind, INPUTS),
        )
        return None
    sizes: list[int | None] = []
    for size in declaration.sizes:
        sizes.append(None if size is None else (yield _size(size, kind, scope, evaluator)))
    if 0 in sizes:
        return None
    if len(sizes) != INPUTS[kind]:
        count = INPUTS[kind]
        evaluator.report.error(
            "E0316",
            f"an input `{kind}` has {count} size{'s' * (count > 1)}, not {len(sizes)}",
            declaration.span,
            f"write `{_example(kind, sizes)}`",
        )
        return None
    if kind not in KINDS:
        evaluator.report.limited = True
        evaluator.report.error(
            "E0502",
            f"inputs of kind `{kind}` are not available yet",
            declaration.kind.span,
            "a known kind, not built yet",
            help=f"networks on {listed(KINDS)} inputs can be compiled",
            kind=Kind.LIMITATION,
        )
    if prod(size for size in sizes[:-1] if size is not None) > MAX_POSITIONS:
        evaluator.report.error(
            "E0335",
            f"this input has more than {MAX_POSITIONS:,} positions",
            declaration.span,
            "the limit is exceeded here",
            help="make its examples smaller",
        )
        return None
    _warn_channels_first(declaration, sizes, evaluator)
    return Input(kind, tuple(sizes), declaration.normalized)


KINDS = ("vector", "sequence", "image", "volume")
"""The kinds of input that can be compiled."""


class SizesError(ValueError):
    """Sizes of an example that contradict the input's declaration."""


def with_sizes(declared: Input, sizes: Sequence[int]) -> Input:
    """The input with its open sizes given: all sizes, channels last.

    Raises `SizesError` where they contradict the declaration.
    """
    given = tuple(sizes)
    shown = f"{declared.kind}[{', '.join('?' if s is None else str(s) for s in declared.sizes)}]"
    got = ",".join(map(str, given))
    if len(given) != len(declared.sizes) or any(size < 1 for size in given):
        count = len(declared.sizes)
        raise SizesError(f"sizes: expected {count} of at least 1, those of {shown}, got {got}")
    for size, found in zip(declared.sizes, given, strict=True):
        if size is not None and size != found:
            raise SizesError(f"sizes: expected those of {shown}, got {got}")
    return replace(declared, sizes=given)


def input_node(declared: Input, declaration: ast.Input) -> LayerNode:
    """The node at which a network begins."""
    *space, channels = declared.sizes
    span = declaration.span
    origin = Origin(span, "because this is the network's input, which is not random")
    text = "the input's size is open" if channels is None else f"the input has {channels} features"
    return LayerNode(
        layer=None,
        inputs=(),
        shape=Shape(tuple(space), channels, Origin(span, text)),
        features=Features(
            gaussian=False, own=NEVER, centred=NEVER, raw=True, cause=origin, uncentred=origin
        ),
        span=span,
    )


def _warn_channels_first(
    declaration: ast.Input, sizes: list[int | None], evaluator: Evaluator
) -> None:
    """Warn about an image that has the form of one with its channels in front."""
    if declaration.kind.name != "image" or None in sizes:
        return
    first, *others = (size or 0 for size in sizes)
    if first not in (1, 3) or min(others) < _IMAGE:
        return
    height, width = others
    evaluator.report.error(
        "E0337",
        f"this image is {first} high, {height} wide, and has {width} channels",
        declaration.span,
        f"channels come last: is `image[{height}, {width}, {first}]` meant?",
        help="arrays have the same order: `x.transpose(0, 2, 3, 1)` moves channels to the end",
        kind=Kind.WARNING,
    )


def _example(kind: str, sizes: list[int | None]) -> str:
    """A declaration of that kind with the right number of sizes: theirs, if that can be."""
    shown = ["?" if size is None else str(size) for size in sizes]
    if kind == "image" and len(sizes) == 2:
        return f"image[{', '.join((*shown, '1'))}]"
    for other, count in (("sequence", 2), ("image", 3), ("volume", 4)):
        if kind == "vector" and len(sizes) == count:
            return f"{other}[{', '.join(shown)}]"
    return _EXAMPLES[kind]


def _wrong_extents(expression: ast.Expr, size: Extents, kind: str, evaluator: Evaluator) -> None:
    shown = ", ".join(map(str, size.extents))
    if kind == "vector":
        shown = f"vector[{prod(size.extents)}]"
    evaluator.report.error(
        "E0306",
        "an input's sizes are whole numbers",
        expression.span,
        f"write `{shown}`",
        help="sizes are separated by commas: `image[32, 32, 3]`" if kind != "vector" else (),
    )


def _size(expression: ast.Expr, kind: str, scope: Scope, evaluator: Evaluator) -> Step[int]:
    """A size, 0 where it is wrong."""
    value = yield evaluator.value(expression, scope, "number")
    if isinstance(value, Extents):
        _wrong_extents(expression, value, kind, evaluator)
        return 0
    try:
        return whole("size", value, 1)
    except WrongArgumentError as wrong:
        if wrong.code is not None:
            evaluator.report.error(
                wrong.code, wrong.message, expression.span, wrong.label, help=wrong.help
            )
        return 0


_IMAGE = 8  # the smallest height of what is surely an image
_EXAMPLES = {
    "vector": "vector[784]",
    "sequence": "sequence[100, 8]",
    "image": "image[32, 32, 3]",
    "volume": "volume[16, 16, 16, 1]",
    "graph": "graph[50, 7]",
}
