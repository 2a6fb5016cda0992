"""The language-model agent: over a local endpoint, over a function, one episode and many."""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from agemem_gym.agent import AgentSpec, make_agent
from agemem_gym.baselines.agents.language_model import LanguageModelAgent, act_of
from agemem_gym.chat import Completion
from agemem_gym.errors import ConfigurationError
from agemem_gym.jobs import Job
from agemem_gym.protocol import parse
from agemem_gym.rollout import rollout

ENV = "AgeMem-BabyAI-v0"
FAST = {"encoder": "hash", "index": "exact", "max_rounds": 3}
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "endpoint_faults.py"


class Endpoint(BaseHTTPRequestHandler):
    """Turns left, unless its server is told to fail for a seed of sampling."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        fails = self.server.fails(body)
        choice = {"message": {"content": "<action>turn left</action>"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 50, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 30}}
        content = b"no" if fails else json.dumps({"model": "tiny", "choices": [choice], "usage": usage}).encode()
        self.send_response(400 if fails else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def endpoint():
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        server.bodies, server.fails = [], lambda body: False
        server.url = f"http://127.0.0.1:{server.server_port}/v1#tiny"
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def jobs(count, **kwargs):
    return [Job(number, ENV, number, {**FAST, **kwargs}) for number in range(count)]


@pytest.mark.parametrize("slots", [1, 4])
def test_it_plays_over_an_endpoint_and_its_usage_is_in_the_record(endpoint, slots):
    spec = AgentSpec.parse("llm", {"model": endpoint.url, "temperature": 0.5, "max_tokens": 99})
    played = list(rollout(spec, jobs(6), slots=slots))
    assert [item.failure for item in played] == [None] * 6
    step = played[0].episode.steps[0]
    assert step.action == "turn left"
    assert (step.policy.model, step.policy.prompt_tokens, step.policy.cached_tokens) == ("tiny", 50, 30)
    assert step.policy.seconds > 0
    assert len(endpoint.bodies) == 18
    assert {body["temperature"] for body in endpoint.bodies} == {0.5}
    assert all([m["role"] for m in body["messages"]][:2] == ["system", "user"] for body in endpoint.bodies)
    assert played[0].env_kwargs["on_overflow"] == "drop_oldest"


def test_what_the_endpoint_refuses_ends_that_episode_only_and_each_sample_has_its_seed(endpoint):
    endpoint.fails = lambda body: body["seed"] == 11
    spec = AgentSpec.parse("llm", {"model": endpoint.url, "seed": 10, "attempts": 1})
    group = [Job(number, ENV, 0, FAST, sample=number) for number in range(3)]
    played = {item.job.sample: item for item in rollout(spec, group, slots=3)}
    assert [played[sample].failure is not None for sample in range(3)] == [False, True, False]
    assert played[1].failure.error.startswith("ChatError")


def test_a_function_is_asked_for_all_turns_that_wait():
    asked = []

    class Local:
        name = "local"

        def complete(self, batch, sampling, tools=None):
            asked.append(len(batch))
            return [Completion("<action>turn right</action>") for _ in batch]

    played = list(rollout(LanguageModelAgent(Local()), jobs(8), slots=4))
    assert all(item.episode.steps[-1].action == "turn right" for item in played)
    assert asked == [4] * 6
    agent = make_agent("llm", model=lambda messages: "<answer>yes</answer>", summarise=True)
    assert agent.act("", {"messages": [{"role": "user", "content": "well?"}]}) == "<answer>yes</answer>"
    assert set(agent.env_kwargs) == {"on_overflow", "summariser"}


def test_native_tool_calls_are_written_as_the_env_reads_them():
    call = {"function": {"name": "Retrieve_memory", "arguments": '{"query": "keys"}'}}
    reply = parse(act_of(Completion("", tool_calls=(call, call))).reply)
    assert [call.name for call in reply.tool_calls] == ["Retrieve_memory"] * 2
    broken = {"function": {"name": "Retrieve_memory", "arguments": "{query"}}
    assert isinstance(act_of(Completion("", tool_calls=(broken,))).reply, str)


def test_without_a_model_it_says_what_it_takes():
    with pytest.raises(ConfigurationError, match=r"missing a required argument: 'model'; it takes model"):
        AgentSpec.parse("llm")


@pytest.mark.slow
def test_over_an_endpoint_with_faults_nothing_is_lost_and_little_time(tmp_path):
    path = tmp_path / "rows.json"
    run = subprocess.run([sys.executable, str(BENCHMARK), "--json", str(path)], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_over_an_endpoint_with_faults_every_job_has_one_row(tmp_path):
    path = tmp_path / "rows.json"
    subprocess.run([sys.executable, str(BENCHMARK), "--tiny", "--json", str(path)], capture_output=True)
    found = {row["name"]: row["ours"] for row in json.loads(path.read_text())["rows"]}
    jobs = found["jobs"]
    names = ("rows", "jobs with a row", "episodes kept where their row says")
    assert [found[name] for name in names] == [jobs] * 3
    assert sum(count for name, count in found.items() if name.startswith("answers, ")) > found["answers, right"]


def test_of_24_live_episodes_over_a_bad_endpoint_every_one_has_a_row_and_every_failure_a_reason(tmp_path):
    path = tmp_path / "rows.json"
    run = subprocess.run([sys.executable, str(BENCHMARK), "--few", "--json", str(path)], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    found = {row["name"]: row["ours"] for row in json.loads(path.read_text())["rows"]}
    failed = {name: count for name, count in found.items() if name.startswith("failed jobs, ")}
    assert found["rows"] == found["jobs with a row"] == 24
    assert sum(failed.values()) == found["jobs that the endpoint failed in all attempts"] > 0
    assert len(failed) >= 3
    assert found["attempts that were tried again"] == 0
    assert found["tokens written, by rows"] == 5 * (found["answers, right"] + found.get("answers, nonsense", 0))
