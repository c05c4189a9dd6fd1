"""Reading a source file within the bounds."""

from __future__ import annotations

from pathlib import Path

from ntkc.diagnostics import Diagnostics, Label, Source
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
        _fail(diagnostics, "E0207", f"cannot read `{shown}`: {reason}", asked)
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
        raise OSError(0, "not a file")
    with path.open("rb") as stream:
        return stream.read(MAX_FILE_BYTES + 1)


def _fail(diagnostics: Diagnostics, code: str, message: str, asked: tuple[Label, ...]) -> None:
    if not asked:
        diagnostics.error(code, message)
        return
    first, *rest = asked
    diagnostics.error(code, message, first.span, first.text, secondary=tuple(rest))
