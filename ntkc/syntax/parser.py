"""From text to a syntax tree, reporting as many mistakes as can be told apart in one run.

>>> from ntkc.syntax.parser import parse_text
>>> parse_text("let depth = 2 + 1").statements[0].value
Binary(operator='+', left=Number(value=2.0, integer=True), right=Number(value=1.0, integer=True))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ntkc.diagnostics import Diagnostics, Source
from ntkc.syntax import ast
from ntkc.syntax.explain import explain
from ntkc.syntax.lexer import lex
from ntkc.syntax.limits import MAX_NESTING
from ntkc.syntax.machine import Checkpoint, Machine
from ntkc.syntax.mistakes import Mistake
from ntkc.syntax.python import is_python
from ntkc.syntax.repairs import repair
from ntkc.syntax.report import Reporter

if TYPE_CHECKING:
    from lark import Token, Tree

# Each level of nesting holds fewer entries of the parser's stack than this.
_STACK_PER_LEVEL: Final = 12
_MAX_STACK: Final = MAX_NESTING * _STACK_PER_LEVEL
_OPENERS: Final = ("LPAR", "LSQB", "LBRACE")
_CLOSERS: Final = ("RPAR", "RSQB", "RBRACE")
_SEPARATORS: Final = ("NEWLINE", "SEMICOLON")
_TOP_LEVEL: Final = ("PARAM", "DEF", "ACTIVATION", "IMPORT", "NETWORK")
# Words that can only go on with a statement, wherever a line begins with them.
_CONTINUES: Final = ("ARROW", "THEN", "ELSE")


def parse(source: Source, diagnostics: Diagnostics) -> ast.File | None:
    """The syntax tree of a source; None if anything was reported about it."""
    from ntkc.syntax.build import build_file

    report = Reporter(source, diagnostics)
    lexed = None if is_python(source, report) else lex(source, report)
    if lexed is None:
        return None
    tree = _Driver(repair(lexed.tokens, report), report).run()
    if tree is None or report.count:
        return None
    return build_file(tree, lexed.comments, report)


def parse_text(text: str, name: str = "<text>") -> ast.File:
    """The syntax tree of a text; raises `ProgramError` if it has mistakes."""
    diagnostics = Diagnostics()
    file = parse(Source(name, text), diagnostics)
    diagnostics.raise_errors()
    assert file is not None
    return file


class _Driver:
    """Feeds the machine, decides which line ends count, and recovers from mistakes."""

    def __init__(self, tokens: list[Token], report: Reporter) -> None:
        self._tokens = [*tokens, _end_token(tokens, len(report.source.text))]
        self._report = report
        self._index = 0
        self._margin = next((t.column for t in self._tokens if t.type != "NEWLINE"), 1) or 1
        self._recovered_at = -1
        self._start_over()

    def run(self) -> Tree[Token] | None:
        """The tree, or None after the first mistake that was reported."""
        while not self._report.full:
            token = self._tokens[self._index]
            if token.type == "NEWLINE" and not self._line_end_counts():
                self._index += 1
            elif self._machine.accepts(token.type):
                if token.type == "$END":
                    return None if self._report.count else self._machine.finish(token)
                self._feed(token)
                self._index += 1
                if self._machine.depth > _MAX_STACK:
                    self._report_depth(token)
                    return None
            elif not self._recover(token):
                return None
        return None

    # ---- Forward

    def _start_over(self) -> None:
        self._machine = Machine()
        self._open: list[Token] = []
        # Where the statements of each open block may begin; the file itself comes first.
        self._blocks: list[tuple[Checkpoint, int]] = [(self._machine.checkpoint(), 0)]

    def _line_end_counts(self) -> bool:
        following = self._index + 1
        while self._tokens[following].type == "NEWLINE":
            following += 1
        self._index = following - 1  # many line ends are as good as one
        if self._tokens[following].type in _CONTINUES:
            return False
        return self._machine.accepts("NEWLINE")

    def _feed(self, token: Token) -> None:
        self._machine.feed(token)
        if token.type in _OPENERS:
            self._open.append(token)
        elif token.type in _CLOSERS:
            self._open.pop()
        if token.type == "LBRACE":
            self._blocks.append((self._machine.checkpoint(), len(self._open)))
        elif token.type == "RBRACE":
            self._blocks.pop()
        elif token.type in _SEPARATORS:
            self._blocks[-1] = (self._machine.checkpoint(), len(self._open))

    def _report_depth(self, token: Token) -> None:
        from ntkc.syntax.build import report_nesting
        from ntkc.syntax.report import span_of

        report_nesting(self._report, span_of(self._report.source, token))

    # ---- Recovery

    def _recover(self, token: Token) -> bool:
        """Report a mistake and find the next place to go on; False if there is none."""
        previous = self._tokens[self._index - 1] if self._index else None
        newline = previous is None or previous.type == "NEWLINE"
        last = self._last_fed()
        mistake = Mistake(
            self._report.source, token, last, newline, self._machine.expected(), tuple(self._open)
        )
        code = explain(mistake, self._report)
        if code == "E0109":
            if mistake.misspelt("input"):
                self._find_end(len(self._open), len(self._open))
            self._feed_input(self._tokens[self._index])
            return True
        if newline and code != "E0124" and self._begins_statement(token):
            self._start_over()
            return True
        if code in ("E0108", "E0111"):
            return self._skip_to_statement()
        return self._skip(code, newline)

    def _last_fed(self) -> Token | None:
        for token in reversed(self._tokens[: self._index]):
            if token.type != "NEWLINE":
                return token
        return None

    def _begins_statement(self, token: Token) -> bool:
        """Whether a line that begins with the token leaves every block behind."""
        return token.type in _TOP_LEVEL and (token.column or 1) <= self._margin

    def _skip_to_statement(self) -> bool:
        """Go on at the next line that begins a statement of the file."""
        while (token := self._tokens[self._index]).type != "$END":
            at_line_start = self._index > 0 and self._tokens[self._index - 1].type == "NEWLINE"
            if at_line_start and (token.type == "LET" or self._begins_statement(token)):
                self._start_over()
                return True
            self._index += 1
        return False

    def _skip(self, code: str, newline: bool) -> bool:
        """Go on at the end of this statement, in the block where it stands."""
        checkpoint, depth = self._blocks[-1]
        level = len(self._open)
        if code == "E0102":
            level = depth
            self._index -= newline and self._index > self._recovered_at + 1
        if not self._find_end(level, depth):
            return False
        self._recovered_at = self._index
        if self._begins_statement(self._tokens[self._index]):
            self._start_over()
            return True
        self._machine.restore(checkpoint)
        del self._open[depth:]
        if self._machine.accepts("INPUT"):
            self._feed_input(self._tokens[self._index])
        return True

    def _find_end(self, level: int, depth: int) -> bool:
        """Move to what ends a statement at bracket depth `depth`; False at the file's end."""
        while (token := self._tokens[self._index]).type != "$END":
            at_line_start = self._index > 0 and self._tokens[self._index - 1].type == "NEWLINE"
            if at_line_start and self._begins_statement(token):
                return True
            if level <= depth and token.type in _SEPARATORS:
                return True
            if level <= depth and depth > 0 and token.type == "RBRACE":
                return True
            if token.type in _OPENERS:
                level += 1
            elif token.type in _CLOSERS:
                level = max(level - 1, 0)
            self._index += 1
        return False

    def _feed_input(self, token: Token) -> None:
        """Pretend that there was an input, so that the lines after it can be read."""
        spelled = [("INPUT", "input"), ("NAME", "_"), ("LSQB", "["), ("QUESTION", "?")]
        for kind, text in [*spelled, ("RSQB", "]")]:
            self._machine.feed(token.update(kind, text))
        if token.type not in (*_SEPARATORS, "RBRACE"):
            self._machine.feed(token.update("NEWLINE", "\n"))
        self._blocks[-1] = (self._machine.checkpoint(), len(self._open))


def _end_token(tokens: list[Token], end: int) -> Token:
    from lark import Token

    return Token("$END", "", end, 0, 0, 0, 0, end)
