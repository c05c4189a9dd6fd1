"""Arguments that mean one thing here and are mostly meant for another, told with both mends.

Other libraries begin a layer's arguments with its width, `Dense(512)` or `Conv2D(64, 3)`. Layers
are infinitely wide here, so by position 512 would be a standard deviation, which is refused, and 64
a window with the stride 3, which is warned of: there are such networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ntkc.diagnostics import Kind
from ntkc.layers.base.parameters import Parameter
from ntkc.network.report import Report
from ntkc.syntax import ast

_LARGEST_STD: Final = 9  # what is more by position is a width
_LARGEST_WINDOW: Final = 7  # the same of a window with something behind it
_LARGEST_STRIDE: Final = 2


def has_width(call: ast.Call, declared: Sequence[Parameter], report: Report) -> bool:
    """Whether a call of a layer is refused for a width, which is reported, as is a likely one."""
    places = [parameter.name for parameter in declared]
    if "units" not in places:
        return False
    given = [argument.value for argument in call.arguments if argument.name is None]
    if places[0] == "k":
        _warn_of_filters(call, given, report)
        return False
    return any(
        _width(call, name, value, report) for name, value in zip(places[:2], given, strict=False)
    )


def is_product(value: ast.Expr, name: str, report: Report) -> bool:
    """Whether a size is given as `3*3`; this is reported."""
    if not isinstance(value, ast.Binary) or value.operator != "*":
        return False
    left, right = _whole(value.left), _whole(value.right)
    if left is None or right is None:
        return False
    report.error(
        "E0329",
        f"`{name}` is a size, and this is a product",
        value.span,
        f"this is the number {left * right}",
        help=(f"write `{left}x{right}` for the size", f"or `{left * right}` for the number"),
    )
    return True


def _width(call: ast.Call, name: str, value: ast.Expr, report: Report) -> bool:
    number = _whole(value)
    if number is None or number <= _LARGEST_STD:
        return False
    word = call.function.name
    report.error(
        "E0328",
        f"`{word}` has no width: layers are infinitely wide",
        value.span,
        f"by its position this is `{name}`, a standard deviation",
        help=(f"leave it out: `{word}`", f"or, if it is meant, write `{name} = {number}`"),
    )
    return True


def _warn_of_filters(call: ast.Call, given: list[ast.Expr], report: Report) -> None:
    if len(given) < 2:
        return
    window, second = _whole(given[0]), given[1]
    stride = _whole(second)
    if window is None:
        return
    if isinstance(second, ast.Size):
        shown = second.span.text
    elif stride is not None and (window > _LARGEST_WINDOW or stride > _LARGEST_STRIDE):
        last = _whole(given[-1]) or stride  # `Conv2d(3, 64, 3)` ends with its window
        shown = f"{last}x{last}"
    else:
        return
    word, first = call.function.name, given[0].span.text
    report.error(
        "E0328",
        f"is this a window of {first}x{first}, or a stride of {first}?"
        if window == stride
        else f"`{word}` has no number of filters: layers are infinitely wide",
        second.span,
        f"by its position this is the stride, and {first} the window",
        help=(
            f"write the window alone: `{word}({shown})`",
            f"or, if a stride is meant, `{word}({first}, stride = {second.span.text})`",
        ),
        kind=Kind.WARNING,
    )


def _whole(value: ast.Expr) -> int | None:
    """A whole number that is written as one."""
    return int(value.value) if isinstance(value, ast.Number) and value.integer else None
