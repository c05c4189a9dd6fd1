"""Each pass on small modules: the files `*.ir` beside this one.

A file holds a comment that names the pass and says what it shows, a module, the line
`# becomes`, and what the pass makes of it. `NTKC_REGENERATE=1 pytest tests/passes` writes
both modules anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ntkc.cli.opt import forms_of, passes
from ntkc.diagnostics import Source
from ntkc.ir.module import Module
from ntkc.ir.text import format_module, parse_module
from ntkc.ir.verify import verify

FILES = sorted(Path(__file__).parent.glob("*.ir"))
_BECOMES = "# becomes\n"


def _parts(path: Path) -> tuple[str, Module, str]:
    """The pass, the module before it, and the expected text after it."""
    text = path.read_text(encoding="utf-8")
    before, _, after = text.partition(_BECOMES)
    named = re.match(r"# pass ([\w-]+): .", before)
    assert named, f"{path.name} begins with `# pass NAME: what it shows`"
    return named[1], parse_module(Source(path.name, before), forms_of), after


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_pass(path: Path) -> None:
    name, module, expected = _parts(path)
    verify(module)
    after = passes("float64")[name].run(module)
    verify(after, name)
    found = format_module(after)
    if os.environ.get("NTKC_REGENERATE"):
        comment = path.read_text(encoding="utf-8").partition("\n")[0] + "\n"
        path.write_text(comment + format_module(module) + _BECOMES + found, encoding="utf-8")
    else:
        assert found == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_written_is_what_is_printed(path: Path) -> None:
    """Both parts are in canonical form, so that a reader sees what a pass sees."""
    _, module, after = _parts(path)
    lines = path.read_text(encoding="utf-8").partition(_BECOMES)[0].splitlines(keepends=True)
    before = "".join(line for line in lines if not line.startswith("#"))
    assert format_module(module) == before
    assert format_module(parse_module(after, forms_of)) == after


def test_every_pass_has_an_example() -> None:
    shown = {_parts(path)[0] for path in FILES}
    assert shown == set(passes("float64")) - {"fold-again"}
