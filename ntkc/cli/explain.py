"""`ntkc explain`: programs, codes of messages, activations and layers, in words."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ntkc.cli import arguments, exits, terminal
from ntkc.diagnostics.suggest import did_you_mean


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "subject", metavar="subject",
        help="model.ntk, model.ntk:LINE, a code such as E0401, an activation or a layer",
    )  # fmt: skip
    parser.add_argument("--network", metavar="NAME", help="which of a file's networks")
    arguments.add_folders(parser)
    arguments.add_sizes(parser)


def run(args: Namespace) -> int:
    """Explain whatever the subject is."""
    subject: str = args.subject
    path, line = _file_and_line(subject)
    if path is None:
        terminal.out(_word(subject))
        return exits.OK
    from ntkc.driver import front_end
    from ntkc.explain import explain_model

    args.program = path
    front = front_end(arguments.origin(path), arguments.options(args))
    count = front.program.main.source.text.count("\n") + 1
    if line is not None and not 1 <= line <= count:
        raise exits.UsageError(f"{path} has {count} lines, and no line {line}")
    terminal.out(explain_model(front, line))
    return exits.OK


def _file_and_line(subject: str) -> tuple[str | None, int | None]:
    """What a subject means as a file, if it can mean one."""
    if subject == arguments.STDIN or Path(subject).is_file():
        return subject, None
    name, _, number = subject.rpartition(":")
    if name and number.isascii() and number.isdigit():
        return name, int(number)
    looks_like_one = subject.endswith(".ntk") or "/" in subject or "\\" in subject
    return (subject, None) if looks_like_one else (None, None)


def _word(word: str) -> str:
    """The explanation of a code, an activation or a layer."""
    from ntkc import activations, layers
    from ntkc.diagnostics import pages
    from ntkc.explain import explain_activation, explain_code, explain_layer

    codes = pages.codes()
    if word.upper() in codes:
        return explain_code(word.upper())
    if word in activations.names():
        return explain_activation(word)
    if word in layers.names():
        return explain_layer(word)
    known = [*codes, *activations.names(), *layers.names()]
    close = did_you_mean(word, known, quote="")
    hint = close and f"; {close}"
    raise exits.UsageError(f"there is no file, code, activation or layer called {word!r}{hint}")
