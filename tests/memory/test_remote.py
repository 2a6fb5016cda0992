"""An embeddings endpoint: whole time-out, back-off, no other origin, no secrets, and one type of error."""

import json
import time

import numpy as np
import pytest

from agemem_gym.errors import ConfigurationError
from agemem_gym.memory import EncoderError, make_encoder
from agemem_gym.memory.remote import HTTPEncoder


def embed(handler, body):
    rows = [{"index": i, "embedding": [float(len(text)), 1.0]} for i, text in enumerate(body["input"])]
    handler.send(200, json.dumps({"data": rows[::-1]}))


@pytest.fixture
def server(scripted_server):
    """A server of embeddings, in the place of this room's own."""
    scripted_server.default = embed
    return scripted_server


def encoder_of(server, **options):
    return HTTPEncoder(f"{server.url}#e1", **{"timeout": 5.0, "backoff": 0.0, **options})


def test_vectors_come_back_in_order(server):
    vectors = encoder_of(server).encode(["a", "bbb"])
    assert vectors == pytest.approx(np.array([[0.7071, 0.7071], [0.9487, 0.3162]]), abs=1e-3)
    assert server.seen[0][0] == "/v1/embeddings"
    assert server.seen[0][2] == {"model": "e1", "input": ["a", "bbb"]}


@pytest.mark.parametrize("bad", ["cut", "garbage", "nested", "no data", "no vectors", 500, 429])
def test_what_fails_is_tried_again_and_then_an_encoder_error(server, bad):
    behaviour = {
        "cut": server.cut,
        "garbage": server.raw("<html>"),
        "nested": server.raw("[" * 200_000),
        "no data": server.raw("{}"),
        "no vectors": server.raw('{"data": [{"index": 0}]}'),
    }.get(bad) or server.status(bad)
    server.script = [behaviour] * 2
    assert encoder_of(server).encode(["a"]).shape == (1, 2)
    assert len(server.seen) == 3
    server.script = [behaviour] * 3
    with pytest.raises(EncoderError, match=r"embeddings endpoint http://.*/v1/embeddings failed \(attempt 3 of 3\)"):
        encoder_of(server).encode(["a"])


def test_a_refusal_is_not_tried_again(server):
    server.script = [server.status(401, "wrong key")]
    with pytest.raises(EncoderError, match="status 401, wrong key"):
        encoder_of(server).encode(["a"])
    assert len(server.seen) == 1


@pytest.mark.parametrize("behaviour", ["drip", "hang"])
def test_the_time_out_is_whole(server, behaviour):
    server.default = getattr(server, behaviour)
    started = time.monotonic()
    with pytest.raises(EncoderError, match=r"no whole answer within 0\.3 s"):
        encoder_of(server, timeout=0.3, attempts=2).encode(["a"])
    assert time.monotonic() - started < 2.5


def test_retry_after_is_heeded(server):
    server.script = [server.status(429, Retry_After="0.3")]
    started = time.monotonic()
    encoder_of(server).encode(["a"])
    assert time.monotonic() - started >= 0.3


def test_a_redirect_to_another_origin_is_not_followed(server, elsewhere, monkeypatch):
    monkeypatch.setenv("AGEMEM_EMBEDDINGS_KEY", "secret-key")
    elsewhere.default = embed
    server.default = server.redirect(f"{elsewhere.url}/embeddings")
    with pytest.raises(EncoderError, match="another origin"):
        encoder_of(server).encode(["a"])
    assert server.seen[0][1]["Authorization"] == "Bearer secret-key"
    assert elsewhere.seen == []


def test_secrets_stand_in_no_name_and_no_error(server, monkeypatch):
    monkeypatch.setenv("AGEMEM_EMBEDDINGS_KEY", "secret-key")
    url = f"{server.url.replace('//', '//ann:pass-word@')}?token=query-value#e1"
    encoder = make_encoder(url)
    server.script = [server.status(400, f"secret-key pass-word {url}")]
    with pytest.raises(EncoderError) as error:
        encoder.encode(["a"])
    assert server.seen[0][0] == "/v1/embeddings?token=query-value"
    for secret in ("secret-key", "pass-word", "query-value"):
        assert secret not in str(error.value) + encoder.name


def test_a_url_that_is_none_is_refused_early():
    with pytest.raises(ConfigurationError, match=r"http://\*\*\*@host:x"):
        make_encoder("http://u:secret@host:x/v1")
