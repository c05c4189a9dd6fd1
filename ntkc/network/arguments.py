"""Arguments: which belongs to which parameter, and what a layer makes of each value."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ntkc.diagnostics import Label, Span, foreign
from ntkc.diagnostics.suggest import did_you_mean
from ntkc.ir.node import const
from ntkc.layers.base.layer import Argument
from ntkc.layers.base.parameters import (
    BooleanParameter,
    LayersParameter,
    NumberParameter,
    Parameter,
    Range,
    SizeParameter,
    WholeParameter,
    WordParameter,
    WordsParameter,
)
from ntkc.network.limits import MAX_WHOLE
from ntkc.network.report import Report, listed
from ntkc.network.values import (
    Boolean,
    Either,
    Extents,
    FunctionName,
    Items,
    Number,
    Poison,
    Value,
    Word,
    as_number,
    describe,
)
from ntkc.network.wrong_names import compared_name, report_compared
from ntkc.syntax import ast


@dataclass(frozen=True)
class Signature:
    """The parameters of something that can be called; `variadic` takes all positional ones."""

    name: str
    parameters: tuple[str, ...]
    required: Collection[str] = ()
    variadic: str | None = None
    hint: str = ""
    """What to say where one that is required is missing."""


Matched = dict[str, list[ast.Argument]]


def match(
    signature: Signature, arguments: Sequence[ast.Argument], span: Span, report: Report
) -> Matched | None:
    """The arguments by parameter; None where something is wrong, which is reported."""
    matched: Matched = {}
    right = True
    for argument in arguments:
        meant = compared_name(argument)
        if meant is not None and meant.name in signature.parameters:
            report_compared(report, argument, meant)
            return None
    positional = [argument for argument in arguments if argument.name is None]
    places = [p for p in signature.parameters if p != signature.variadic]
    if signature.variadic is not None:
        matched[signature.variadic] = positional
    else:
        matched.update((name, [a]) for name, a in zip(places, positional, strict=False))
        if len(positional) > len(places):
            _report_too_many(signature, positional[len(places)], report)
            right = False
    for argument in arguments:
        if argument.name is not None:
            right = _match_named(signature, argument, places, matched, report) and right
    missing = [name for name in signature.required if not matched.get(name)]
    if missing and right:
        report.error(
            "E0303",
            f"`{signature.name}` needs {listed(missing)}",
            span,
            "an argument is missing here",
            help=signature.hint or _arguments(signature.name, signature.parameters, missing),
        )
    return matched if right and not missing else None


def _match_named(
    signature: Signature,
    argument: ast.Argument,
    places: Sequence[str],
    matched: Matched,
    report: Report,
) -> bool:
    name = argument.name
    assert name is not None
    if name not in places:
        guess = foreign.argument_help(name, tuple(places)) or did_you_mean(name, places)
        available = _arguments(signature.name, places) if places else "it takes no such argument"
        report.error(
            "E0302",
            f"`{signature.name}` has no argument `{name}`",
            argument.span,
            "not an argument of it",
            help=guess or available,
        )
        return False
    if name in matched:
        report.error(
            "E0305",
            f"`{name}` is given twice",
            argument.span,
            "the second time",
            secondary=(Label(matched[name][0].span, "the first time"),),
            help="leave one of them out",
        )
        return False
    matched[name] = [argument]
    return True


def _report_too_many(signature: Signature, extra: ast.Argument, report: Report) -> None:
    count = len(signature.parameters)
    takes = "no arguments" if not count else f"at most {count} argument" + "s" * (count > 1)
    report.error(
        "E0304",
        f"`{signature.name}` takes {takes}",
        extra.span,
        "one too many",
        help=_arguments(signature.name, signature.parameters) if count else (),
    )


def _arguments(name: str, parameters: Sequence[str], missing: Sequence[str] = ()) -> str:
    if missing == ["k"]:
        return f"`k` is the window's size, as in `{name}(3x3)` or, along every axis, `{name}(3)`"
    if len(parameters) == 1:
        return f"its argument is {listed(parameters)}"
    return f"its arguments are {listed(parameters)}"


class WrongArgumentError(Exception):
    """Why a value does not fit a parameter; None in place of a code says that it is known."""

    def __init__(
        self, code: str | None, message: str = "", label: str = "", help: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.label = label
        self.help = help


def convert(parameter: Parameter, value: Value) -> Argument:
    """The value as the layer takes it. Raises `WrongArgumentError`."""
    if isinstance(value, Poison):
        raise WrongArgumentError(None)
    match parameter:
        case NumberParameter():
            return number(parameter.name, parameter.range, value).node
        case WholeParameter(optional=optional) if optional and value == Word("none"):
            return None
        case WholeParameter(minimum=minimum):
            return whole(parameter.name, value, minimum)
        case BooleanParameter():
            if isinstance(value, Boolean):
                return value.value
        case WordParameter(choices=choices):
            return _word(parameter.name, choices, value)
        case WordsParameter(choices=choices):
            items = value.items if isinstance(value, Items) else (value,)
            return tuple(_word(parameter.name, choices, item) for item in items)
        case SizeParameter(minimum=minimum):
            if not isinstance(value, Extents | Number | Either):
                raise _wrong_type(parameter.name, "a size such as `3x3`", value, _size_help(value))
            if not isinstance(value, Extents):
                return whole(parameter.name, value, minimum)
            return tuple(in_range(parameter.name, extent, minimum) for extent in value.extents)
        case LayersParameter():
            pass
    raise _wrong_type(parameter.name, parameter.described, value)


def default_of(parameter: Parameter) -> Argument:
    """The argument that stands where none is given."""
    if isinstance(parameter, NumberParameter):
        assert parameter.default is not None
        return const(parameter.default)
    return parameter.default


def number(name: str, allowed: Range | None, value: Value) -> Number:
    """The value as a number within a range. Raises `WrongArgumentError`."""
    value = as_number(value)
    if isinstance(value, Poison):
        raise WrongArgumentError(None)
    if not isinstance(value, Number):
        raise _wrong_type(name, "a number", value)
    if allowed is not None and value.value not in allowed:
        shown = f"{value.value:g}"
        if not value.is_constant:
            shown += " (at the default values of the parameters)"
        raise WrongArgumentError(
            "E0307", f"`{name}` cannot be {shown}: {allowed.reason}", _interval(allowed)
        )
    return value


def whole(name: str, value: Value, minimum: int) -> int:
    """The value as a whole number known at compile time. Raises `WrongArgumentError`."""
    value = as_number(value)
    if isinstance(value, Poison):
        raise WrongArgumentError(None)
    if not isinstance(value, Number):
        raise _wrong_type(name, "a whole number", value)
    if not value.is_constant:
        raise WrongArgumentError(
            "E0311",
            f"`{name}` must be known at compile time",
            "this depends on a `param`",
            "use a `let` constant",
        )
    if value.whole is None:
        raise WrongArgumentError(
            "E0307", f"`{name}` must be a whole number, not {value.value:g}", "not a whole number"
        )
    return in_range(name, value.whole, minimum)


def in_range(name: str, value: int, minimum: int) -> int:
    """The whole number, if it is not out of range. Raises `WrongArgumentError`."""
    if value < minimum:
        raise WrongArgumentError(
            "E0307", f"`{name}` must be at least {minimum}, not {value}", "too small"
        )
    if value > MAX_WHOLE:
        raise WrongArgumentError("E0307", f"`{name}` can be at most {MAX_WHOLE}", "too large")
    return value


def _word(name: str, choices: Sequence[str], value: Value) -> str:
    word = value.word if isinstance(value, Word) else ""
    if isinstance(value, FunctionName):
        word = value.name
    if word in choices:
        return word
    if word:
        raise WrongArgumentError(
            "E0307",
            f"`{name}` cannot be `{word}`",
            f"it is one of {listed(choices)}",
            did_you_mean(word, choices),
        )
    raise _wrong_type(name, f"one of {listed(choices)}", value)


def _interval(allowed: Range) -> str:
    if allowed.high == float("inf"):
        return f"must be at least {allowed.low:g}"
    if allowed.below_high:
        return f"must be at least {allowed.low:g} and less than {allowed.high:g}"
    return f"must be from {allowed.low:g} to {allowed.high:g}"


def _wrong_type(name: str, wanted: str, value: Value, help: str = "") -> WrongArgumentError:
    return WrongArgumentError(
        "E0306", f"`{name}` must be {wanted}", f"expected {wanted}, found {describe(value)}", help
    )


def _size_help(value: Value) -> str:
    if isinstance(value, Items) and value.items:
        numbers = [item.whole for item in value.items if isinstance(item, Number)]
        if len(numbers) == len(value.items) and None not in numbers:
            return f"write `{'x'.join(map(str, numbers))}`"
    return ""
