"""Reading a source file within the bounds."""

from __future__ import annotations

from pathlib import Path

from ntkc.diagnostics import Diagnostics, Label, Source
from ntkc.diagnostics.suggest import closest
from ntkc.syntax.limits import MAX_FILE_BYTES


def read_source(
    path: Path, diagnostics: Diagnostics, name: str | None = None, asked: tuple[Label, ...] = ()
) -> Source | None:
    """The text of a file, or None and a report.

    `name` is what messages call it; `asked` holds the import that asks for it, and after it
    the chain of imports that led there.
    """
    shown = str(path) if name is None else name
    try:
        content = _read(path)
    except (OSError, ValueError) as error:
        told = isinstance(error, OSError) and error.strerror
        reason = str(told or error).lower()
        hint = similar(path) if isinstance(error, FileNotFoundError) else ""
        help = f"did you mean `{hint}`?" if hint else ()
        _fail(diagnostics, "E0207", f"cannot read `{shown}`: {reason}", asked, help)
        return None
    if len(content) > MAX_FILE_BYTES:
        _fail(diagnostics, "E0201", f"`{shown}` is larger than {MAX_FILE_BYTES} bytes", asked)
        return None
    try:
        text = content.decode("utf-8")
        # Lines may end as they did on the oldest Macintoshes.
        return Source(shown, text if "\n" in text else text.replace("\r", "\n"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = (
            f"`{shown}` is not UTF-8 text: line {line} holds byte 0x{content[error.start]:02x}"
        )
        _fail(diagnostics, "E0206", message, asked)
        return None


def _read(path: Path) -> bytes:
    # Opening a pipe would wait for its writer, and a device may never end.
    if path.exists() and not path.is_file():
        raise OSError(0, "it is a folder" if path.is_dir() else "not a file")
    with path.open("rb") as stream:
        return stream.read(MAX_FILE_BYTES + 1)


def similar(path: Path) -> str:
    """The name of a program that is probably meant by a path where no file is, or nothing."""
    if path.suffix != ".ntk" and path.with_name(f"{path.name}.ntk").is_file():
        return f"{path.name}.ntk"
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix == ".ntk"]
    except OSError:
        return ""
    return closest(path.name, names) or ""


def _fail(
    diagnostics: Diagnostics,
    code: str,
    message: str,
    asked: tuple[Label, ...],
    help: str | tuple[str, ...] = (),
) -> None:
    if not asked:
        diagnostics.error(code, message, help=help)
        return
    first, *rest = asked
    diagnostics.error(code, message, first.span, first.text, secondary=tuple(rest), help=help)
