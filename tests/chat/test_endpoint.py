"""A chat model behind a real HTTP server that is dead, slow, dripping, cut off, refusing, redirecting or talking nonsense."""

import concurrent.futures
import copy
import json
import logging
import multiprocessing
import pickle
import socket
import subprocess
import sys
import threading
import time
from email.utils import formatdate

import pytest

from agemem_gym.chat import GREEDY, ChatError, ChatModel, EndpointModel, Price, Sampling, complete_each, make_chat_model
from agemem_gym.errors import ConfigurationError, MissingDependencyError

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("AGEMEM_CHAT_KEY", "OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def model_of(server, **options):
    return EndpointModel(f"{server.url}#m1", **{"backoff": 0.0, "timeout": 5.0, **options})


def ask(model, sampling=GREEDY):
    return model.complete([HELLO], sampling)[0]


def test_a_completion_holds_what_the_endpoint_said(server):
    answer = {
        "model": "m1-2026",
        "choices": [
            {
                "message": {"content": "Hi", "tool_calls": [{"id": "c1"}], "reasoning_content": "Well."},
                "finish_reason": "length",
                "logprobs": {"content": [{"token": "H", "logprob": -0.5}, {"token": "i", "logprob": -1}]},
                "token_ids": [7, 8],
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 40}},
    }
    server.script = [server.raw(json.dumps(answer))]
    model = model_of(server, prices={"m1": {"prompt": 2.0, "completion": 8.0, "cached": 0.5}})
    assert isinstance(model, ChatModel)
    completion = ask(model, Sampling(logprobs=True))
    assert (completion.text, completion.finish_reason, completion.model) == ("Hi", "length", "m1-2026")
    assert (completion.prompt_tokens, completion.completion_tokens, completion.cached_tokens) == (100, 10, 40)
    assert completion.cost == pytest.approx((60 * 2.0 + 40 * 0.5 + 10 * 8.0) / 1e6)
    assert (completion.logprobs, completion.token_ids) == ((-0.5, -1.0), (7, 8))
    assert (completion.tool_calls, completion.reasoning) == (({"id": "c1"},), "Well.")
    assert 0 < completion.seconds < 5


def test_the_request_holds_the_sampling_and_only_what_an_endpoint_knows(server):
    tools = [{"type": "function", "function": {"name": "Add_memory"}}]
    sampling = Sampling(temperature=0.7, top_p=0.9, max_tokens=33, stop=("</answer>",), seed=5, logprobs=True)
    messages = [{"role": "user", "content": "a \ud800 b", "id": 3, "kind": "task"}]
    model = model_of(server, extra={"max_tokens": None, "max_completion_tokens": 44, "top_k": 5})
    model.complete([messages], sampling, tools)
    path, _, body = server.seen[0]
    assert path == "/v1/chat/completions"
    assert body == {
        "model": "m1",
        "messages": [{"role": "user", "content": "a ? b"}],
        "temperature": 0.7,
        "top_p": 0.9,
        "stop": ["</answer>"],
        "seed": 5,
        "logprobs": True,
        "tools": tools,
        "max_completion_tokens": 44,
        "top_k": 5,
    }
    ask(model_of(server))
    assert set(server.seen[1][2]) == {"model", "messages", "temperature", "max_tokens"}


@pytest.mark.parametrize(
    ("spec", "path", "name"),
    [
        ("{origin}/v1#a/b", "/v1/chat/completions", "a/b"),
        ("{origin}/v1/chat/completions#m", "/v1/chat/completions", "m"),
        ("openai:m@{origin}/v1/", "/v1/chat/completions", "m"),
        ("{origin}/v1?api-version=1&x=#m", "/v1/chat/completions?api-version=1&x=", "m"),
        ("{origin}/v1", "/v1/chat/completions", "default"),
    ],
)
def test_what_names_an_endpoint(server, spec, path, name):
    model = make_chat_model(spec.format(origin=server.origin))
    assert ask(model).text == "ok"
    assert (server.seen[0][0], server.seen[0][2]["model"], model.name) == (path, name, name)


def test_openai_without_a_url_asks_the_base_url_of_the_environment(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert ask(make_chat_model("openai:gpt")).text == "ok"
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert "https://api.openai.com/v1" in repr(make_chat_model("openai:gpt"))


# ---------------------------------------------------------------------------------------------------- what fails


@pytest.mark.parametrize("bad", ["cut", "garbage", "nested", "no message", "null", "not a text", 500, 503, 429, 408])
def test_what_may_be_better_next_time_is_tried_again(server, bad):
    behaviours = {
        "cut": server.cut,
        "garbage": server.raw("<html>Bad gateway"),
        "nested": server.raw("[" * 200_000),
        "no message": server.raw('{"choices": []}'),
        "null": server.say(None),
        "not a text": server.say(7),
    }
    server.script = [behaviours.get(bad) or server.status(bad)] * 2
    assert ask(model_of(server)).text == "ok"
    assert len(server.seen) == 3
    server.script = [behaviours.get(bad) or server.status(bad)] * 3
    match = r"chat endpoint http://.*/v1/chat/completions failed \(attempt 3 of 3\)"
    with pytest.raises(ChatError, match=match) as error:
        ask(model_of(server))
    assert error.value.tried


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_a_refusal_is_not_tried_again(server, code):
    server.script = [server.status(code, '{"error": {"message": "no such \x1b[31m model"}}')]
    with pytest.raises(ChatError, match=f"status {code}.*no such") as error:
        ask(model_of(server))
    assert len(server.seen) == 1
    assert str(error.value).isprintable()


def test_a_dead_endpoint_is_one_clear_error_soon():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(ChatError, match=r"failed .*Connect"):
        ask(EndpointModel(f"http://127.0.0.1:{port}/v1", backoff=0.01))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("behaviour", ["drip", "hang"])
def test_the_time_out_is_whole(server, behaviour):
    server.default = getattr(server, behaviour)
    started = time.monotonic()
    with pytest.raises(ChatError, match=r"no whole answer within 0\.4 s"):
        ask(model_of(server, timeout=0.4, attempts=2))
    assert 0.8 <= time.monotonic() - started < 3


def test_headers_that_drip_are_cut_off_too():
    def serve(listener):
        connection, _ = listener.accept()
        with connection:
            for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 50:
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return
                time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        started = time.monotonic()
        with pytest.raises(ChatError, match="no whole answer"):
            ask(EndpointModel(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.4, attempts=1))
        assert time.monotonic() - started < 3


def test_back_off_grows_and_retry_after_is_heeded(server):
    times = []
    server.default = lambda handler, body: (times.append(time.monotonic()), server.status(500)(handler, body))
    with pytest.raises(ChatError):
        ask(model_of(server, backoff=0.1, attempts=3))
    assert 0.1 <= times[1] - times[0] < 0.5
    assert 0.2 <= times[2] - times[1] < 0.8
    server.script = [server.status(429, Retry_After="0.4")]
    server.default = server.say("ok")
    started = time.monotonic()
    assert ask(model_of(server, backoff=0.0)).text == "ok"
    assert time.monotonic() - started >= 0.4
    server.script = [server.status(503, Retry_After=formatdate(time.time() - 10, usegmt=True))]  # a date, in the past
    assert ask(model_of(server, backoff=30.0)).text == "ok"


def test_a_server_that_asks_for_an_hour_is_not_waited_for(server):
    server.script = [server.status(429, Retry_After="3600")]
    with pytest.raises(ChatError, match="asks to wait 3600 s, longer than longest_wait=60"):
        ask(model_of(server))
    assert len(server.seen) == 1


# ------------------------------------------------------------------------------------------------ keys and secrets


def test_the_key_comes_from_the_environment(server, monkeypatch):
    model = model_of(server)
    ask(model)
    monkeypatch.setenv("OPENAI_API_KEY", "second-key")
    ask(model)
    monkeypatch.setenv("AGEMEM_CHAT_KEY", "first-key")
    ask(model)
    monkeypatch.setenv("MY_KEY", "own-key")
    ask(model_of(server, key="MY_KEY"))
    keys = [headers.get("Authorization") for _, headers, _ in server.seen]
    assert keys == [None, "Bearer second-key", "Bearer first-key", "Bearer own-key"]


def test_what_the_environment_says_of_organisations_stays_at_home(server, monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    ask(model_of(server))
    assert not {name.lower() for name in server.seen[0][1]} & {"openai-organization", "openai-project"}


def test_secrets_stand_in_no_error_log_name_or_pickle(server, monkeypatch, caplog):
    monkeypatch.setenv("AGEMEM_CHAT_KEY", "sk-topsecret")
    url = f"http://ann:pass-word@127.0.0.1:{server.server_port}/v1?token=query-value#m"
    model = EndpointModel(url, attempts=1)
    echo = json.dumps({"error": "wrong: sk-topsecret, ann:pass-word, query-value, " + url})
    texts = [repr(model), model.name]
    with caplog.at_level(logging.DEBUG):
        assert ask(model).text == "ok"
        for behaviour in (server.status(401, echo), server.raw(echo), server.cut):
            server.script = [behaviour]
            with pytest.raises(ChatError) as error:
                ask(model)
            texts.append(str(error.value))
    assert server.seen[0][0] == "/v1/chat/completions?token=query-value"
    texts += [record.getMessage() for record in caplog.records]
    for secret in ("sk-topsecret", "pass-word", "query-value"):
        assert not [text for text in texts if secret in text]
    assert b"sk-topsecret" not in pickle.dumps(model)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_is_not_followed(server, elsewhere, monkeypatch, code):
    monkeypatch.setenv("AGEMEM_CHAT_KEY", "secret")
    server.default = server.redirect(f"{elsewhere.origin}/v1/chat/completions?key=abc", code)
    with pytest.raises(ChatError, match=r"redirects to http://.*key=\*\*\*, another origin, which is not followed"):
        ask(model_of(server))
    assert len(server.seen) == 1
    assert elsewhere.seen == []


def test_a_redirect_at_home_is_followed_but_not_out_of_it(server, elsewhere):
    server.script = [server.redirect("/v2/chat/completions")]
    assert ask(model_of(server)).text == "ok"
    assert [path for path, _, _ in server.seen] == ["/v1/chat/completions", "/v2/chat/completions"]
    server.script = [server.redirect("/v2/chat/completions"), server.redirect(elsewhere.url)]
    with pytest.raises(ChatError, match="another origin"):
        ask(model_of(server))
    assert elsewhere.seen == []


# ---------------------------------------------------------------------------------------------------------- many


def test_one_that_fails_costs_the_others_nothing(server):
    def behave(handler, body):
        text = body["messages"][0]["content"]
        (server.status(400) if text == "2" else server.say(text))(handler, body)

    server.default = behave
    batch = [[{"role": "user", "content": str(number)}] for number in range(5)]
    results = complete_each(model_of(server), batch)
    assert [getattr(result, "text", None) for result in results] == ["0", "1", None, "3", "4"]
    assert isinstance(results[2], ChatError)
    with pytest.raises(ChatError, match="status 400"):
        model_of(server).complete(batch)


def test_concurrency_is_bounded_and_a_wait_frees_its_slot(server):
    lock, running, most = threading.Lock(), [0], [0]

    def behave(handler, body):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.05)
        with lock:
            running[0] -= 1
        server.say("ok")(handler, body)

    server.default = behave
    assert len(complete_each(model_of(server, concurrency=3), [HELLO] * 12)) == 12
    assert most == [3]
    server.script = [server.status(503, Retry_After="1.5")]
    model = model_of(server, concurrency=1)
    started = time.monotonic()
    waiting, *others = [model.submit(HELLO) for _ in range(4)]
    concurrent.futures.wait(others)
    assert time.monotonic() - started < 1.4
    assert waiting.result().text == "ok"


def test_sixty_four_at_once_over_a_bad_endpoint_all_come_back(server):
    lock, count = threading.Lock(), [0]
    bad = {3: server.status(500), 7: server.cut, 11: server.status(429, Retry_After="0.1"), 13: server.hang}

    def behave(handler, body):
        with lock:
            count[0] += 1
            kind = count[0] % 17
        bad.get(kind, server.say("ok"))(handler, body)

    server.default = behave
    results = complete_each(model_of(server, concurrency=64, attempts=8, timeout=1.0), [HELLO] * 128)
    assert [result.text for result in results] == ["ok"] * 128


def test_it_can_be_asked_from_many_threads(server):
    model = model_of(server)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {completion.text for completion in pool.map(lambda _: ask(model), range(24))} == {"ok"}


def _ask_in_child(model, queue):
    queue.put(ask(model).text)


def test_a_forked_child_asks_too(server):
    model = model_of(server)
    ask(model)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_ask_in_child, args=(model, queue))
    child.start()
    assert queue.get(timeout=30) == "ok"
    child.join(timeout=30)
    assert child.exitcode == 0


def test_it_is_copied_and_pickled(server):
    model = model_of(server)
    ask(model)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert ask(other).text == "ok"


def test_a_process_that_asked_ends_in_silence(server):
    script = f"from agemem_gym.chat import *; print(text_of(make_chat_model({server.url!r}), {HELLO!r}))"
    run = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr, run.returncode) == ("ok\n", "", 0)


# ----------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("url", "options", "match"),
    [
        ("ftp://host/v1", {}, "expected the URL of an endpoint"),
        ("http://", {}, "expected the URL of an endpoint"),
        ("http://u:secret@host:port/v1", {}, r"'http://\*\*\*@host:port/v1': expected the URL"),
        ("http://ho st/v1", {}, "expected the URL"),
        ("http://host", {"timeout": 0}, "timeout=0: expected a number above 0"),
        ("http://host", {"timeout": "5"}, "timeout='5'"),
        ("http://host", {"attempts": 0}, "attempts=0"),
        ("http://host", {"backoff": -1}, "backoff=-1"),
        ("http://host", {"concurrency": True}, "concurrency=True"),
        ("http://host#m", {"prices": {"m": {"prompt": 1}}}, r"prices\['m'\]"),
        ("http://host#m", {"prices": {"m": {"prompt": -1, "completion": 1}}}, "price of prompt tokens"),
        ("http://host#m", {"prices": 3}, "prices=3"),
    ],
)
def test_mistakes_are_told_early(url, options, match):
    with pytest.raises(ConfigurationError, match=match) as error:
        EndpointModel(url, **options)
    assert "secret" not in str(error.value)


def test_a_price_may_leave_a_model_out(server):
    assert ask(model_of(server, prices={"other": {"prompt": 1, "completion": 1}})).cost is None
    assert ask(model_of(server, prices=Price(1, 1))).cost is None  # the endpoint counts no tokens


def test_without_the_extra_the_command_is_named(monkeypatch):
    def missing(module):
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(MissingDependencyError, match=r"extra \[endpoints\]: pip install"):
        EndpointModel("http://host/v1")
