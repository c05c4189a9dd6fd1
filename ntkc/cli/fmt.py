"""`ntkc fmt`: canonical layout, in place."""

from __future__ import annotations

import difflib
import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path
from uuid import uuid4

from ntkc.cli import arguments, exits, terminal


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "programs", metavar="model.ntk", nargs="+", help="programs; - formats stdin to stdout"
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit status 1 if a layout is not"
        " canonical",
    )  # fmt: skip
    parser.add_argument(
        "--diff", action="store_true", help="change nothing; show what would be changed"
    )


def run(args: Namespace) -> int:
    """Format every program; those with mistakes are reported and left as they are."""
    from ntkc.diagnostics import ProgramError

    changed = failed = 0
    for name in args.programs:
        try:
            changed += _format(name, args)
        except ProgramError as error:
            terminal.diagnostics(error.diagnostics)
            failed += 1
    if failed or (changed and (args.check or args.diff)):
        return exits.PROGRAM
    return exits.OK


def _format(name: str, args: Namespace) -> bool:
    """Format one program; whether its layout was not canonical."""
    from ntkc.diagnostics import Diagnostics, Source
    from ntkc.syntax.files import read_source
    from ntkc.syntax.formatter import format_file
    from ntkc.syntax.parser import parse

    diagnostics = Diagnostics()
    origin = arguments.origin(name)
    source = origin if isinstance(origin, Source) else read_source(origin, diagnostics)
    tree = None if source is None else parse(source, diagnostics)
    diagnostics.raise_errors()
    assert source is not None
    assert tree is not None
    after = format_file(tree)
    if args.diff:
        _show_difference(name, source.text, after)
    elif not args.check:
        if isinstance(origin, Source):
            terminal.out(after)
        elif after != source.text:
            _replace(origin, after)
    if after == source.text:
        return False
    if not args.diff and not isinstance(origin, Source):
        terminal.note(f"{'would reformat' if args.check else 'reformatted'} {name}")
    return True


def _show_difference(name: str, before: str, after: str) -> None:
    for line in difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), name, name
    ):
        terminal.out(line)


def _replace(path: Path, text: str) -> None:
    """Write a file at once or not at all, with the permissions it had."""
    target = path.resolve()
    made = target.with_name(f".{target.name}.{uuid4().hex[:8]}")
    try:
        made.write_bytes(text.encode("utf-8"))
        shutil.copymode(target, made)
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)
