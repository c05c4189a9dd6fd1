"""Programs that several tests of the front end read."""

from __future__ import annotations

from pathlib import Path

_TESTS = Path(__file__).parents[1]

REFERENCE = sorted((_TESTS / "reference").rglob("*.ntk"))
HANDMADE = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((_TESTS / "syntax" / "layout").glob("*.ntk"))
}
WIDE_RESNET = HANDMADE["wide_resnet"]
