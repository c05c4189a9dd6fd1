"""Where the user's cache is."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

VARIABLE: Final = "NTKC_CACHE_DIR"


def location() -> Path:
    """The folder of the cache, whether or not it exists."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / "ntkc" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ntkc"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ntkc"


def keep_tables() -> None:
    """Let the parser keep its tables in the cache: they take longer to build than to load."""
    from ntkc.syntax.grammar import keep_tables_in

    try:
        keep_tables_in(location() / "parser")
    except RuntimeError:  # nobody knows where home is
        return
