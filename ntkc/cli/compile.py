"""`ntkc compile`: a folder to import, or any stage on the way there."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ntkc.cli import arguments, exits, terminal

if TYPE_CHECKING:
    from ntkc.artefact.prepare import Compilation

STAGES = ("ast", "network", "ir", "schedule", "latex", "python", "llvm", "asm", "ptx")


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    arguments.add_program(parser)
    arguments.add_compilation(parser)
    arguments.add_sizes(parser)
    parser.add_argument(
        "-o", "--output", metavar="DIR", default=None,
        help="write the package below this folder (default: build); with --emit, a file",
    )  # fmt: skip
    parser.add_argument("--emit", choices=STAGES, help="print this stage instead")
    parser.add_argument(
        "--after", metavar="PASS", help="with --emit ir: after this pass, and not before all"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace whatever stands where the package goes"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="compile even what was compiled before"
    )


def run(args: Namespace) -> int:
    """Compile, and say what was made."""
    if args.after is not None and args.emit != "ir":
        raise exits.UsageError("--after belongs to --emit ir")
    if args.emit is not None:
        return _emit(args)
    folder = _folder(args.output)
    from ntkc.artefact.prepare import prepare
    from ntkc.artefact.save import save

    made = prepare(arguments.origin(args.program), arguments.options(args), not args.no_cache)
    terminal.diagnostics(made.warnings)
    try:
        place = save(made, folder, args.force)
    except FileExistsError as error:
        raise exits.InputError(f"{error}; --force replaces it") from None
    terminal.out(_summary(made, folder, place))
    return exits.OK


def _folder(output: str | None) -> Path:
    """Where the package goes, which may be yet to make, and is no file."""
    folder = Path(output or "build")
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise exits.UsageError(f"--output: {place} is not a folder")
    return folder


def _emit(args: Namespace) -> int:
    from ntkc.cli.stages import emit

    if args.output is not None:
        arguments.refuse_overwriting(args.output, args.program)
    text = emit(args.emit, args.after, arguments.origin(args.program), arguments.options(args))
    if args.output is None:
        terminal.out(text)
    else:
        Path(args.output).write_text(text, encoding="utf-8", errors="backslashreplace")
    return exits.OK


def _summary(made: Compilation, folder: Path, place: Path) -> str:
    manifest = made.artefact.manifest
    example = "kernel(x1)"
    if manifest["parameters"]:
        name, value = next(iter(manifest["parameters"].items()))
        example = f"kernel(x1, {name}={value:g})"
    kernel = f"network `{manifest['network']}`, {manifest['input']}, {made.options.dtype}"
    if made.options.backend == "cuda":
        kernel += ", for NVIDIA's GPUs"
    return (
        f"{place}: {kernel}\n\n"
        f"    import sys; sys.path.insert(0, {str(folder)!r})\n"
        f"    from {place.name} import kernel\n"
        f"    k = {example}\n\n"
        f"{cost_line(manifest)}\n"
    )


def cost_line(manifest: dict[str, Any]) -> str:
    """What a pair of inputs costs, in words."""
    cost = manifest["cost"]
    size = manifest["input"].partition("[")[2].partition("]")[0]
    if manifest["slices"]:
        return (
            f"a pair costs {cost['ntk']['flops']:,} flops for the NTK, "
            f"{cost['nngp']['flops']:,} for the NNGP kernel"
        )
    return (
        f"a pair costs an inner product of {size} numbers and {cost['ntk']['flops']} flops for "
        f"the NTK, {cost['nngp']['flops']} for the NNGP kernel, {cost['nngp+ntk']['flops']} for "
        "both"
    )
