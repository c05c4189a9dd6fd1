"""From text to networks, for tests."""

from __future__ import annotations

from pathlib import Path

from ntkc.diagnostics import Diagnostic, Diagnostics, Source
from ntkc.network.graph import Network
from ntkc.network.resolve import resolve_program
from ntkc.syntax.parser import parse

REFERENCE = Path(__file__).parent.parent / "reference"
VECTOR_CASES = sorted(
    path.stem for path in REFERENCE.glob("*.ntk") if "input vector" in path.read_text()
)

SPATIAL_CASES = sorted(
    path.stem
    for path in REFERENCE.glob("*.ntk")
    if path.stem not in VECTOR_CASES and "attention" not in path.read_text()
)


def check(text: str, network: str | None = None) -> tuple[Network | None, list[Diagnostic]]:
    """The network and all that was said about it."""
    diagnostics = Diagnostics()
    file = parse(Source("test.ntk", text), diagnostics)
    assert file is not None, [found.message for found in diagnostics]
    return resolve_program(file, diagnostics, network), list(diagnostics)


def resolve(text: str, network: str | None = None) -> Network:
    """The network of a program without mistakes."""
    result, found = check(text, network)
    assert result is not None, [f"{d.code} {d.message}" for d in found]
    return result


def layers(body: str, before: str = "", input: str = "vector[7]") -> Network:
    """The network of a body."""
    return resolve(f"{before}\nnetwork net {{ input {input}\n{body}\n}}")


def codes(body: str, before: str = "", input: str = "vector[7]") -> list[str]:
    """The codes of what is said about a body, warnings apart."""
    _, found = check(f"{before}\nnetwork net {{ input {input}\n{body}\n}}")
    return [d.code for d in found if d.kind.value != "warning"]


def words(network: Network) -> list[str]:
    """The names of a network's layers, inputs first."""
    return [node.layer.name for node in network.nodes() if node.layer is not None]
