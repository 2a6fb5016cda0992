"""Our half on the Java side: what it is made of, that every class it changes is sound, that texts depend on no JVM."""

import importlib.util
import re
import shutil
import struct
import subprocess
import zipfile

import pytest
from scienceworld.constants import JAR_PATH

from agemem_gym.envs.scienceworld import ScienceWorldTask, jvm
from agemem_gym.envs.scienceworld.jvm import AGENT, Call, JavaError
from agemem_gym.envs.scienceworld.pool import POOL

JAVA_8 = 52
SOURCES = ("scienceworld/", "language/", "main/", "util/")


def javac_version():
    if shutil.which("javac") is None:
        return None
    text = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=True)
    return int(re.search(r"javac (\d+)", text.stdout + text.stderr).group(1))


@pytest.mark.skipif(javac_version() != 17, reason="needs JDK 17, with which the jar was compiled")
def test_the_jar_is_what_its_sources_compile_to(tmp_path):
    spec = importlib.util.spec_from_file_location("build", AGENT.with_name("build.py"))
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    build.build(tmp_path / "agemem.jar")
    assert (tmp_path / "agemem.jar").read_bytes() == AGENT.read_bytes()


def test_the_jar_is_small_holds_nothing_but_ours_and_runs_on_java_8():
    assert AGENT.stat().st_size < 32_768
    sources = {source.stem for source in AGENT.parent.glob("*.java")}
    with zipfile.ZipFile(AGENT) as jar:
        assert jar.namelist()[0] == "META-INF/MANIFEST.MF"
        for name in jar.namelist()[1:]:
            assert re.sub(r"agemem/(\w+).*", r"\1", name) in sources
            magic, _, major = struct.unpack(">IHH", jar.read(name)[:8])
            assert (magic, major) == (0xCAFEBABE, JAVA_8)


def test_every_class_of_the_simulator_loads_and_passes_the_jvms_verifier():
    with zipfile.ZipFile(JAR_PATH) as jar:
        names = [name[:-6].replace("/", ".") for name in jar.namelist() if name.endswith(".class")]
    names = [name for name in names if name.startswith(tuple(start.replace("/", ".") for start in SOURCES))]
    assert len(names) > 900
    simulator = POOL.lend("512m", 60, own=False)
    for name in names:
        try:  # initialised, as a class is verified only then
            simulator.jvm.call(Call("z:java.lang.Class", "forName", (name,)), seconds=60)
        except JavaError as error:
            pytest.fail(f"{name}: {error}")
    counted = Call("z:java.lang.Class", "forName", ("scienceworld.struct.EnvObject",))
    (java_class,) = simulator.jvm.call(counted, seconds=60)
    (parent,) = simulator.jvm.call(Call(java_class.id, "getSuperclass"), seconds=60)
    assert simulator.jvm.call(Call(parent.id, "getName"), seconds=60) == ["agemem.Counted"]
    POOL.take_back(simulator)


EPISODES = {
    "boil": [
        "open door to kitchen",
        "go to kitchen",
        "look around",
        "open cupboard",
        "look in cupboard",
        "pick up pot",
    ],
    "find-animal": ["look around", "wait", "look in inventory", "pick up", "0", "teleport to kitchen"],
    "grow-fruit": ["open door to greenhouse", "go to greenhouse", "look around", "wait", "look at bee hive", "wait"],
    "test-conductivity": ["look around", "connect red wire terminal 1 to battery anode", "look around", "wait1"],
}


def texts():
    """What is said in several tasks, the expert's path included, by a JVM of its own."""
    task, said = ScienceWorldTask(jvm="own"), []
    try:
        for name, commands in EPISODES.items():
            said.append(task.reset(0, {"task_name": name, "variation": 1}).observation)
            said += [task.act(command).observation for command in commands]
            said += task.admissible()[::50]
        task.reset(0, {"task_name": "find-animal", "variation": 2})
        said += [line for command in task.expert() for line in (command, task.act(command).observation)]
    finally:
        task.close()
    return said


@pytest.fixture(scope="module")
def usual():
    return texts()


def test_the_same_task_loaded_again_in_the_same_jvm_says_the_same(usual):
    task = ScienceWorldTask(jvm="own")
    for _ in range(2):
        said = []
        for name, commands in EPISODES.items():
            said.append(task.reset(0, {"task_name": name, "variation": 1}).observation)
            said += [task.act(command).observation for command in commands]
            said += task.admissible()[::50]
        assert said == usual[: len(said)]
    task.close()


@pytest.mark.parametrize("way", [0, 2])
def test_texts_are_the_same_whichever_way_the_jvm_makes_identity_hashes(usual, monkeypatch, way):
    """0: at random, 2: all alike; 5, of the thread's state, is the usual one."""
    monkeypatch.setenv("JDK_JAVA_OPTIONS", f"-XX:+UnlockExperimentalVMOptions -XX:hashCode={way}")
    assert texts() == usual


def test_texts_are_the_same_where_the_parser_asks_for_names_again_and_again(usual, monkeypatch):
    monkeypatch.setattr(jvm, "AGENT", f"{AGENT}=plain")
    assert texts() == usual


def test_a_class_that_cannot_be_changed_ends_the_jvm_rather_than_run_as_it_was(tmp_path):
    """A class file of another make: the agent says why and the JVM ends with status 70."""
    (tmp_path / "util").mkdir()
    broken = bytes.fromhex("cafebabe00000034") + b"\x00\x02\x63" + bytes(40)
    (tmp_path / "util" / "Broken.class").write_bytes(broken)
    run = subprocess.run(
        [jvm.find_java(), f"-javaagent:{AGENT}", "-classpath", str(tmp_path), "util.Broken"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 70
    assert "constant of unknown kind 99" in run.stderr
