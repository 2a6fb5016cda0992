"""What of a URL may be shown, and where a path goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agemem_gym.urls import joined, masked, same_origin


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host/v1#model", "http://host/v1#model"),
        ("http://ann:secret@host:8080/v1", "http://***@host:8080/v1"),
        ("https://secret@host/v1", "https://***@host/v1"),
        ("http://ann:se@cret@host/v1", "http://***@host/v1"),
        ("http://ann:se/cr?e#t@host/v1", "http://***@host/v1"),  # not quoted as it should be
        ("http://host/v1?key=secret&n=secret#m", "http://host/v1?key=***&n=***#m"),
        ("http://host/v1?secret", "http://host/v1?***"),
        ("http://host/v1?a=secret=secret;b=secret", "http://host/v1?a=***&b=***"),
        ("http://host/@scope/v1", "http://host/@scope/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("openai:gpt@http://ann:secret@host/v1?k=secret", "openai:gpt@http://***@host/v1?k=***"),
        ("postgres://ann:secret@db/x", "postgres://***@db/x"),
        ("HTTP://ann:secret@HOST", "HTTP://***@HOST"),
        ("offline", "offline"),
    ],
)
def test_user_password_and_query_values_are_masked(url, shown):
    assert masked(url) == shown
    assert masked(shown) == shown


def test_urls_are_masked_wherever_they_stand_in_a_text_or_in_data():
    text = "Cannot reach 'http://u:secret@h/v1?k=secret', nor (http://h?k=secret)."
    assert masked(text) == "Cannot reach 'http://***@h/v1?k=***', nor (http://h?k=***)."
    data = {"judge": "http://h?k=secret", "deep": [("http://u:secret@h", 1)], "n": None}
    assert masked(data) == {"judge": "http://h?k=***", "deep": [("http://***@h", 1)], "n": None}


def test_a_password_of_digits_that_is_cut_by_a_mark_is_masked():
    assert masked("http://ann:1234#5@host/v1") == "http://***@host/v1"
    assert masked("http://host:8080/v1?k=a@b#model") == "http://host:8080/v1?k=***#model"
    assert masked("http://[::1]:8080/v1#model") == "http://[::1]:8080/v1#model"


@given(st.text("abcXYZ019:/?#@=&;.%-_", max_size=30))
def test_no_password_comes_through(password):
    assert "hunter2" not in masked(f"http://ann:hunter2{password}@host/v1?key=hunter2{password}")


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("http://h/v1", "http://h/v1/chat/completions"),
        ("http://h/v1/", "http://h/v1/chat/completions"),
        ("http://h", "http://h/chat/completions"),
        ("http://h/v1?key=a", "http://h/v1/chat/completions?key=a"),
        ("http://h/v1/chat/completions?key=a", "http://h/v1/chat/completions?key=a"),
        ("http://u:p@h/v1/chat/completions/#model", "http://u:p@h/v1/chat/completions"),
        ("http://h/mychat/completions", "http://h/mychat/completions/chat/completions"),
    ],
)
def test_a_path_is_put_before_the_query_and_only_once(url, whole):
    assert joined(url, "chat/completions") == whole


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://h/a", "http://H:80/b?c", True),
        ("https://h/a", "https://h:443/b", True),
        ("http://h/a", "https://h/a", False),
        ("http://h/a", "http://h:8080/a", False),
        ("http://h/a", "http://h.evil/a", False),
        ("http://h/a", "http://h@evil/a", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one, other, same):
    assert same_origin(one, other) is same
