"""`ntkc plot`: pictures of activations and of networks."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ntkc.cli import arguments, exits, terminal
from ntkc.diagnostics.suggest import did_you_mean


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("subject", metavar="subject", help="model.ntk, or an activation")
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="the picture: .png, .svg, .pdf"
    )
    parser.add_argument("--network", metavar="NAME", help="which of a file's networks")
    arguments.add_folders(parser)


def run(args: Namespace) -> int:
    """Draw the subject."""
    output = Path(args.output)
    if output.is_dir():
        raise exits.UsageError(f"--output: {output} is a folder")
    if not output.parent.is_dir():
        raise exits.UsageError(f"--output: there is no folder {output.parent}")
    subject: str = args.subject
    if subject == arguments.STDIN or subject.endswith(".ntk") or Path(subject).is_file():
        from ntkc.driver import front_end
        from ntkc.explain.pictures import plot_model

        front = front_end(arguments.origin(subject), arguments.options(args))
        plot_model(front, output)
        what = f"network `{front.network.name}`"
    else:
        _known(subject)
        from ntkc.explain.pictures import plot_activation

        plot_activation(subject, output)
        what = f"activation `{subject}`"
    terminal.out(f"{output}: {what}")
    return exits.OK


def _known(name: str) -> None:
    """Raise `UsageError` for what is no activation."""
    from ntkc import activations

    if name in activations.names():
        return
    close = did_you_mean(name, activations.names(), quote="")
    hint = close and f"; {close}"
    raise exits.UsageError(f"there is no file or activation called {name!r}{hint}")
