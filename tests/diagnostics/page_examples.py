"""The programs on the pages of the codes, and what the compiler says to them.

The first line of a fence tells how a program is given:
`fails` (it must be refused), `compile` (when it is compiled, not before),
`file=NAME` (it is a file, not a text), `encoding=NAME`,
`repeated=N` (the text N times, or N files, with the numbers from 0 on for `{n}`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ntkc.diagnostics import Diagnostic, Diagnostics, ProgramError, Source
from ntkc.diagnostics.pages import page

_FENCE = re.compile(r"^```ntk([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_MAIN = "main.ntk"


@dataclass(frozen=True)
class Example:
    """One program on a page."""

    text: str
    fails: bool
    compiled: bool
    file: str | None
    encoding: str
    repeated: int

    def texts(self) -> list[str]:
        return [self.text.replace("{n}", str(n)) for n in range(self.repeated)]

    def write(self, folder: Path) -> None:
        """Write the file, or the files, that this example stands for."""
        name = self.file or _MAIN
        if "{n}" in name:
            for n, text in enumerate(self.texts()):
                (folder / name.replace("{n}", str(n))).write_text(text, encoding="utf-8")
            return
        (folder / name).write_text("".join(self.texts()), encoding=self.encoding)


def examples(code: str) -> list[Example]:
    """All programs on a page, in order."""
    found = []
    for info, text in _FENCE.findall(page(code)):
        words = info.split()
        options = dict(word.split("=", 1) for word in words if "=" in word)
        found.append(
            Example(
                text,
                "fails" in words,
                "compile" in words,
                options.get("file"),
                options.get("encoding", "utf-8"),
                int(options.get("repeated", "1")),
            )
        )
    return found


def _compiled(text: str) -> list[Diagnostic]:
    from ntkc.artefact.prepare import prepare
    from ntkc.driver import Options

    try:
        return list(prepare(Source("<page>", text), Options(), use_cache=False).warnings)
    except ProgramError as error:
        return list(error.diagnostics)


def diagnose(code: str, example: Example, folder: Path) -> list[Diagnostic]:
    """What the front end, or for later codes the whole compiler, says to an example."""
    others = [other for other in examples(code) if other.file not in (None, _MAIN)]
    as_file = bool(others) or example.file is not None or example.encoding != "utf-8"
    text = "".join(example.texts())
    if code >= "E03":
        from ntkc.driver import check

        assert not as_file, "pages from E03 on hold single programs"
        return _compiled(text) if example.compiled else list(check(text))
    from ntkc.syntax.imports import load

    diagnostics = Diagnostics()
    if as_file:
        for other in (*others, example):
            other.write(folder)
        load(folder / _MAIN, diagnostics)
    else:
        load(Source("<page>", text), diagnostics)
    return list(diagnostics)
