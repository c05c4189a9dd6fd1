"""A syntax tree as text, for `--emit ast`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass


def tree(node: object) -> str:
    """A syntax tree, one node a line; places in the text are left out."""
    return "\n".join(_lines("", node, "")) + "\n"


def _lines(label: str, value: object, indent: str) -> Iterator[str]:
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: getattr(value, f.name) for f in fields(value) if f.repr}
        flat = {name: part for name, part in parts.items() if _is_flat(part)}
        shown = " ".join(f"{name}={part!r}" for name, part in flat.items())
        yield f"{indent}{label}{type(value).__name__} {shown}".rstrip()
        for name, part in parts.items():
            if name not in flat:
                yield from _lines(f"{name}: ", part, f"{indent}  ")
    elif isinstance(value, tuple):
        yield f"{indent}{label}"
        for part in value:
            yield from _lines("", part, f"{indent}  ")
    else:
        yield f"{indent}{label}{value!r}"


def _is_flat(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_flat, value))
    return not is_dataclass(value)
