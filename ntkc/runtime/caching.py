"""Keep machine code between processes, and survive whatever has become of the files.

Numba's own cache trusts its files. Two processes that compile one function for different types
at once can leave an index that names the other's code; a full disk or a torn file ends in an
exception at a kernel's first call; code that was kept under a package's old name cannot be
loaded under a new one. Here a file that does not fit is a function that is compiled again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.core import caching

FunctionCache: Any = caching.FunctionCache


class _Cache(FunctionCache):  # type: ignore[misc]
    """Numba's cache, with every entry checked when it is loaded."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The function compiled for these argument types, or None."""
        try:
            found = super().load_overload(sig, target_context)
        except Exception:
            return None
        if found is None or tuple(found.signature.args) != tuple(sig):
            return None
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled function if that can be done."""
        try:
            super().save_overload(sig, data)
        except Exception:
            self.disable()


def keep_compiled(function: Callable[..., object]) -> None:
    """Let a Numba function keep its machine code beside its source, or in the user's cache.

    Where there is neither (a read-only folder and no home), it is compiled in every process.
    """
    if not hasattr(function, "enable_caching"):  # Numba is switched off
        return
    try:
        vars(function)["_cache"] = _Cache(vars(function)["py_func"])
    except (RuntimeError, OSError):  # no folder to keep it in
        return
