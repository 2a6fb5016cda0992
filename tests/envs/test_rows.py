"""Rows of JSON files as people have them."""

import codecs
import gzip
import json

import pytest

from agemem_gym.envs.rows import RowError, read_rows
from agemem_gym.errors import ConfigurationError

ITEMS = [{"a": 1, "text": "é \u2028 [x], {y}"}, {"a": 2, "text": "\x85"}, {"a": 3, "text": ""}]
LINES = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in ITEMS)
FORMS = {
    "lines": LINES.encode(),
    "no last newline": LINES.rstrip("\n").encode(),
    "CRLF": LINES.replace("\n", "\r\n").encode(),
    "blank lines": ("\n\n" + LINES.replace("\n", "\n \n")).encode(),
    "byte-order mark": codecs.BOM_UTF8 + LINES.encode(),
    "UTF-16": LINES.encode("utf-16"),
    "gzip": gzip.compress(LINES.encode()),
    "list": json.dumps(ITEMS, ensure_ascii=False).encode(),
    "list, indented, CRLF": json.dumps(ITEMS, indent=2).replace("\n", "\r\n").encode(),
    "list, gzip, byte-order mark": gzip.compress(codecs.BOM_UTF8 + json.dumps(ITEMS).encode()),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_rows(form, tmp_path):
    (tmp_path / "rows.json").write_bytes(FORMS[form])
    rows = read_rows(tmp_path / "rows.json")
    assert list(rows) == ITEMS
    assert rows[-1] == ITEMS[-1]
    assert rows[:2] == ITEMS[:2]


def test_a_row_knows_its_line(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n\n{"a": 2}\n', encoding="utf-8")
    assert read_rows(tmp_path / "a.jsonl").place(1) == f"{tmp_path / 'a.jsonl'}, line 3"
    (tmp_path / "b.json").write_text('[\n{"a":\n 1},\n {"a": 2}]', encoding="utf-8")
    assert read_rows(tmp_path / "b.json").place(1) == f"{tmp_path / 'b.json'}, line 4"


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b'{"a": 1', "not JSON"),
        (b"\0" * 40, "not JSON"),
        (b'{"a": "\xff\xfe"}', "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"nonsense", "not JSON"),
    ],
)
def test_a_broken_line_says_so_and_breaks_no_other(broken, why, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"a": 1}\n' + broken + b'\n{"a": 3}\n')
    rows = read_rows(tmp_path / "a.jsonl")
    assert (len(rows), rows[0], rows[2]) == (3, {"a": 1}, {"a": 3})
    with pytest.raises(RowError, match=why):
        rows[1]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\n \r\n", "is empty"),
        (b"[]", "is empty"),
        (b'[{"a": 1},\n {"a": ', "line 2: not JSON"),
        (b'[{"a": 1} {"a": 2}]', "line 1: not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (gzip.compress(b'{"a": 1}', mtime=0)[:-6], "truncated"),
    ],
)
def test_a_file_that_cannot_be_cut_into_rows_is_named(content, why, tmp_path):
    (tmp_path / "broken.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"broken\.json.*{why}"):
        read_rows(tmp_path / "broken.json")


def test_a_file_that_is_not_there_or_no_file_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "absent.json"):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            read_rows(path)


def test_a_changed_file_is_read_anew(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}', encoding="utf-8")
    assert read_rows(path) is read_rows(path)
    path.write_text('{"a": 10}', encoding="utf-8")
    assert list(read_rows(path)) == [{"a": 10}]
