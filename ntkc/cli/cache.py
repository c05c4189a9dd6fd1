"""`ntkc cache`: what was compiled before."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ntkc.cli import exits, terminal


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "action", choices=("info", "dir", "clear"), nargs="?", default="info",
        help="info: where it is and what it holds; dir: where it is; clear: remove everything",
    )  # fmt: skip


def run(args: Namespace) -> int:
    """Show or clear."""
    from ntkc.artefact import cache
    from ntkc.artefact.location import location

    if args.action == "dir":
        terminal.out(str(location()))
    elif args.action == "clear":
        count = cache.clear()
        terminal.out(f"removed {count} compiled program{'' if count == 1 else 's'}")
    else:
        terminal.out(describe())
    return exits.OK


def describe() -> str:
    """Where the cache is and what it holds, in one line."""
    from ntkc.artefact import cache
    from ntkc.artefact.location import location

    folders = list(cache.entries())
    size = sum(_size(folder) for folder in folders)
    count = f"{len(folders)} compiled program{'' if len(folders) == 1 else 's'}"
    return f"{location()}: {count}, {size / 2**20:.1f} MiB"


def _size(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:  # gone meanwhile
            continue
    return total
