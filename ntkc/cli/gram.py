"""`ntkc gram`: a kernel matrix from files to a file."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ntkc.cli import arguments, exits, terminal
from ntkc.cli.signals import half_written, terminating

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    arguments.add_program(parser)
    parser.add_argument("x1", metavar="x1.npy", help="a batch of inputs, one a row")
    parser.add_argument(
        "x2", metavar="x2.npy", nargs="?", help="a second batch; without it, the Gram matrix of x1"
    )
    parser.add_argument("-o", "--output", metavar="k.npy", required=True, help="the result")
    parser.add_argument("--get", choices=("ntk", "nngp"), default="ntk", help="which kernel")
    arguments.add_compilation(parser)
    arguments.add_sizes(parser)
    parser.add_argument(
        "--threads", type=arguments.count, metavar="N", help="default: all processors"
    )
    parser.add_argument(
        "--memory", metavar="SIZE", help="what may be allocated beyond inputs and result: 512MiB"
    )
    parser.add_argument(
        "--param", metavar="NAME=VALUE", action="append", default=[],
        help="a parameter of the network; can be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--progress", action=BooleanOptionalAction, default=None,
        help="a progress bar on stderr (default: where that is a terminal)",
    )  # fmt: skip


def run(args: Namespace) -> int:
    """Compute the matrix into a file beside the result, and rename it."""
    from ntkc.cli.progress import bar
    from ntkc.diagnostics.durations import duration

    output = _output(args)
    values = arguments.parameters(args.param)
    from ntkc.artefact.compiled import compile_program

    kernel = compile_program(arguments.origin(args.program), arguments.options(args))
    terminal.diagnostics(kernel.warnings)
    inputs = [open_array(name) for name in (args.x1, args.x2) if name is not None]
    shape = tuple(array.shape[0] for array in (inputs[0], inputs[-1]) if array.ndim)
    shown = sys.stderr.isatty() if args.progress is None else args.progress
    with (
        terminating(),
        _naming(args),
        _result(output, shape, kernel.dtype) as result,
        bar(shown) as progress,
    ):
        kernel(
            *inputs,
            get=args.get,
            out=result,
            threads=args.threads,
            memory=args.memory,
            progress=progress.update,
            **values,
        )
    size = " x ".join(map(str, shape))
    terminal.out(f"{output}: {args.get}, {size}, {kernel.dtype}, in {duration(progress.seconds)}")
    return exits.OK


@contextmanager
def _naming(args: Namespace) -> Iterator[None]:
    """Errors about an argument of the kernel become errors about the file it came from."""
    from ntkc.runtime import KernelError

    try:
        yield
    except KernelError as error:
        argument, colon, rest = str(error).partition(": ")
        if not colon or argument not in ("x1", "x2"):
            raise
        name = args.x2 if argument == "x2" else args.x1
        raise exits.InputError(f"{name}: {rest}") from None


def _output(args: Namespace) -> Path:
    """Where the result goes, with everything found out that can be before the work begins."""
    output = Path(args.output)
    if output.is_dir():
        raise exits.UsageError(f"--output: {output} is a folder")
    if not output.parent.is_dir():
        raise exits.UsageError(f"--output: there is no folder {output.parent}")
    arguments.refuse_overwriting(output, args.program, args.x1, args.x2)
    return output


def open_array(name: str) -> NDArray[Any]:
    """An array from a `.npy` file, mapped and not read; nothing is ever unpickled."""
    import numpy as np

    path = Path(name)
    if path.is_dir():
        raise exits.InputError(f"{name} is a folder, not an array")
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError):
        try:  # an array without elements cannot be mapped
            mapped = np.load(path, allow_pickle=False)
        except (ValueError, EOFError, OverflowError, MemoryError):  # more than the file can hold
            raise exits.InputError(f"{name} is not a .npy file of numbers") from None
    if not isinstance(mapped, np.ndarray):
        mapped.close()
        raise exits.InputError(f"{name} holds several arrays; save one of them as .npy")
    return mapped


@contextmanager
def _result(
    output: Path, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[NDArray[Any] | None]:
    """An array that is a file beside the output, and becomes the output if all goes well."""
    import numpy as np

    if len(shape) != 2:  # the kernel will say what is wrong with its inputs
        yield None
        return
    partial = output.with_name(f".{output.name}.{uuid4().hex[:8]}.part")
    try:
        partial.touch()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(output)) from None
    with half_written(partial):
        if 0 in shape:
            with partial.open("wb") as stream:
                np.save(stream, np.empty(shape, dtype))
            yield None
        else:
            result = np.lib.format.open_memmap(partial, "w+", dtype, shape)
            _reserve(partial)
            yield result
            result.flush()
        partial.replace(output)


def _reserve(path: Path) -> None:
    """Claim a file's room on the disk now: writing to a map where there is none is fatal."""
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("r+b") as stream:
        size = os.fstat(stream.fileno()).st_size
        try:
            os.posix_fallocate(stream.fileno(), 0, size)
        except OSError as error:
            import errno

            if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
                raise OSError(error.errno, error.strerror, str(path)) from None
