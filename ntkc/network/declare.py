"""The top level of every file of a program: what it defines and what it sees."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from dataclasses import dataclass, field

from ntkc.diagnostics import Span
from ntkc.network.report import Report
from ntkc.network.scope import Entry, FileScope
from ntkc.network.wrong_names import report_duplicate, warn_hidden
from ntkc.syntax import ast
from ntkc.syntax.imports import LoadedFile, Program


@dataclass(eq=False)
class Declared:
    """One file: its names, its networks, and the files that it imports."""

    statements: tuple[ast.Statement, ...]
    scope: FileScope
    networks: dict[str, ast.NetworkDef]
    imports: list[Declared] = field(default_factory=list)
    span: Span | None = None

    def with_imports(self) -> Iterator[Declared]:
        """The file and all files that it needs, each once."""
        seen: dict[int, Declared] = {}
        pending = [self]
        while pending:
            file = pending.pop()
            if id(file) not in seen:
                seen[id(file)] = file
                pending.extend(file.imports)
        yield from seen.values()


def declare(program: Program | ast.File, report: Report) -> list[Declared]:
    """Every file of the program, the main one last."""
    if isinstance(program, ast.File):
        return [_declare(program, [], report)]
    done: dict[int, Declared] = {}
    for loaded in program.files:
        seen = [(statement, done[id(file)]) for statement, file in _imports(loaded)]
        done[id(loaded)] = _declare(loaded.file, seen, report)
    files = list(done.values())
    _check_params(files, report)
    return files


_CALL_ARGUMENTS = frozenset(
    {"self", "x1", "x2", "get", "out", "progress", "threads", "memory", "wrt", "cotangent"}
)


def _check_keywords(file: ast.File, report: Report) -> None:
    """A `param` becomes a keyword of the kernel: Python and the kernel must have it free."""
    for statement in file.statements:
        if not isinstance(statement, ast.Param):
            continue
        name = statement.name
        taken = "an argument of every kernel" if name.name in _CALL_ARGUMENTS else None
        if keyword.iskeyword(name.name):
            taken = "a keyword of Python"
        if taken is not None:
            report.error(
                "E0322",
                f"a `param` cannot be called `{name.name}`",
                name.span,
                f"`{name.name}` is {taken}",
                help="a `param` is a keyword of the compiled kernel: choose another name",
            )


def _check_params(files: list[Declared], report: Report) -> None:
    """Two files cannot both have a `param` of one name: it is a keyword of the kernel."""
    first: dict[str, ast.Name] = {}
    for file in files:
        for statement in file.statements:
            if isinstance(statement, ast.Param):
                name = statement.name
                known = first.setdefault(name.name, name)
                if known is not name and known.span.source is not name.span.source:
                    report_duplicate(report, name, known.span, "`param`")


def _imports(loaded: LoadedFile) -> list[tuple[ast.Import, LoadedFile]]:
    """Every imported file once, with a statement that imports it (or one beside it)."""
    statements = [s for s in loaded.file.statements if isinstance(s, ast.Import)]
    written = list(dict.fromkeys(statements))
    return [(written[min(i, len(written) - 1)], file) for i, file in enumerate(loaded.imports)]


def _declare(
    file: ast.File, imports: list[tuple[ast.Import, Declared]], report: Report
) -> Declared:
    scope = FileScope()
    _check_keywords(file, report)
    declared = Declared(
        file.statements, scope, {}, [imported for _, imported in imports], file.span
    )
    for statement in file.statements:
        if isinstance(statement, ast.NetworkDef):
            first = declared.networks.setdefault(statement.name.name, statement)
            if first is not statement:
                report_duplicate(report, statement.name, first.name.span, "network")
        elif not isinstance(statement, ast.Import):
            name = statement.name
            entry = Entry(statement, scope)
            known = scope.entries.setdefault(name.name, entry)
            if known is not entry:
                report_duplicate(report, name, known.statement.name.span, "definition")
            else:
                warn_hidden(report, name)
    for statement, imported in imports:
        _import(statement, imported, scope, report)
    return declared


def _import(statement: ast.Import, imported: Declared, scope: FileScope, report: Report) -> None:
    """Make the file's own definitions visible, except those whose names begin with `_`.

    Its `param`s and what it imports itself are not passed on.
    """
    for name, entry in imported.scope.entries.items():
        private = name.startswith("_") or isinstance(entry.statement, ast.Param)
        if private or entry.file is not imported.scope:
            continue
        known = scope.entries.setdefault(name, entry)
        if known is not entry:
            at = ast.Name(name, statement.span)
            report_duplicate(report, at, known.statement.name.span, "definition")
