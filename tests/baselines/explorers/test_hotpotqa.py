"""The reader: answers what it was told, looks up hop by hop, knows what a message is about, and guesses without knowledge."""

from pathlib import Path

import numpy as np
import pytest

import agemem_gym  # noqa: F401  registers the ids
from agemem_gym.agent import AgentSpec
from agemem_gym.answers import exact_match, f1
from agemem_gym.baselines.explorers import make_explorer
from agemem_gym.baselines.explorers.hotpotqa import HotpotQAExplorer
from agemem_gym.curriculum.distractors import DistractorScene, make_source
from agemem_gym.envs.hotpotqa import HotpotQATask
from agemem_gym.envs.hotpotqa.facts import background
from agemem_gym.envs.hotpotqa.generated import generate
from agemem_gym.envs.hotpotqa.official import RealQuestions
from agemem_gym.jobs import Job
from agemem_gym.memory import make_encoder
from agemem_gym.rollout import rollout

EPISODES = 40
REAL = Path(__file__).parents[4] / "shared" / "data" / "hotpotqa"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real questions are not beside the project")


def reader(question="", *told, commands=""):
    made = HotpotQAExplorer()
    made.reset(np.random.default_rng(0))
    for text in told:
        made.learn(text)
    made.begin({"instruction": f"Question: {question}", "commands": commands})
    return made


def success(agent, **kwargs):
    options = {"encoder": "hash", "index": "exact", **kwargs}
    jobs = [Job(seed, "AgeMem-HotpotQA-ThreeStage-v0", seed, options) for seed in range(EPISODES)]
    played = list(rollout(AgentSpec.parse(agent), jobs, stop_at_error=True))
    return sum(each.episode.success for each in played) / len(played)


def test_it_is_the_explorer_of_the_benchmark():
    assert isinstance(make_explorer("hotpotqa"), HotpotQAExplorer)


def test_memory_is_worth_more_than_half_of_the_questions():
    without, informed = success("explorer"), success("explorer", order="all_at_once", n2=0)
    assert success("store-all") >= 0.8
    assert informed >= 0.8
    assert informed - without >= 0.5
    assert abs(success("store-all", n1=0) - without) <= 0.1


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_gold_paragraphs_are_enough_for_every_question_and_distracting_ones_are_not(split):
    told, untold = [], []
    for index in range(60):
        question = generate(split, index)
        gold = reader(question.question, *map(str, question.gold))
        told.append(gold.act({"observation": ""}) == f"<answer>{question.answer}</answer>")
        others = reader(question.question, *map(str, question.distracting))
        untold.append(others.act({"observation": ""}) == f"<answer>{question.answer}</answer>")
    assert sum(told) >= 59
    assert sum(untold) < 20


def test_it_asks_the_question_first_then_hop_by_hop_and_comes_to_an_end():
    made = reader("Where did the life of the mayor of Lorford begin?")
    assert made.questions() == ["Where did the life of the mayor of Lorford begin?", "The mayor of Lorford is"]
    assert made.questions() == ["Lorford: was elected mayor twice"]
    assert made.questions() == []
    made.learn("Did you know? The mayor of Lorford is Ada Karr.")
    assert made.questions()[0] == "Ada Karr was born in"
    made.learn("A friend told me: Ada Karr: The family came from Port Vell.")
    assert made.questions() == []
    assert made.act({"observation": ""}) == "<answer>Port Vell</answer>"


def test_nothing_of_the_episode_before_is_left():
    made = reader("Where was Ada Karr born?", "Ada Karr was born in Lorford.")
    made.reset(np.random.default_rng(0))
    made.begin({"instruction": "Question: In which town was Ada Karr born?"})
    assert made.act({"observation": ""}) != "<answer>Lorford</answer>"


def test_a_message_is_about_an_entity_and_a_relation_however_it_is_introduced():
    made = reader()
    for text in (
        "The mayor of Lorford is Ada Karr.",
        "By the way: The mayor of Lorford is Ada Karr.",
        "Did you know? Lorford: Bela Moss was elected mayor twice.",
        "I was wrong about this, do not rely on it: The mayor of Lorford is Ada Karr.",
        "The mayor of Lorford is Bela Moss. It is no longer true that: The mayor of Lorford is Ada Karr.",
    ):
        assert made.subject(text) == "Lorford|mayor", text


def test_stale_and_counterfactual_messages_have_the_subject_of_what_they_contradict():
    made, encoder, checked = reader(), make_encoder("hash"), 0
    for index in range(12):
        question = generate("train", index)
        pool = tuple(map(str, question.paragraphs))
        scene = DistractorScene(question.question, question.facts, question.answer, (), pool, 0)
        subjects = {made.subject(fact) for fact in question.facts}
        for distractor in make_source("stale", encoder).draw(scene, 2, np.random.default_rng(index)):
            if question.answer in distractor.text or question.kind == "comparison":
                continue  # what the sentence is about was exchanged, not what it says
            assert made.subject(distractor.text) in subjects, distractor.text
            assert made.subject(distractor.corrected_by) in subjects
            checked += 1
    assert checked >= 5


def test_small_talk_and_logs_are_about_nothing():
    made, encoder = reader(), make_encoder("hash")
    scene = DistractorScene("q", (), None, (), (), 0)
    for source in ("chat", "tool_noise"):
        for distractor in make_source(source, encoder).draw(scene, 40, np.random.default_rng(1)):
            assert made.subject(distractor.text) is None, distractor.text


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Do The Lost Bell and A Pale Fire belong to the same genre?", {"yes", "no"}),
        ("Which film was released first, The Lost Bell or A Pale Fire?", {"The Lost Bell", "A Pale Fire"}),
        ("Are Frozen and Escape from the Dark both animated features?", {"yes", "no"}),
        ("Who was born earlier, Thomas Wolfe or Margaret Wilson?", {"Thomas Wolfe", "Margaret Wilson"}),
    ],
)
def test_without_knowledge_it_guesses_one_of_what_is_possible(question, expected):
    made = reader(question)
    assert made.answer() in expected
    assert {reader(question).answer()} <= expected


def test_one_known_value_of_two_is_compared_with_the_middle():
    assert (
        reader("Which town has more inhabitants, Lorford or Kand?", "Kand has 890,000 inhabitants.").answer() == "Kand"
    )
    assert (
        reader("Which town has more inhabitants, Lorford or Kand?", "Kand has 1,000 inhabitants.").answer() == "Lorford"
    )


def test_in_an_encyclopedia_that_can_be_searched_it_looks_up_and_answers():
    task = HotpotQATask(mode="search")
    right = 0
    for seed in range(20):
        start = task.reset(seed, {})
        made = reader(start.instruction.removeprefix("Question: "), commands=start.commands)
        reply, observation = made.act({"observation": ""}), ""
        for _ in range(start.max_moves):
            if reply.startswith("<answer>"):
                break
            observation = task.act(reply.removeprefix("<action>").removesuffix("</action>")).observation
            reply = made.act({"observation": observation})
        right += task.answer(reply.removeprefix("<answer>").removesuffix("</answer>")).success
    assert right >= 18


@pytest.mark.parametrize("epoch", [0, 2])
def test_who_was_told_a_world_answers_every_question_about_it(epoch):
    task = HotpotQATask(mode="closed")
    for world in range(8):
        for seed in range(12):
            start = task.reset(seed, {"world": {"seed": world, "epoch": epoch, "changes": 0.3}})
            made = reader(start.instruction.removeprefix("Question: "), *task.world_facts())
            assert made.answer() == start.answer, start.instruction


def test_a_new_edition_has_the_subjects_of_the_old_one():
    task, made = HotpotQATask(mode="closed"), reader()
    for world in range(8):
        told = []
        for epoch in (0, 1):
            task.reset(0, {"world": {"seed": world, "epoch": epoch, "changes": 0.4}})
            told.append({made.subject(fact): fact for fact in task.world_facts()})
        old, new = told
        assert None not in old
        assert set(old) <= set(new)
        assert any(old[subject] != new[subject] for subject in old)


def test_who_learned_an_old_edition_before_the_new_one_answers_by_the_new_one():
    task = HotpotQATask(mode="closed")
    for world in range(8):
        task.reset(0, {"world": {"seed": world}})
        old = task.world_facts()
        for seed in range(8):
            start = task.reset(seed, {"world": {"seed": world, "epoch": 1, "changes": 0.4}})
            made = reader(start.instruction.removeprefix("Question: "), *old, *task.world_facts())
            assert made.answer() == start.answer


@needs_real
def test_of_real_questions_that_it_was_not_fitted_to_it_reads_a_third_right_and_guesses_few():
    scores = {"told": [], "untold": []}
    for number, question in enumerate(RealQuestions(REAL / "validation-100.jsonl", "validation", None)):
        lines = background(question, np.random.default_rng(number))
        for condition, told in (("told", lines), ("untold", [])):
            given = reader(question.question, *told).answer()
            scores[condition].append((exact_match(given, question.answer), f1(given, question.answer)))
    em, share = np.mean(scores["told"], axis=0)
    assert em >= 0.3
    assert share >= 0.36
    assert np.mean(scores["untold"], axis=0)[0] <= 0.1


@needs_real
def test_nearly_every_real_fact_has_a_subject_and_no_two_of_one_question_share_one():
    subjects = []
    for name in ("train-100", "mixed-100", "validation-100"):
        for number, question in enumerate(RealQuestions(REAL / f"{name}.jsonl", "train", None)):
            lines = background(question, np.random.default_rng(number))
            found = [subject for subject in map(reader().subject, lines) if subject]
            assert len(found) == len(set(found)), lines
            subjects += [subject is not None for subject in map(reader().subject, lines)]
    assert np.mean(subjects) > 0.99
