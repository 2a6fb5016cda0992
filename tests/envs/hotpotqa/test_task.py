"""The HotpotQA env: modes, answers, search, bad input, and the real questions where they are at hand."""

import html
import json
import pickle
import re
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.envs.hotpotqa import HotpotQATask
from agemem_gym.envs.hotpotqa.generated import generate
from agemem_gym.errors import ConfigurationError

REAL = Path(__file__).parents[4] / "shared" / "data" / "hotpotqa"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real questions are not beside the project")


def make(**kwargs):
    return gymnasium.make("AgeMem-HotpotQA-v0", encoder="hash", index="exact", **kwargs)


def test_golden_episodes(golden):
    golden(HotpotQATask(), "golden_open.json", seed=2)
    golden(HotpotQATask(mode="search"), "golden_search.json", seed=7)


def test_open_shows_ten_paragraphs_as_messages_of_their_own():
    env = make()
    _, info = env.reset(seed=3)
    question = generate("train", 3)
    contents = [message["content"] for message in info["messages"]]
    assert contents[1] == f"Question: {question.question}"
    assert contents[2:] == [str(paragraph) for paragraph in question.paragraphs]
    assert env.unwrapped.context.tokens > 300


def test_a_paragraph_can_be_filtered_alone():
    env = make(filter_threshold=0.9)
    _, info = env.reset(seed=3)
    paragraph = info["messages"][4]["content"]
    call = json.dumps([{"name": "Filter_context", "arguments": {"criteria": paragraph}}])
    _, _, _, _, info = env.step(f"<tool_call>{call}</tool_call>")
    contents = [message["content"] for message in info["messages"]]
    assert not any(content == paragraph for content in contents)
    assert sum(content.startswith(generate("train", 3).paragraphs[0].title) for content in contents) <= 1
    assert len(contents) == 2 + 9 + 2


def test_closed_shows_nothing():
    _, info = make(mode="closed").reset(seed=3)
    assert [message["role"] for message in info["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    ("answer", "success", "em"), [("right", True, 1.0), ("The {answer}.", True, 1.0), ("nobody knows", False, 0.0)]
)
def test_success_is_the_official_exact_match(answer, success, em):
    env = make(mode="closed")
    env.reset(seed=2)
    expected = env.unwrapped.episode.start.answer
    reply = expected if answer == "right" else answer.format(answer=expected)
    _, reward, terminated, _, info = env.step(f"<answer>{reply}</answer>")
    assert terminated
    assert info["success"] is success
    assert info["metrics"]["em"] == em
    assert reward == float(success)


def test_f1_is_the_progress_of_a_nearly_right_answer():
    task = HotpotQATask()
    start = task.reset(0, {})
    step = task.answer(f"I think {start.answer}")
    words = len(start.answer.split())
    assert not step.success
    assert step.progress == step.metrics["f1"] == pytest.approx(2 * words / (2 * words + 2))


def test_search_finds_titles_and_words_and_takes_any_text():
    task = HotpotQATask(mode="search")
    task.reset(5, {})
    question = generate("train", 5)
    first = task.act(f"search[{question.gold_titles[0]}]")
    assert first.observation.startswith(str(question.gold[0]))
    assert "Further results: " in task.act(f"search[{question.question}]").observation
    assert task.act(f"Search {question.gold_titles[1].upper()}").observation.startswith(str(question.gold[1]))
    assert task.act("search[xyzzy]").observation == "Nothing was found."
    for command in (
        "",
        "search",
        "search[",
        "search[]",
        "go to desk 1",
        "search[[[",
        "\x00" * 50,
        "search[" + "a " * 9999,
    ):
        assert isinstance(task.act(command).observation, str)
    assert not task.act("open door").valid


def test_the_expert_answers_every_question_in_every_mode():
    for mode in ("open", "closed", "search"):
        env = make(mode=mode, info_expert=True)
        for seed in range(10):
            _, info = env.reset(seed=seed)
            over = False
            while not over:
                _, _, terminated, truncated, info = env.step(info["expert"])
                over = terminated or truncated
            assert info["success"]


def test_background_tells_the_facts_but_neither_question_nor_answer_as_such():
    task = HotpotQATask()
    for seed in range(30):
        start = task.reset(seed, {})
        lines = task.background(np.random.default_rng(0))
        assert lines == task.background(np.random.default_rng(0))
        assert all(any(fact in line for line in lines) for fact in start.key_facts)
        assert not any(start.instruction.removeprefix("Question: ") in line for line in lines)
        assert not any("answer" in line.lower() for line in lines)
        pool = task.distractor_pool(np.random.default_rng(0))
        assert len(pool) == 8
        assert not any(fact in text for text in pool for fact in start.key_facts)


def test_index_option_picks_a_question():
    task = HotpotQATask()
    assert task.reset(0, {"task_index": 9}).task_id == task.reset(9, {}).task_id


@pytest.mark.parametrize(
    ("kwargs", "word"),
    [
        ({"mode": "half-open"}, "half-open"),
        ({"split": "tset"}, "did you mean 'test'"),
        ({"data": "hotpotqa/hotpot_qa", "split": "test"}, "without answers"),
        ({"level": "extreme"}, "medium"),
        ({"protocol": "none"}, "agentboard"),
        ({"data": "no/such/file.jsonl"}, "no such file"),
        ({"data": "nowhere"}, "hotpotqa/hotpot_qa"),
    ],
)
def test_bad_keywords_say_what_was_expected(kwargs, word):
    with pytest.raises(ConfigurationError, match=word):
        HotpotQATask(**kwargs)


@pytest.mark.parametrize("options", [{"task_index": -1}, {"task_index": "3"}, {"task_index": True}, {"level": "easy"}])
def test_bad_options_raise(options):
    with pytest.raises(ConfigurationError):
        HotpotQATask().reset(0, options)


def rows(count=4):
    return [
        {
            "id": f"q{i}",
            "question": f"Who wrote book {i}?",
            "answer": f"Author {i}",
            "type": "bridge",
            "level": ("easy", "hard")[i % 2],
            "supporting_facts": {"title": ["A", "B", "B"], "sent_id": [0, 0, 99]},
            "context": {"title": ["A", "B"], "sentences": [["Book of A."], [f"By Author {i}.", " More."]]},
        }
        for i in range(count)
    ]


def written(path, items):
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path


def test_local_json_lines_and_parquet_and_folders_are_read_alike(tmp_path):
    import datasets

    file = written(tmp_path / "validation-1.jsonl", rows())
    datasets.Dataset.from_list(rows()).to_parquet(tmp_path / "other.parquet")
    starts = [
        HotpotQATask(data=data, split="validation").reset(1, {})
        for data in (file, tmp_path, tmp_path / "other.parquet")
    ]
    assert {start.answer for start in starts} == {"Author 1"}
    assert all(len(start.key_facts) == 2 for start in starts), "a supporting fact without a sentence is left out"
    assert HotpotQATask(data=file).size() == 4
    assert HotpotQATask(data=file, level="hard").size() == 2
    assert HotpotQATask(data=file).reset(6, {}).task_id == "HotpotQA/q2"


def test_a_task_with_data_can_be_sent_to_another_process(tmp_path):
    task = HotpotQATask(data=written(tmp_path / "q.jsonl", rows()))
    first = task.reset(1, {})
    assert pickle.loads(pickle.dumps(task)).reset(1, {}) == first


@needs_real
@pytest.mark.parametrize("name", ["train-100", "validation-100", "mixed-100"])
def test_every_real_question_loads_and_its_expert_wins(name):
    task = HotpotQATask(data=REAL / f"{name}.jsonl")
    raw = [json.loads(line) for line in (REAL / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    assert task.size() == len(raw) == 100
    for index, row in enumerate(raw):
        start = task.reset(0, {"task_index": index})
        assert start.instruction == f"Question: {html.unescape(row['question']).strip()}"
        assert len(start.documents) == len(row["context"]["title"])
        assert start.key_facts
        assert not re.search(
            r"&(amp|quot|#39|lt|gt);", "".join((start.instruction, *start.documents, *start.key_facts))
        )
        assert task.answer(row["answer"]).success


@needs_real
def test_a_search_among_real_paragraphs_finds_the_gold_ones():
    task = HotpotQATask(data=REAL / "validation-100.jsonl", mode="search")
    for index in range(10):
        task.reset(0, {"task_index": index})
        for reply in task.expert():
            if reply.startswith("search["):
                title = reply.removeprefix("search[").removesuffix("]")
                assert task.act(reply).observation.startswith(f"{title}:")
