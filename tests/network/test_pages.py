"""The codes of this stage and their pages are the same; tests/diagnostics runs the programs."""

from __future__ import annotations

import re
from pathlib import Path

from ntkc.diagnostics.pages import codes


def test_every_code_has_a_page() -> None:
    package = Path(__file__).parents[2] / "ntkc"
    used = set()
    for folder in ("network", "layers", "schedule", "artefact"):
        for path in (package / folder).rglob("*.py"):
            used |= set(re.findall(r'"(E\d{4})"', path.read_text(encoding="utf-8")))
    assert used == {code for code in codes() if code[:3] in ("E03", "E04", "E05")} | {"E0120"}
