"""Definitions from other files."""

from __future__ import annotations

from pathlib import Path

from ntkc.diagnostics import Diagnostic, Diagnostics
from ntkc.ir.module import Parameter
from ntkc.network.graph import Network
from ntkc.network.resolve import resolve_program
from ntkc.syntax.imports import load
from tests.network.programs import words


def _resolve(folder: Path, **files: str) -> tuple[Network | None, list[Diagnostic]]:
    for name, text in files.items():
        (folder / f"{name}.ntk").write_text(text, encoding="utf-8")
    diagnostics = Diagnostics()
    program = load(folder / "main.ntk", diagnostics)
    assert program is not None
    return resolve_program(program, diagnostics), list(diagnostics)


MAIN = 'import "blocks.ntk"\nnetwork n { input vector[3]; dense -> block(2) }'


def test_a_definition_looks_up_its_own_file(tmp_path: Path) -> None:
    network, found = _resolve(
        tmp_path,
        main=MAIN + "\nlet _width = 5",
        blocks="let _width = 1\nparam gain = 2\ndef block(n) = { relu -> dense(gain, _width) } * n",
    )
    assert found == []
    assert network is not None
    assert words(network) == ["dense", "relu", "dense", "relu", "dense"]
    assert network.parameters == (Parameter("gain", 2.0),)


def test_unused_names_of_an_imported_file_are_no_matter(tmp_path: Path) -> None:
    network, found = _resolve(
        tmp_path, main=MAIN, blocks="def block(n) = identity * n\nlet other = 1\nparam p = 1"
    )
    assert network is not None
    assert found == []


def test_imports_and_params_are_not_passed_on(tmp_path: Path) -> None:
    network, found = _resolve(
        tmp_path,
        main=MAIN.replace("block(2)", "deep -> dense(gain)"),
        blocks='import "more.ntk"\nparam gain = 1\ndef block(n) = deep * n',
        more="def deep = dense",
    )
    assert network is None
    assert [d.message for d in found] == ["`deep` is not known", "`gain` is not known"]


def test_two_definitions_of_a_name(tmp_path: Path) -> None:
    network, (found,) = _resolve(
        tmp_path, main=MAIN + "\ndef block(n) = dense", blocks="def block(n) = dense"
    )
    assert network is None
    assert found.code == "E0308"
    assert found.primary is not None


def test_two_params_of_a_name(tmp_path: Path) -> None:
    network, (found,) = _resolve(
        tmp_path,
        main=MAIN + "\nparam w = 1",
        blocks="param w = 2\ndef block(n) = dense(w) * n",
    )
    assert network is None
    assert found.code == "E0308"


def test_mistakes_are_told_in_the_imported_file(tmp_path: Path) -> None:
    _, (found,) = _resolve(tmp_path, main=MAIN, blocks="def block(n) = dens * n")
    assert found.code == "E0301"
    assert found.primary is not None
    assert found.primary.span.source.name.endswith("blocks.ntk")


def test_importing_twice_is_importing_once(tmp_path: Path) -> None:
    network, found = _resolve(
        tmp_path,
        main='import "blocks.ntk"\nimport "blocks.ntk"\nimport "./blocks.ntk"\n'
        'import "more.ntk"\nnetwork n { input vector[3]; dense -> block(2) -> deep }',
        blocks="def block(n) = identity * n",
        more="def deep = dense",
    )
    assert found == []
    assert network is not None
