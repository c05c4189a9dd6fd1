"""The parser of command lines: argparse, with errors that are short and say what was meant."""

from __future__ import annotations

import sys
from argparse import Action, ArgumentError, ArgumentParser
from typing import Any, Final, NoReturn

from ntkc.cli import exits, terminal
from ntkc.diagnostics.suggest import did_you_mean

_KINDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "numbers": "numbers with commas between them",
}


class Parser(ArgumentParser):
    """Says what is wrong and where help is, in place of all that could have been written."""

    def error(self, message: str) -> NoReturn:
        """Report a wrong argument and leave."""
        terminal.error(message)
        terminal.note(f"`{self.prog} --help` shows the arguments")
        self.exit(exits.USAGE)

    def _get_value(self, action: Action, arg_string: str) -> Any:
        try:
            return super()._get_value(action, arg_string)
        except ArgumentError as error:
            kind = _KINDS.get(getattr(action.type, "__name__", ""))
            if kind is not None:
                error.message = f"expected {kind}, got {arg_string!r}"
            raise

    def _check_value(self, action: Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        shown = [str(choice) for choice in action.choices]
        hint = did_you_mean(str(value), shown, quote="")
        listed = hint or f"expected {', '.join(shown[:-1])} or {shown[-1]}"
        raise ArgumentError(action, f"there is no {str(value)!r}; {listed}")

    def _print_message(self, message: str, file: Any = None) -> None:
        if message:  # argparse would end at a letter that the stream has no code for
            terminal.write(file or sys.stderr, message)
