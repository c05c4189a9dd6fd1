"""A stack machine on Lark's LALR tables that can be asked before it is fed.

Whether a line's end closes a statement is a question to the parser: it does where the grammar
accepts a NEWLINE. Lark's own parser would have changed its stack before answering "no".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ntkc.syntax.grammar import lark_parser

if TYPE_CHECKING:
    from lark import Token, Tree


@dataclass(frozen=True)
class Checkpoint:
    """The stacks of a machine at one moment."""

    states: tuple[Any, ...]
    values: tuple[Any, ...]


class Machine:
    """Reads tokens one by one; afterwards `finish` gives the tree."""

    def __init__(self) -> None:
        self._parser = lark_parser().parse_interactive()
        self._state = self._parser.parser_state
        self._table = self._state.parse_conf.states
        self._end_state = self._state.parse_conf.end_state

    @property
    def depth(self) -> int:
        """The height of the stack: it grows with nesting alone."""
        return len(self._state.state_stack)

    def accepts(self, terminal: str) -> bool:
        """Whether a token of this kind can come next. Changes nothing."""
        if terminal not in self._table[self._state.state_stack[-1]]:
            return False
        stack = list(self._state.state_stack)
        while True:
            action = self._table[stack[-1]].get(terminal)
            if action is None:
                return False
            move, argument = action
            if move.name == "Shift":
                return True
            if argument.expansion:
                del stack[-len(argument.expansion) :]
            stack.append(self._table[stack[-1]][argument.origin.name][1])
            if terminal == "$END" and stack[-1] == self._end_state:
                return True

    def expected(self) -> set[str]:
        """Every kind of token that can come next."""
        candidates = self._table[self._state.state_stack[-1]]
        return {name for name in candidates if name.isupper() and self.accepts(name)}

    def feed(self, token: Token) -> None:
        """Take a token that the machine accepts."""
        self._parser.feed_token(token)

    def finish(self, end: Token) -> Tree[Token]:
        """The tree of all that was fed; `end` is a `$END`, which the machine must accept."""
        tree: Tree[Token] = self._parser.feed_token(end)
        return tree

    def checkpoint(self) -> Checkpoint:
        """Remember this moment. Trees built later may share parts with it."""
        return Checkpoint(tuple(self._state.state_stack), tuple(self._state.value_stack))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to a moment; only where the tree is no longer wanted."""
        self._state.state_stack[:] = checkpoint.states
        self._state.value_stack[:] = checkpoint.values
