"""Where the official games lie, and the engine as upstream builds it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("textworld")

GIVEN = os.environ.get("ALFWORLD_DATA")  # before the fixture below takes it away


@pytest.fixture
def official() -> Path:
    """The folder that holds ``valid_seen``; the test is skipped where it is absent."""
    candidates = [Path(__file__).parents[3].parent / "shared" / "data" / "alfworld"]
    if GIVEN:
        candidates.insert(0, Path(GIVEN))
    for folder in candidates:
        if (folder / "json_2.1.1" / "valid_seen").is_dir():
            return folder
    pytest.skip("the official valid_seen games are not here (alfworld-download, $ALFWORLD_DATA)")


@pytest.fixture(autouse=True)
def _no_data_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALFWORLD_DATA", raising=False)


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What ``AlfredTWEnv`` steps. ``import alfworld`` creates a folder: it gets a temporary one."""
    before = os.environ.get("ALFWORLD_DATA")
    os.environ["ALFWORLD_DATA"] = str(tmp_path_factory.mktemp("alfworld"))
    import textworld
    from alfworld.agents.environment.alfred_tw_env import AlfredDemangler
    from textworld.envs.pddl import PddlEnv

    if before is None:
        del os.environ["ALFWORLD_DATA"]
    else:
        os.environ["ALFWORLD_DATA"] = before
    return AlfredDemangler(PddlEnv(textworld.EnvInfos(won=True, admissible_commands=True)))
