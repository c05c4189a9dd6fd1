"""Routines: generated functions that others call, each once whatever the number of its calls.

A network of many segments has the same step again and again: so a step, a push and a move are
functions of their own, and what differs from call to call, places and sizes, are arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_WIDTH = 84
_NAME = re.compile(r"[A-Za-z_]\w*")


class Routines:
    """The routines of a module, numbered by kind as they are first called.

    `decorator` compiles them, and `buffers` are the names of the arrays that any of them may be
    given. `suffix` ends their names: compiled functions of one name and different contents crash
    one another's processes. `opening` are the first lines of each.
    """

    def __init__(
        self, decorator: str, buffers: Sequence[str], suffix: str, opening: Sequence[str] = ()
    ) -> None:
        self._decorator, self._buffers, self._suffix = decorator, buffers, suffix
        self._opening = opening
        self._found: dict[tuple[str, tuple[str, ...], tuple[str, ...]], tuple[str, str]] = {}

    def call(
        self,
        kind: str,
        what: str,
        body: Sequence[str],
        arguments: Mapping[str, str],
        target: str = "",
    ) -> list[str]:
        """Lines that call the routine with this body; the buffers that it names go first.

        What it returns, if anything, is assigned to `target`.
        """
        used = {name for line in body for name in _NAME.findall(line)}
        buffers = [name for name in self._buffers if name in used]
        given = {name: value for name, value in arguments.items() if name in used}
        parameters = (*buffers, *given)
        key = (kind, parameters, tuple(body))
        if key not in self._found:
            name = f"{kind}_{1 + sum(k == kind for k, *_ in self._found)}{self._suffix}"
            self._found[key] = name, what
        head = f"{target} = " if target else ""
        return _wrapped(f"{head}{self._found[key][0]}(", [*buffers, *given.values()])

    def texts(self) -> list[str]:
        """The definitions."""
        return [
            "\n".join(
                [
                    self._decorator,
                    *_wrapped(f"def {name}(", list(parameters), "):"),
                    f'    """{what}"""',
                    *(f"    {line}" for line in (*self._opening, *body)),
                ]
            )
            for (_, parameters, body), (name, what) in self._found.items()
        ]


def _wrapped(head: str, parts: Sequence[str], end: str = ")") -> list[str]:
    """`head part, part, … end`, on as many lines as it takes."""
    line = head + ", ".join(parts) + end
    if len(line) <= _WIDTH:
        return [line]
    lines = [head]
    for part in parts:
        if lines[-1].startswith("    ") and len(lines[-1]) + len(part) < _WIDTH:
            lines[-1] += f" {part},"
        else:
            lines.append(f"    {part},")
    return [*lines, end]
