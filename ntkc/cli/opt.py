"""`ntkc opt`: single passes on the text form of kernel IR."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ntkc.cli import arguments, exits, terminal

if TYPE_CHECKING:
    from ntkc.ir.module import DualForms
    from ntkc.passes.pipeline import Pass


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", metavar="tiny.ir", nargs="?", help="kernel IR; - is stdin")
    parser.add_argument(
        "-p", "--passes", metavar="PASS,...", default="", help="the passes, in order"
    )
    parser.add_argument(
        "--dtype", choices=("float64", "float32"), default="float64",
        help="the number type, for the passes that depend on it",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="list the passes")


def run(args: Namespace) -> int:
    """Print the module after the passes."""
    known = passes(args.dtype)
    if args.list:
        terminal.out("\n".join(known))
        return exits.OK
    if args.file is None:
        raise exits.UsageError("expected a file of kernel IR; --list shows the passes")
    from ntkc.diagnostics import Source
    from ntkc.ir.text import format_module, parse_module
    from ntkc.passes.pipeline import run as run_passes

    chosen = [find_pass(name.strip(), known) for name in args.passes.split(",") if name.strip()]
    module = parse_module(Source(args.file, read(args.file)), forms_of)
    terminal.out(format_module(run_passes(module, chosen)))
    return exits.OK


def read(name: str) -> str:
    """The text of a file, or of the standard input."""
    if name == arguments.STDIN:
        return arguments.read_stdin()
    try:
        return Path(name).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise exits.InputError(f"{name} is not UTF-8 text: {error.reason}") from None


def passes(dtype: str) -> dict[str, Pass]:
    """All passes by name, in their order."""
    from ntkc.passes.pipeline import shared, vector_passes

    return {step.name: step for step in (*shared(dtype), *vector_passes(dtype))}


def find_pass(name: str, known: dict[str, Pass]) -> Pass:
    """The pass of that name; raises `UsageError`."""
    if name not in known:
        raise exits.UsageError(f"there is no pass {name!r}; the passes are {', '.join(known)}")
    return known[name]


def forms_of(key: str) -> DualForms:
    """The forms of an activation by its key: its name and compile-time arguments.

    Raises `KeyError` for a key of no activation.
    """
    from ntkc.activations import ArgumentError, load
    from ntkc.activations.base import ParameterKind
    from ntkc.ir.node import symbol

    match = re.fullmatch(r"(\w+)(?:\(([-+.e0-9, ]+)\))?", key)
    if match is None:
        raise KeyError(key)
    activation = load(match.group(1))
    given = iter((match.group(2) or "").split(","))
    values: list[object] = []
    try:
        for parameter in activation.parameters:
            if parameter.kind is ParameterKind.NUMBER and activation.folds_numbers:
                values.append(float(next(given)) if match.group(2) else symbol("x"))
            elif parameter.kind is ParameterKind.NUMBER:  # forms have a symbol in its place
                values.append(1.0 if parameter.default is None else None)
            else:
                whole = int(next(given, ""))
                values.append(whole if parameter.kind is ParameterKind.DEGREE else [1.0] * whole)
        bound = activation.bind(values)
    except (ArgumentError, ValueError):
        raise KeyError(key) from None
    if bound.key != key:
        raise KeyError(key)
    return bound.forms()
