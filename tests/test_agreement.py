"""Agreement of judges with people: blind items, labels that survive, figures worked by hand."""

import json
import math

import numpy as np
import pytest

from agemem_gym.agreement import Item, LabelFile, accuracy, agreement, agreements, correlation, items_of, kappa
from agemem_gym.cli import main
from agemem_gym.episode import read_episodes
from agemem_gym.errors import ConfigurationError
from agemem_gym.memory import make_encoder
from agemem_gym.reward import make_judge

QUESTIONS = "AgeMem-HotpotQA-ThreeStage-v0"


@pytest.fixture(scope="module")
def episodes_file(tmp_path_factory):
    """Real episodes: an agent that is right and remembers, and one that answers anything."""
    file = tmp_path_factory.mktemp("agreement") / "episodes.jsonl"
    for agent in ("perfect", "amnesic"):
        arguments = ["run", QUESTIONS, "--agent", agent, "--episodes", "4", "--record", str(file), "--append"]
        assert main([*arguments, "--env-arg", "encoder=hash", "--env-arg", "index=exact"]) == 0
    return file


def test_items_are_blind_and_each_is_asked_once(episodes_file):
    episodes = [*read_episodes(episodes_file)]
    items = items_of(episodes)
    assert items == items_of(reversed([*episodes, *episodes]))
    assert {item.kind for item in items} == {"answer", "memory"}
    assert {field for item in items for field in vars(item)} == {"kind", "question", "expected", "texts"}
    assert {item.kind for item in items_of(episodes, ("answer",))} == {"answer"}
    for episode in episodes:
        if episode.answer is not None:
            assert Item("answer", episode.start.instruction, episode.start.answer, (episode.answer,)) in items


ITEMS = [Item("answer", f"q{number}", "x", ("y",)) for number in range(3)]


def test_labels_survive_and_can_be_taken_back(tmp_path):
    path = tmp_path / "new" / "labels.jsonl"
    first = LabelFile(path)
    assert first.undo() is None
    for item, label in zip(ITEMS, (True, False, None), strict=True):
        first.give(item, label)
    again = LabelFile(path)
    assert again.labels == first.labels == dict(zip([i.key for i in ITEMS], (True, False, None), strict=True))
    assert again.undo() == ITEMS[2].key
    assert again.undo() == ITEMS[1].key
    again.give(ITEMS[0], False)
    assert LabelFile(path).labels == {ITEMS[0].key: False}


@pytest.mark.parametrize(
    "line", ["nonsense", '{"key": "a"}', '{"key": "a", "label": 3}', '{"key": "a", "label": "undone"}', "[]"]
)
def test_a_file_of_something_else_is_refused_by_line(tmp_path, line):
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps({"key": "b", "label": True}) + "\n" + line + "\n")
    with pytest.raises(ConfigurationError, match="line 2: no label"):
        LabelFile(path)


def test_kappa_of_the_textbook_table():
    # 20 both yes, 5 only the first, 10 only the second, 15 both no: observed 0.7, by chance 0.5
    labels = np.array([1.0] * 25 + [0.0] * 25)
    decided = np.array([1.0] * 20 + [0.0] * 5 + [1.0] * 10 + [0.0] * 15)
    assert accuracy(labels, decided) == pytest.approx(0.7)
    assert kappa(labels, decided) == pytest.approx(0.4)
    assert correlation(labels, decided) == pytest.approx((20 * 15 - 5 * 10) / math.sqrt(25 * 25 * 30 * 20))


def test_figures_that_are_not_defined_are_no_number():
    same = np.ones(4)
    assert math.isnan(kappa(same, same))
    assert math.isnan(correlation(same, np.array([0.1, 0.2, 0.3, 0.4])))
    found = agreement([True] * 3, [1.0] * 3, ["a", "b", "c"])
    assert found.accuracy.value == found.accuracy.low == 1.0
    assert math.isnan(found.kappa.low)


def test_intervals_narrow_with_the_number_of_tasks_not_of_items():
    rng = np.random.default_rng(0)
    labels = rng.random(200) < 0.5
    scores = np.where(rng.random(200) < 0.8, labels, ~labels).astype(float)
    many = agreement([*labels], [*scores], [str(number) for number in range(200)])
    few = agreement([*labels], [*scores], [str(number // 50) for number in range(200)])
    assert many.accuracy.low < many.accuracy.value < many.accuracy.high
    assert many.accuracy.value == few.accuracy.value
    copies = agreement([*labels[:20]] * 10, [*scores[:20]] * 10, [str(number) for number in range(20)] * 10)
    alone = agreement([*labels[:20]], [*scores[:20]], [str(number) for number in range(20)])
    assert copies.accuracy == alone.accuracy
    assert copies.accuracy.high - copies.accuracy.low > 2 * (many.accuracy.high - many.accuracy.low)
    one = agreement([*labels], [*scores], ["a"] * 200)
    assert math.isnan(one.accuracy.low)
    assert agreement([*labels], [*scores], [str(n) for n in range(200)]) == many  # seeded


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(20):
        labels = rng.random(80) < 0.5
        scores = np.where(rng.random(80) < 0.85, labels, ~labels).astype(float)
        found = agreement([*labels], [*scores], [str(number) for number in range(80)]).accuracy
        covered += found.low <= 0.85 <= found.high
    assert covered >= 16


def test_the_offline_judge_agrees_with_true_labels_and_an_upside_down_one_does_not(episodes_file):
    items = items_of(read_episodes(episodes_file))
    truth = {item.key: item.kind == "answer" and item.texts == (item.expected,) for item in items}
    labels = {key: label for key, label in truth.items() if next(i for i in items if i.key == key).kind == "answer"}
    judge = make_judge("offline", make_encoder("hash"))
    found = agreements(judge, items, labels)
    assert [*found] == ["answer"]
    assert found["answer"].kappa.value == 1.0

    class UpsideDown:
        name = "upside-down"

        def answer(self, *texts):
            return 1.0 - judge.answer(*texts)

    assert agreements(UpsideDown(), items, labels)["answer"].correlation.value < -0.5


def test_labels_left_out_do_not_count(episodes_file):
    items = items_of(read_episodes(episodes_file), ("answer",))
    labels = dict.fromkeys((item.key for item in items), None) | {items[0].key: True}
    assert agreements(make_judge("offline", make_encoder("hash")), items, labels)["answer"].count == 1
