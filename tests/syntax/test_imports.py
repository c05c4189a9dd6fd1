"""Programs of several files: what is loaded, in which order, and what may not be reached."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ntkc.diagnostics import Diagnostic, Diagnostics, Source
from ntkc.diagnostics.render import render
from ntkc.syntax.imports import Program, load
from ntkc.syntax.limits import MAX_FILE_BYTES, MAX_FILES


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def write(folder: Path, **texts: str) -> Path:
    """Write `main.ntk` and others; double underscores in a name stand for folders."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.ntk"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "main.ntk"


def loaded(path: Path, **options: object) -> Program:
    diagnostics = Diagnostics()
    program = load(path, diagnostics, **options)  # type: ignore[arg-type]
    assert [render(found) for found in diagnostics] == []
    assert program is not None
    return program


def refused(path: Path | Source, **options: object) -> Diagnostic:
    diagnostics = Diagnostics()
    assert load(path, diagnostics, **options) is None  # type: ignore[arg-type]
    (found,) = diagnostics
    return found


def names(program: Program) -> list[str]:
    return [Path(file.source.name).name for file in program.files]


def test_files_come_in_dependency_order_and_once(project: Path) -> None:
    main = write(
        project,
        main='import "left.ntk"\nimport "sub/right.ntk"\nimport "./left.ntk"',
        left='import "sub/base.ntk"\nlet a = 1',
        sub__right='import "base.ntk"\nimport "../left.ntk"',
        sub__base="let b = 1",
    )
    program = loaded(main)
    assert names(program) == ["base.ntk", "left.ntk", "right.ntk", "main.ntk"]
    left, right, again = program.main.imports
    assert left is again
    assert left in right.imports
    assert program.imported[0].source.name == str(Path("sub") / "base.ntk")
    assert program.main.path == main.resolve()


def test_a_file_without_imports(project: Path) -> None:
    program = loaded(write(project, main="let x = 1"))
    assert program.imported == ()
    assert program.main.imports == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('import "missing.ntk"', "E0207"),
        ('import "folder.ntk"', "E0207"),
        ('import ".ntk"', "E0207"),
        ('import "../outside.ntk"', "E0208"),
        ('import "sub/../../outside.ntk"', "E0208"),
        ('import "/etc/program.ntk"', "E0208"),
        ('import "link.ntk"', "E0208"),
        ('import "loop.ntk"', "E0207"),
        ('import "main.ntk"', "E0209"),
        ('import "secrets.txt"', "E0211"),
        ('import ""', "E0211"),
        ('import "latin.ntk"', "E0206"),
        ('import "large.ntk"', "E0201"),
        (f'import "{"x" * 5000}.ntk"', "E0207"),
    ],
)
def test_what_cannot_be_imported(project: Path, text: str, code: str) -> None:
    (project.parent / "outside.ntk").write_text("let x = 1", encoding="utf-8")
    (project / "link.ntk").symlink_to(project.parent / "outside.ntk")
    (project / "loop.ntk").symlink_to(project / "loop.ntk")
    (project / "folder.ntk").mkdir()
    (project / "latin.ntk").write_bytes("# Größe".encode("latin-1"))
    (project / "large.ntk").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    found = refused(write(project, main=text))
    assert found.code == code
    assert found.primary is not None
    assert found.primary.span.text == text


def test_a_pipe_is_not_waited_for(project: Path) -> None:
    os.mkfifo(project / "pipe.ntk")
    assert refused(write(project, main='import "pipe.ntk"')).code == "E0207"
    assert refused(project / "pipe.ntk").code == "E0207"


def test_a_cycle_shows_its_links(project: Path) -> None:
    main = write(
        project, main='import "a.ntk"', a='import "b.ntk"', b='\nimport "a.ntk"\n', c="let x = 1"
    )
    found = refused(main)
    assert found.code == "E0209"
    assert str(found.primary and found.primary.span) == "b.ntk:2:1"
    assert [str(label.span) for label in found.secondary] == ["a.ntk:1:1"]


def test_an_error_below_shows_the_way_to_it(project: Path) -> None:
    main = write(project, main='import "a.ntk"', a='import "b.ntk"', b='import "gone.ntk"')
    found = refused(main)
    assert found.code == "E0207"
    places = [label.span.source.name for label in found.secondary]
    assert [Path(place).name for place in places] == ["a.ntk", "main.ntk"]


def test_a_mistake_in_an_imported_file_is_told_once(project: Path) -> None:
    main = write(
        project, main='import "a.ntk"\nimport "b.ntk"', a='import "b.ntk"', b="let x 1\nlet y 2"
    )
    diagnostics = Diagnostics()
    assert load(main, diagnostics) is None
    assert [found.code for found in diagnostics] == ["E0106", "E0106"]


def test_root_and_allow_widen_what_can_be_reached(project: Path) -> None:
    outside = project.parent / "outside.ntk"
    outside.write_text("let x = 1", encoding="utf-8")
    main = write(project, main='import "../outside.ntk"')
    assert refused(main).code == "E0208"
    assert names(loaded(main, root=project.parent)) == ["outside.ntk", "main.ntk"]
    assert names(loaded(main, allow=(outside,))) == ["outside.ntk", "main.ntk"]
    assert names(loaded(main, allow=(project.parent,))) == ["outside.ntk", "main.ntk"]


def test_text_imports_only_with_a_root(project: Path) -> None:
    write(project, a="let x = 1")
    source = Source("<text>", 'import "a.ntk"')
    assert refused(source).code == "E0212"
    diagnostics = Diagnostics()
    program = load(source, diagnostics, root=project)
    assert program is not None
    assert names(program) == ["a.ntk", "<text>"]
    assert program.main.path is None


def test_number_of_files(project: Path) -> None:
    chain = {f"f{n}": f'import "f{n + 1}.ntk"' for n in range(MAX_FILES - 2)}
    main = write(project, main='import "f0.ntk"', **chain, **{f"f{MAX_FILES - 2}": ""})
    assert len(loaded(main).files) == MAX_FILES
    write(project, **{f"f{MAX_FILES - 2}": f'import "f{MAX_FILES - 1}.ntk"'})
    write(project, **{f"f{MAX_FILES - 1}": ""})
    assert refused(main).code == "E0210"


def test_bytes_of_all_files(project: Path) -> None:
    count = 5
    texts = {f"f{n}": "#" * (MAX_FILE_BYTES - 1) for n in range(count)}
    text = "".join(f'import "f{n}.ntk"\n' for n in range(count))
    diagnostics = Diagnostics()
    assert load(write(project, main=text, **texts), diagnostics) is None
    assert {found.code for found in diagnostics} == {"E0210"}


def test_a_missing_main_file(project: Path) -> None:
    found = refused(project / "main.ntk")
    assert found.code == "E0207"
    assert found.primary is None
