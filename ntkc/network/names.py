"""The static part of resolution: what every name refers to, before anything is evaluated.

Scoping is lexical. At the top level of a file the order of definitions does not matter, and
none may refer to itself, directly or through others. A `let` in a block is visible below
it. A definition's parameter or a block's `let` hides what has its name outside; so does a
file's definition that has a built-in name, with a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ntkc.diagnostics import Kind, Label, Span
from ntkc.network.builtins import all_names
from ntkc.network.report import Report
from ntkc.network.scope import Entry, FileScope, children
from ntkc.network.wrong_names import (
    compared_name,
    report_compared,
    report_duplicate,
    report_in_formula,
    report_out_of_sight,
    report_unknown,
)
from ntkc.syntax import ast


@dataclass(eq=False)
class _Binding:
    """A local name and whether anything uses it."""

    name: ast.Name
    is_let: bool
    used: bool = False


@dataclass(frozen=True, eq=False)
class _Frame:
    """The names of one definition or block: each is visible after its `position`."""

    outer: _Place | None
    bindings: dict[str, tuple[int, _Binding]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Place:
    """Where an expression stands: in a frame, after so many of its names."""

    frame: _Frame
    position: int

    def find(self, name: str) -> _Binding | None:
        """The innermost binding of the name that is visible here."""
        place: _Place | None = self
        while place is not None:
            found = place.frame.bindings.get(name)
            if found is not None and found[0] < place.position:
                return found[1]
            place = place.frame.outer
        return None

    def names(self) -> Iterator[str]:
        """Every local name that may be meant here."""
        place: _Place | None = self
        while place is not None:
            yield from (
                name for name, found in place.frame.bindings.items() if found[0] < place.position
            )
            place = place.frame.outer


_Placed = tuple[ast.Expr, _Place | None]


class NameCheck:
    """Checks the names of one file."""

    def __init__(self, file: FileScope, report: Report) -> None:
        self._file = file
        self._report = report
        self._owners = {id(entry.statement): entry for entry in file.entries.values()}
        self._used: set[Entry] = set()
        self._references: dict[Entry, dict[Entry, Span]] = {}
        self._locals: list[_Binding] = []

    def check(self, statements: Iterable[ast.Statement]) -> None:
        """Look up every name of the statements."""
        for statement in statements:
            match statement:
                case ast.Param() | ast.Let():
                    self._walk(statement.value, None, self._owner(statement))
                case ast.Def():
                    self._definition(statement, None)
                case ast.ActivationDef(variable=variable):
                    self._definition(statement, variable)
                case ast.NetworkDef(input=declared, body=body):
                    for size in declared.sizes:
                        if size is not None:
                            self._walk(size, None, None)
                    self._walk(body, None, None)
                case ast.Import():
                    pass

    def find_cycles(self) -> None:
        """Report definitions that refer to themselves, and mark them as broken."""
        done: set[Entry] = set()
        for entry in self._references:
            path: dict[Entry, Iterator[Entry]] = {}
            pending: Entry | None = entry
            while pending is not None or path:
                if pending is not None and pending not in done:
                    if pending in path:
                        self._report_cycle(list(path)[list(path).index(pending) :])
                    else:
                        path[pending] = iter(self._references.get(pending, ()))
                last = next(reversed(path)) if path else None
                if last is None:
                    break
                pending = next(path[last], None)
                if pending is None:
                    done.add(last)
                    del path[last]

    def warn_unused(self) -> None:
        """Warn about definitions that nothing uses; a leading `_` says that it is meant so."""
        for entry in self._file.entries.values():
            statement = entry.statement
            if entry.file is self._file and entry not in self._used:
                self._unused(statement.name, _KEYWORDS[type(statement)])
        for binding in self._locals:
            if binding.is_let and not binding.used:
                self._unused(binding.name, "let")

    def _unused(self, name: ast.Name, keyword: str) -> None:
        if name.name.startswith("_"):
            return
        self._report.error(
            "E0320",
            f"`{keyword} {name.name}` is never used",
            name.span,
            "nothing refers to this",
            help="remove it, or begin its name with `_`",
            kind=Kind.WARNING,
        )

    def _owner(self, statement: ast.Statement) -> Entry | None:
        return self._owners.get(id(statement))

    def _definition(
        self, statement: ast.Def | ast.ActivationDef, variable: ast.Name | None
    ) -> None:
        owner = self._owner(statement)
        frame = _Frame(None)
        if variable is not None:
            self._bind(frame, variable, is_let=False)
        for parameter in statement.parameters:
            if parameter.default is not None:
                self._walk(parameter.default, _Place(frame, len(frame.bindings)), owner)
            self._bind(frame, parameter.name, is_let=False)
        self._walk(statement.body, _Place(frame, len(frame.bindings)), owner)

    def _bind(self, frame: _Frame, name: ast.Name, *, is_let: bool) -> None:
        known = frame.bindings.get(name.name)
        if known is not None:
            what = "`let`" if is_let else "parameter"
            report_duplicate(self._report, name, known[1].name.span, what)
            return
        binding = _Binding(name, is_let)
        self._locals.append(binding)
        frame.bindings[name.name] = (len(frame.bindings), binding)

    def _walk(self, root: ast.Expr, around: _Place | None, owner: Entry | None) -> None:
        stack: list[_Placed] = [(root, around)]
        while stack:
            expression, place = stack.pop()
            inner: list[_Placed] = [(child, place) for child in children(expression)]
            if isinstance(expression, ast.Call):
                inner = [(child, place) for child in self._arguments(expression, place)]
            if isinstance(expression, ast.Name):
                self._use(expression, place, owner)
            elif isinstance(expression, ast.Call):
                self._use(expression.function, place, owner)
            elif isinstance(expression, ast.Block):
                inner = list(self._block(expression, place))
            stack.extend(reversed(inner))

    def _block(self, block: ast.Block, around: _Place | None) -> Iterator[_Placed]:
        frame = _Frame(around)
        for statement in block.statements:
            place = _Place(frame, len(frame.bindings))
            if isinstance(statement, ast.Let):
                yield statement.value, place
                self._bind(frame, statement.name, is_let=True)
            else:
                yield statement, place

    def _use(self, name: ast.Name, place: _Place | None, owner: Entry | None) -> None:
        local = None if place is None else place.find(name.name)
        if local is not None:
            local.used = True
            return
        entry = self._file.entries.get(name.name)
        if entry is not None:
            if entry is not owner:
                self._used.add(entry)
            if owner is not None:
                self._references.setdefault(owner, {}).setdefault(entry, name.span)
        elif name.name not in all_names():
            self._unknown(name, place, owner)

    def _arguments(self, call: ast.Call, place: _Place | None) -> Iterator[ast.Expr]:
        """The values of a call's arguments; `name == value` is told here, where no such name is."""
        for argument in call.arguments:
            meant = compared_name(argument)
            if meant is None or self._known(meant.name, place):
                yield argument.value
            else:
                report_compared(self._report, argument, meant)

    def _known(self, name: str, place: _Place | None) -> bool:
        local = None if place is None else place.find(name)
        return local is not None or name in self._file.entries or name in all_names()

    def _unknown(self, name: ast.Name, place: _Place | None, owner: Entry | None) -> None:
        full = self._report.full  # then nothing is kept, and help need not be looked for
        elsewhere = [b for b in self._locals if b.name.name == name.name] if not full else []
        if elsewhere:
            report_out_of_sight(self._report, name, elsewhere[-1].name, elsewhere[-1].is_let)
            return
        local = () if place is None or full else tuple(place.names())
        if owner is not None and isinstance(owner.statement, ast.ActivationDef):
            variable = owner.statement.variable.name
            report_in_formula(self._report, name, variable, (*self._file.entries, *local))
            return
        report_unknown(self._report, name, () if full else self._file.entries, local)

    def _report_cycle(self, cycle: list[Entry]) -> None:
        steps = zip(cycle, [*cycle[1:], cycle[0]], strict=True)
        labels = tuple(
            Label(self._references[a][b], f"`{a.name}` uses `{b.name}` here") for a, b in steps
        )
        first = cycle[0]
        if not any(entry.broken for entry in cycle):
            self._report.error(
                "E0309",
                f"`{first.name}` is defined in terms of itself",
                first.statement.name.span,
                "this would never end",
                secondary=labels,
                help="definitions cannot recur; `layer * n` repeats a layer",
            )
        for entry in cycle:
            entry.broken = True


_KEYWORDS: Mapping[type[ast.Statement], str] = {
    ast.Param: "param",
    ast.Let: "let",
    ast.Def: "def",
    ast.ActivationDef: "activation",
}
