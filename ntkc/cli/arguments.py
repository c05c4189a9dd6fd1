"""Arguments that several commands share, and the files they name."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ntkc.cli.exits import InputError, UsageError

if TYPE_CHECKING:
    from ntkc.diagnostics import Source
    from ntkc.driver import Options

STDIN = "-"


def add_program(parser: ArgumentParser) -> None:
    """A program and how to read it."""
    parser.add_argument("program", metavar="model.ntk", help="the program; - reads it from stdin")
    parser.add_argument("--network", metavar="NAME", help="which of the file's networks")
    add_folders(parser)


def add_folders(parser: ArgumentParser) -> None:
    """Where imports may lead."""
    parser.add_argument(
        "--root", metavar="DIR", help="the project folder, which imports stay inside of"
    )
    parser.add_argument(
        "--allow", metavar="PATH", action="append", default=[],
        help="a file or folder beyond it that may be imported; can be repeated",
    )  # fmt: skip


def add_precision(parser: ArgumentParser) -> None:
    """How exactly a kernel is computed."""
    parser.add_argument(
        "--dtype", choices=("float64", "float32"), default="float64", help="the number type"
    )
    parser.add_argument(
        "--tolerance", type=float, metavar="E",
        help="of activations without closed form, relative (default: 1e-10, in float32 1e-6)",
    )  # fmt: skip


def add_compilation(parser: ArgumentParser) -> None:
    """What to compile for."""
    add_precision(parser)
    parser.add_argument(
        "--no-collapse", action="store_true",
        help="keep the recursion through depth where a function of the angle could stand for it",
    )  # fmt: skip
    parser.add_argument(
        "--no-vectors", action="store_true",
        help="leave it to LLVM to find vectors in loops of networks on positions",
    )  # fmt: skip
    parser.add_argument(
        "--target", choices=("cpu", "cuda"), default="cpu",
        help="what the kernel runs on: the processor (default: cpu) or NVIDIA's GPUs",
    )  # fmt: skip


def add_sizes(parser: ArgumentParser) -> None:
    """Sizes of a network that leaves them open."""
    parser.add_argument(
        "--sizes", dest="example_sizes", type=wholes, metavar="N,N,..",
        help="of an example, channels last, where the input leaves them open: 32,32,3",
    )  # fmt: skip


def wholes(text: str) -> list[int]:
    """Whole numbers with commas between them."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.lstrip("-").isdigit() for part in parts):
        raise ArgumentTypeError(f"expected whole numbers, such as 32,32,3, got {text!r}")
    return [int(part) for part in parts]


def count(text: str) -> int:
    """A whole number from 1 on."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def refuse_overwriting(output: str | Path, *inputs: str | None) -> None:
    """Raise `UsageError` where a result would go into a file that it is made from."""
    target = Path(output)
    for name in inputs:
        if name is not None and target.exists() and Path(name).exists() and target.samefile(name):
            raise UsageError(f"--output: {target} is an input")


def add_limits(parser: ArgumentParser) -> None:
    """What evaluating a kernel may use, and whether it shows how far it is."""
    parser.add_argument("--threads", type=count, metavar="N", help="default: all processors")
    parser.add_argument(
        "--memory", metavar="SIZE", help="what a kernel may allocate for itself: 512MiB"
    )
    parser.add_argument(
        "--progress", action=BooleanOptionalAction, default=None,
        help="a progress bar on stderr (default: where that is a terminal)",
    )  # fmt: skip


def shows_progress(args: Namespace) -> bool:
    """Whether to draw a progress bar."""
    return sys.stderr.isatty() if args.progress is None else bool(args.progress)


def options(args: Namespace) -> Options:
    """The options of a compilation."""
    from ntkc.api import make_options

    backend, dtype = getattr(args, "target", "cpu"), getattr(args, "dtype", "float64")
    network = getattr(args, "network", None)
    tolerance = getattr(args, "tolerance", None)
    collapse = not getattr(args, "no_collapse", False)
    vectors = not getattr(args, "no_vectors", False)
    sizes = getattr(args, "example_sizes", None)
    try:
        return make_options(
            network, backend, dtype, args.root, args.allow, tolerance, collapse, sizes, vectors
        )
    except ValueError as error:
        raise UsageError(f"--{error}") from None


def origin(name: str) -> Path | Source:
    """A program's file, or what stands on the standard input."""
    from ntkc.diagnostics import Source

    return Source("<stdin>", read_stdin()) if name == STDIN else Path(name)


def read_stdin() -> str:
    """All of the standard input, which must be UTF-8 text."""
    data = sys.stdin.buffer.read() if hasattr(sys.stdin, "buffer") else sys.stdin.read().encode()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"the standard input is not UTF-8 text: {error.reason}") from None


def parameters(settings: list[str]) -> dict[str, float]:
    """The values of `--param NAME=VALUE`."""
    found: dict[str, float] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        name = name.strip()
        if not sign or not name.isidentifier():
            raise UsageError(f"--param {setting}: expected NAME=VALUE, such as w_std=1.3")
        try:
            found[name] = float(value)
        except ValueError:
            raise UsageError(f"--param {setting}: {value.strip()!r} is not a number") from None
    return found
