"""HotpotQA's own questions from files: the forms that people have, and rows that are no questions."""

import copy
import gzip
import json

import pytest

from agemem_gym.envs.hotpotqa import HotpotQATask
from agemem_gym.envs.hotpotqa.official import RealQuestions
from agemem_gym.errors import ConfigurationError

ROW = {
    "id": "5a8b57f2",
    "question": "Were Scott Derrickson and Ed Wood of the same nationality?",
    "answer": "yes",
    "type": "comparison",
    "level": "hard",
    "supporting_facts": {"title": ["Scott Derrickson", "Ed Wood"], "sent_id": [0, 0]},
    "context": {
        "title": ["Ed Wood", "Scott Derrickson", "Tyler Bates"],
        "sentences": [
            ["Edward Davis Wood Jr. was an American filmmaker.", " He was an actor."],
            ["Scott Derrickson is an American director."],
            ["Tyler Bates is a musician."],
        ],
    },
}


def row(**changes):
    made = copy.deepcopy(ROW)
    made.update(changes)
    return made


def official(item):
    """The release's form: lists of pairs, and ``_id``."""
    made = copy.deepcopy(item)
    made["_id"] = made.pop("id")
    made["supporting_facts"] = [list(pair) for pair in zip(*item["supporting_facts"].values(), strict=True)]
    made["context"] = [list(pair) for pair in zip(*item["context"].values(), strict=True)]
    return made


def lines(path, items):
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path


def only(path, item):
    return RealQuestions(lines(path / "q.jsonl", [item]), "train", None)[0]


def test_the_releases_form_is_the_hubs(tmp_path):
    assert only(tmp_path, official(ROW)) == only(tmp_path, ROW)


def test_the_release_is_found_under_its_own_names(tmp_path):
    (tmp_path / "hotpot_train_v1.1.json").write_text(json.dumps([official(ROW)] * 3), encoding="utf-8")
    (tmp_path / "hotpot_dev_distractor_v1.json").write_text(json.dumps([official(ROW)] * 2), encoding="utf-8")
    (tmp_path / "hotpot_dev_fullwiki_v1.json").write_text(json.dumps([official(ROW)] * 7), encoding="utf-8")
    assert HotpotQATask(data=tmp_path).size() == 3
    assert HotpotQATask(data=tmp_path, split="validation").size() == 2
    assert HotpotQATask(data=tmp_path, split="dev").reset(1, {}).record["split"] == "validation"
    with pytest.raises(ConfigurationError, match="published without answers"):
        HotpotQATask(data=tmp_path, split="test").reset(0, {})
    lines(tmp_path / "test.jsonl", [ROW])
    assert HotpotQATask(data=tmp_path, split="test").size() == 1


def test_files_of_one_split_are_joined_and_gzip_is_read(tmp_path):
    lines(tmp_path / "train-00000.jsonl", [row(id="a"), row(id="b")])
    (tmp_path / "train-00001.jsonl.gz").write_bytes(gzip.compress(json.dumps(row(id="c")).encode()))
    task = HotpotQATask(data=tmp_path)
    assert [task.reset(seed, {}).task_id for seed in range(4)] == [f"HotpotQA/{name}" for name in "abca"]


BROKEN = {
    "null answer": ({"answer": None}, "the answer is null"),
    "blank answer": ({"answer": " "}, "the answer is ' '"),
    "truth value": ({"answer": True}, "the answer is True"),
    "null question": ({"question": None}, "the question is null"),
    "list as answer": ({"answer": ["yes"]}, "the answer is"),
    "no facts": ({"supporting_facts": {"title": [], "sent_id": []}}, "none of its supporting_facts"),
    "no facts, pairs": ({"supporting_facts": []}, "none of its supporting_facts"),
    "facts elsewhere": ({"supporting_facts": [["Ed Wood", 9], ["Nobody", 0]]}, "none of its supporting_facts"),
    "uneven columns": ({"supporting_facts": {"title": ["Ed Wood"], "sent_id": []}}, "lists of one length"),
    "null sentence": ({"context": [["Ed Wood", [None]]]}, r"sentences is \[None\]"),
    "null context": ({"context": None}, "context is null"),
    "null title": ({"context": [[None, ["x"]]]}, "a title is null"),
    "pairs of three": ({"context": [["Ed Wood", ["x"], 1]]}, "expected a pair"),
    "no number": ({"supporting_facts": [["Ed Wood", "first"]]}, "first"),
    "half a character": ({"answer": "\ud83d"}, "surrogate"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_row_that_is_no_question_is_refused_with_its_line_and_breaks_no_other(name, tmp_path):
    changes, why = BROKEN[name]
    file = lines(tmp_path / "mixed.jsonl", [ROW, row(**changes), row(id="third")])
    for mode in ("open", "search"):
        task = HotpotQATask(data=file, mode=mode)
        for seed in (0, 2):
            task.reset(seed, {})
            if mode == "search":
                assert task.act("search[Ed Wood]").observation.startswith("Ed Wood: Edward")
            assert task.answer("yes").success
        with pytest.raises(ConfigurationError, match=rf"mixed\.jsonl, line 2: no question of HotpotQA: .*{why}"):
            task.reset(1, {})


@pytest.mark.parametrize("item", [[1], "text", 3, None, {"a": 1}, {key: ROW[key] for key in ROW if key != "answer"}])
def test_rows_of_another_schema_are_refused(item, tmp_path):
    with pytest.raises(ConfigurationError, match=r"q\.jsonl, line 1: no question of HotpotQA: it (is|has no)"):
        only(tmp_path, item)


def test_torn_and_empty_files_are_named(tmp_path):
    for content, why in (('{"question": "x', "line 1: .*not JSON"), ("", "is empty"), ("\n\n", "is empty")):
        (tmp_path / "torn.jsonl").write_text(content, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=rf"torn\.jsonl.*{why}"):
            HotpotQATask(data=tmp_path / "torn.jsonl").reset(0, {})
    with pytest.raises(ConfigurationError, match="no question of level easy"):
        HotpotQATask(data=lines(tmp_path / "hard.jsonl", [ROW]), level="easy").reset(0, {})
    with pytest.raises(ConfigurationError, match=r"validation\*"):
        HotpotQATask(data=tmp_path, split="validation").reset(0, {})
    with pytest.raises(ConfigurationError, match=r"did you mean '.*hard\.jsonl'"):
        HotpotQATask(data=tmp_path / "hart.jsonl")


def test_a_parquet_file_of_another_schema_or_none_at_all_is_named(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_list([{"a": 1}]).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(ConfigurationError, match="HotpotQA's columns are"):
        HotpotQATask(data=tmp_path / "other.parquet").reset(0, {})
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(ConfigurationError, match=r"torn\.parquet: cannot be read as parquet: .+"):
        HotpotQATask(data=tmp_path / "torn.parquet").reset(0, {})


def test_sentences_given_as_one_text_are_one_sentence(tmp_path):
    text = "Edward Davis Wood Jr. was an American filmmaker. He was an actor."
    item = row(context=[["Ed Wood", text], ["Scott Derrickson", ["Scott Derrickson is an American director."]]])
    question = only(tmp_path, item)
    assert question.paragraphs[0].sentences == (text,)
    assert question.facts == ("Scott Derrickson is an American director.", f"Ed Wood: {text}")


def test_a_supporting_fact_on_a_blank_sentence_is_left_out(tmp_path):
    item = row(context=[["Ed Wood", ["Ed Wood was an American filmmaker."]], ["Scott Derrickson", [" ", "x"]]])
    assert only(tmp_path, item).facts == ("Ed Wood was an American filmmaker.",)


def test_entities_of_html_are_shown_as_what_they_stand_for(tmp_path):
    item = row(
        question="Which of Simon &amp; Garfunkel is older?",
        answer="Simon &#38; Co",
        supporting_facts=[["Simon &amp; Garfunkel", 0]],
        context=[["Simon &amp; Garfunkel", ["AT&T and R&notation stay, &quot;Simon&quot; is older."]]],
    )
    question = only(tmp_path, item)
    assert question.question == "Which of Simon & Garfunkel is older?"
    assert question.answer == "Simon & Co"
    assert str(question.paragraphs[0]) == 'Simon & Garfunkel: AT&T and R&notation stay, "Simon" is older.'
    assert question.gold_titles == ("Simon & Garfunkel",)


def test_a_number_is_an_answer(tmp_path):
    assert only(tmp_path, row(answer=1969)).answer == "1969"


def test_a_file_is_read_again_when_it_changes(tmp_path):
    file = lines(tmp_path / "q.jsonl", [ROW])
    assert HotpotQATask(data=file).reset(0, {}).answer == "yes"
    lines(file, [row(answer="American")])
    assert HotpotQATask(data=file).reset(0, {}).answer == "American"
