"""`ntkc check`: what is wrong with programs, and nothing else."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace

from ntkc.cli import arguments, exits, terminal


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("programs", metavar="model.ntk", nargs="+", help="programs; - is stdin")
    parser.add_argument("--network", metavar="NAME", help="check this network alone")
    parser.add_argument(
        "--format", choices=("text", "json"), default="text",
        help="json: a list of diagnostics, named as in the Language Server Protocol",
    )  # fmt: skip
    arguments.add_folders(parser)


def run(args: Namespace) -> int:
    """Check every program; 1 if one of them cannot be compiled."""
    from ntkc.diagnostics import Diagnostic, Kind
    from ntkc.diagnostics.render import to_json
    from ntkc.driver import check

    options = arguments.options(args)
    found: list[Diagnostic] = []
    for name in args.programs:
        for diagnostic in check(arguments.origin(name), options):
            if diagnostic not in found:  # two programs may import one file
                found.append(diagnostic)
    errors = sum(diagnostic.kind is not Kind.WARNING for diagnostic in found)
    if args.format == "json":
        terminal.out(json.dumps([to_json(diagnostic) for diagnostic in found], indent=2))
    else:
        terminal.diagnostics(found, sys.stdout)
        terminal.out(_summary(len(args.programs), errors, len(found) - errors))
    return exits.PROGRAM if errors else exits.OK


def _summary(programs: int, errors: int, warnings: int) -> str:
    checked = _count(programs, "program")
    if not errors and not warnings:
        return f"{checked}: no mistakes"
    found = [_count(n, what) for n, what in ((errors, "error"), (warnings, "warning")) if n]
    return f"{checked}: {', '.join(found)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
