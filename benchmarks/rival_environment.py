"""The rivals' virtual environments: their pins contradict the product's, so they live apart."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.protocol import RIVALS, RivalName

REQUIREMENTS: Mapping[RivalName, Path] = {
    "neural-tangents": Path(__file__).with_name("rival_requirements.txt"),
    "scikit-ntk": Path(__file__).with_name("scikit_ntk_requirements.txt"),
}
SUPPORTED_PYTHONS = ((3, 11), (3, 12))
"""jaxlib 0.4.25 has no wheel for a newer Python, and the workers' code needs 3.11."""

_LIST_VERSIONS = """
import json
from importlib.metadata import distributions
versions = {each.metadata["Name"]: each.version for each in distributions()}
print(json.dumps({name.lower().replace("_", "-"): versions[name] for name in versions}))
"""


class RivalEnvironmentError(Exception):
    """The environment cannot be made with this Python."""


def default_folder(rival: RivalName) -> Path:
    """In the user's cache folder, under a name that changes with the pins."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(json.dumps(pins(rival)).encode()).hexdigest()[:8]
    return cache / "ntkc" / f"benchmark-{RIVALS[rival]}-{digest}"


def ensure(folder: Path, rival: RivalName) -> Path:
    """Make or complete the environment in `folder` where needed; return its interpreter.

    What is installed is compared with the pins, so an interrupted installation is taken up again
    and an environment made by hand is accepted.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        if rival == "neural-tangents":
            _check_python()
        print(f"making the environment of {rival} in {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    if missing := _missing(python, rival):
        print(f"installing {', '.join(missing)}", file=sys.stderr)
        install = [str(python), "-m", "pip", "install", "--quiet", "--requirement"]
        subprocess.run([*install, str(REQUIREMENTS[rival])], check=True, stdout=sys.stderr)
    return python


def pins(rival: RivalName) -> dict[str, str]:
    """Package name to version, as the requirements file has them."""
    lines = (
        line.partition("#")[0].strip() for line in REQUIREMENTS[rival].read_text().splitlines()
    )
    return dict(line.split("==") for line in lines if line)


def _missing(python: Path, rival: RivalName) -> list[str]:
    command = [str(python), "-c", _LIST_VERSIONS]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    installed: dict[str, str] = json.loads(answer.stdout)
    return [name for name, version in pins(rival).items() if installed.get(name) != version]


def _check_python() -> None:
    if sys.version_info[:2] not in SUPPORTED_PYTHONS:
        supported = " or ".join(f"{major}.{minor}" for major, minor in SUPPORTED_PYTHONS)
        raise RivalEnvironmentError(
            f"the rival's packages need Python {supported}, and this is "
            f"{sys.version_info.major}.{sys.version_info.minor}: make the environment by hand "
            f"(`pip install -r {REQUIREMENTS['neural-tangents'].name}`) and name it with "
            "--rival-venv"
        )
