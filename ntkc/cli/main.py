"""`ntkc`: finds the command, runs it, and turns whatever happens into an exit status."""

from __future__ import annotations

import os
import sys
import warnings
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

from ntkc.cli import exits, signals, terminal
from ntkc.cli.parsing import Parser
from ntkc.version import __version__

COMMANDS = {
    "compile": "write a program's kernel as an importable folder, or print a stage of it",
    "check": "report the mistakes of programs",
    "fmt": "bring programs into canonical layout",
    "explain": "explain a program, an error code, an activation or a layer",
    "plot": "draw an activation's or a network's kernels",
    "gram": "compute a kernel matrix from .npy files",
    "fit": "fit a model to a table, and write it as a folder",
    "predict": "predict with a fitted model",
    "curve": "training dynamics and learning curves of a table, measured and forecast",
    "opt": "run single passes on kernel IR",
    "doctor": "show what this machine offers, and what is amiss",
    "cache": "show or clear what was compiled before",
}
_EPILOG = """\
exit status:
  0  done                         70  a bug of ntkc; a report is written
  1  a program has mistakes      130  interrupted
  2  wrong arguments             141  the reader of the output went away
  3  arrays, files or memory

environment:
  NTKC_CACHE_DIR  where compiled programs are kept    NO_COLOR    no colours
  NTKC_DEBUG      1 to 5: what the compiler tells     NTKC_DEBUG_DIR  where it writes files
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _close_output()
        return exits.PIPE_CLOSED
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except OSError as error:  # the output's disk is full
        _close_output()
        terminal.error(_file_message(error))
        return exits.RUNTIME
    return status


def _main(arguments: Sequence[str]) -> int:
    parser = make_parser(arguments)
    if not arguments:
        parser.print_help()
        return exits.OK
    try:
        args = parser.parse_args(arguments)
        with _shown_warnings():
            return _run(args, arguments)
    except SystemExit as leaving:  # from the parser: after --help, or a wrong argument
        return leaving.code if isinstance(leaving.code, int) else exits.USAGE


def make_parser(arguments: Sequence[str]) -> ArgumentParser:
    """The parser; only the command that `arguments` begin with is configured."""
    parser = Parser(
        "ntkc",
        description="A compiler for the kernels of infinitely wide neural networks.",
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ntkc {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
        )
        if name in arguments[:1]:
            import_module(f"ntkc.cli.{name}").configure(command)
    return parser


def _run(args: Namespace, arguments: Sequence[str]) -> int:
    """Run a command; every error that has a cause outside of ntkc becomes a message."""
    from ntkc.artefact.location import keep_tables
    from ntkc.diagnostics import NtkError, ProgramError

    keep_tables()
    try:
        with signals.interruptible():
            return int(import_module(f"ntkc.cli.{args.command}").run(args))
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except ProgramError as error:
        terminal.diagnostics(error.diagnostics)
        return exits.PROGRAM
    except NtkError as error:
        terminal.error(str(error))
        return exits.PROGRAM
    except exits.UsageError as error:
        terminal.error(str(error))
        return exits.USAGE
    except exits.InputError as error:
        terminal.error(str(error))
        return exits.RUNTIME
    except OSError as error:
        terminal.error(_file_message(error))
        return exits.RUNTIME
    except MemoryError as error:
        terminal.error(f"out of memory: {error}" if str(error) else "out of memory")
        return exits.RUNTIME
    except Exception as error:
        return _expected(error) or _bug(error, args, arguments)


_EXPECTED = (
    ("ntkc.runtime.errors", "KernelError", exits.RUNTIME),
    ("ntkc.predict.errors", "PredictError", exits.RUNTIME),
    ("ntkc.fitted.errors", "FittedError", exits.RUNTIME),
    ("ntkc.network.inputs", "SizesError", exits.USAGE),
)


def _expected(error: Exception) -> int | None:
    """The status for an error that data can cause; where it lives is not imported to find out."""
    for home, name, status in _EXPECTED:
        errors = sys.modules.get(home)
        if errors is not None and isinstance(error, getattr(errors, name)):
            terminal.error(f"--{error}" if status == exits.USAGE else str(error))
            return status
    return None


def _bug(error: Exception, args: Namespace, arguments: Sequence[str]) -> int:
    from ntkc.cli.bug import write_report

    where = write_report(error, args, arguments)
    terminal.error(f"this is a bug of ntkc: {type(error).__name__}: {error}")
    terminal.note(
        f"what is needed to reproduce it was written to {where}; it holds the program's text"
        if where
        else "no report could be written; set NTKC_DEBUG=1 to see the traceback"
    )
    return exits.BUG


def _file_message(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower() if error.strerror else str(error)
    return reason if error.filename is None else f"{error.filename}: {reason}"


@contextmanager
def _shown_warnings() -> Iterator[None]:
    """Show warnings as messages of this program, not of a line of its code."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: terminal.warning(str(message))
        warnings.simplefilter("default", UserWarning)
        yield


def _close_output() -> None:
    """Keep Python from complaining, at its end, about a reader that has gone."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return
