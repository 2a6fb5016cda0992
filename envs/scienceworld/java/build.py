"""Compile the Java half of the ScienceWorld room: ``python envs/scienceworld/java/build.py``.

Needs a JDK (9 or later) and the package ``scienceworld``, against whose jar the sources are compiled; whoever only plays needs
neither this nor a compiler. The class files are Java 8's, and the same compiler makes the same ``agemem.jar``, byte for byte:
entries are sorted, not compressed, and carry no time. A test compiles the sources again and compares.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from scienceworld.constants import JAR_PATH

HERE = Path(__file__).parent
JAR = HERE / "agemem.jar"
MANIFEST = "Manifest-Version: 1.0\r\nPremain-Class: agemem.Agent\r\n\r\n"


def build(jar: Path) -> None:
    """Compile every source here into `jar`."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["javac", "--release", "8", "-g:none", "-Xlint:-options", "-classpath", JAR_PATH, "-d", folder]
        subprocess.run([*command, *map(str, sorted(HERE.glob("*.java")))], check=True)
        with zipfile.ZipFile(jar, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_entry("META-INF/MANIFEST.MF"), MANIFEST)
            for file in sorted(Path(folder).rglob("*.class")):
                archive.writestr(_entry(file.relative_to(folder).as_posix()), file.read_bytes())


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry of the earliest time that a zip file can name."""
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, 0o644 << 16
    return entry


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else JAR)
