"""The pages that teach are executed: what they show is what happens.

A page's blocks run in order, in one empty folder and one namespace:

- ```ntk: a program without mistakes. One that begins with `# name.ntk` is written to that file.
  After ```ntk wrong, the compiler must find mistakes.
- ```python: must run through. A ```text block right after it is what it prints.
- ```console: each `$ ntkc …` and `$ python …` line is run, and what follows it is the output.

In expected output, `...` stands for anything.
"""

from __future__ import annotations

import doctest
import importlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import ntkc
from ntkc.cli.main import COMMANDS, main
from ntkc.diagnostics import Kind

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "tutorial.md",
    ROOT / "docs" / "fitting.md",
    ROOT / "docs" / "predictions-tutorial.md",
    ROOT / "docs" / "estimators.md",
]
_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"# ([\w-]+\.ntk)\b")
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    info: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(found[1].strip(), found[2], text.count("\n", 0, found.start(2)) + 1)
        for found in _FENCE.finditer(text)
    ]


def same(expected: str, found: str) -> bool:
    """Whether an output is what a page says, but for line ends and what `...` stands for."""
    want, got = (
        "".join(f"{line.rstrip()}\n" for line in text.strip().splitlines())
        for text in (expected, found)
    )
    return doctest.OutputChecker().check_output(want, got, doctest.ELLIPSIS)


class Reader:
    """Somebody who tries everything that a page shows."""

    def __init__(self, page: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.page = page
        self.capture = capture
        self.names: dict[str, Any] = {"__name__": page.stem}
        self.printed = ""

    def read(self, block: Block) -> None:
        before, self.printed = self.printed, ""
        kind, _, note = block.info.partition(" ")
        if kind == "ntk":
            self.program(block, note == "wrong")
        elif kind == "python":
            self.python(block)
        elif kind == "console":
            self.console(block)
        elif kind == "text" and before:
            self.compare(block, "the code above", block.text, before)
            return
        assert not before, f"{self.page.name}:{block.line}: not shown: {before}"

    def program(self, block: Block, wrong: bool) -> None:
        name = _FILE.match(block.text)
        if name is not None:
            Path(name[1]).write_text(block.text, encoding="utf-8")
        found = [d for d in ntkc.check(source=block.text) if d.kind is not Kind.WARNING]
        assert bool(found) == wrong, f"{self.page.name}:{block.line}: {found}"

    def python(self, block: Block) -> None:
        code = "\n" * (block.line - 1) + block.text  # so that tracebacks show the page's lines
        exec(compile(code, str(self.page), "exec"), self.names)
        self.printed = self.capture.readouterr().out

    def console(self, block: Block) -> None:
        for command, expected in _COMMAND.findall(block.text):
            program, *arguments = shlex.split(command)
            if program == "ntkc":
                main(arguments)
                captured = self.capture.readouterr()
                output = captured.out + captured.err
            elif program == "python":
                output = subprocess.run(
                    [sys.executable, *arguments],
                    check=True,
                    text=True,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                ).stdout
            else:
                continue
            self.compare(block, command, expected, output)

    def compare(self, block: Block, what: str, expected: str, found: str) -> None:
        place = f"{self.page.name}:{block.line}"
        assert same(expected, found), f"{place}: {what}\n-- expected\n{expected}-- found\n{found}"


@pytest.fixture
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder with the examples, a cache of its own, and imports undone afterwards."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copytree(ROOT / "examples", folder / "examples")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NTKC_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    known = set(sys.modules)
    importlib.invalidate_caches()
    yield
    for name in set(sys.modules) - known:
        if str(folder) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]


@pytest.mark.usefixtures("_clean")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader = Reader(page, capsys)
    for block in blocks(page):
        reader.read(block)
    assert not reader.printed, f"{page.name}: not shown at the end: {reader.printed}"


def test_all_fences_are_closed() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert 2 * len(blocks(page)) == len(re.findall(r"^```", text, re.MULTILINE)), page.name


def test_links_of_the_tutorial() -> None:
    page = ROOT / "docs" / "tutorial.md"
    prose = _FENCE.sub("", page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)#:]+)\)", prose)
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("expected", "found", "equal"),
    [
        ("one\ntwo\n", "one\ntwo\n\n", True),
        ("in ... s\n", "in 0.21 s\n", True),
        ("one\n...\nfour\n", "one\ntwo\nthree\nfour\n", True),
        ("one\n", "two\n", False),
        ("one\n...\nfour\n", "one\ntwo\nfive\n", False),
        ("", "something\n", False),
    ],
)
def test_comparison(expected: str, found: str, equal: bool) -> None:
    assert same(expected, found) is equal


def test_the_commands_that_pages_name_are_there() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for command in re.findall(r"(?:`|\$ )ntkc ([a-z]+)", page.read_text(encoding="utf-8")):
            assert command in COMMANDS, f"{page.name} names `ntkc {command}`"
