"""The small model: its tokenizer, the induction head that it begins with, other names in demonstrations."""

import re

import pytest
import torch

from agemem_gym.baselines.agents.language_model import RULES
from agemem_gym.baselines.sft.demos import collect, demos_of
from agemem_gym.baselines.sft.induction import induce
from agemem_gym.baselines.sft.renaming import Renaming
from agemem_gym.baselines.sft.segments import encode
from agemem_gym.baselines.sft.small import add_phrases, make_model, make_tokenizer, twins_of
from agemem_gym.chat.local.encoding import ChatEncoder
from agemem_gym.chat.turns import turns
from agemem_gym.errors import ConfigurationError

torch.set_num_threads(1)
ENV = "AgeMem-HotpotQA-ThreeStage-v0"
FAST = {"encoder": "hash", "index": "exact"}


@pytest.fixture(scope="module")
def episodes():
    played = collect(ENV, "store-all", 12, env_kwargs=FAST, agent_kwargs={"thinks": True})
    return [list(demos_of(episode)) for episode in played]


@pytest.fixture(scope="module")
def tokenizer(episodes):
    return make_tokenizer([demo for demos in episodes for demo in demos], 1200, renaming=0.5)


def copied(model, back, seed=0, length=120):
    """Share of tokens of a random stretch that are foretold when it comes again, so many tokens later."""
    generator = torch.Generator().manual_seed(seed)
    most = model.config.vocab_size
    stretch = torch.randint(0, most, (2, length), generator=generator)
    between = torch.randint(0, most, (2, back), generator=generator)
    ids = torch.cat([between, stretch, between.flip(1), stretch], 1)
    with torch.no_grad():
        foretold = model(ids).logits[:, -length:-1].argmax(-1)
    return (foretold == stretch[:, 1:]).float().mean().item()


@pytest.mark.parametrize("back", [10, 700])
def test_an_induction_head_copies_what_it_has_never_seen_and_random_weights_do_not(tokenizer, back):
    assert copied(make_model(tokenizer, induction=True), back) > 0.9
    assert copied(make_model(tokenizer), back) < 0.05


def test_a_trained_model_takes_up_the_phrases_of_other_demonstrations_and_forgets_nothing(episodes):
    tokenizer = make_tokenizer([demo for demos in episodes for demo in demos], 1200)
    model = make_model(tokenizer, hidden=64, layers=2, heads=4)
    known = tokenizer.encode("Question: Who was it?", return_tensors="pt")
    before, count = model(known).logits, len(tokenizer)
    kwargs = FAST | {"tools": "pointer"}
    others = collect(ENV, "store-all", 3, env_kwargs=kwargs, agent_kwargs={"tools": "pointer"})
    demos = [demo for episode in others for demo in demos_of(episode)]
    system = demos[0].prompt[0]["content"]
    pieces = tokenizer.encode(system, add_special_tokens=False)
    rows = model.get_input_embeddings().weight[pieces]

    assert len(pieces) > 100
    assert system in add_phrases(tokenizer, model, demos)
    (token,) = tokenizer.encode(system, add_special_tokens=False)
    assert token >= count
    assert torch.allclose(model.get_input_embeddings().weight[token], rows.mean(0), atol=1e-6)
    assert torch.allclose(model(known).logits[..., :count], before, atol=1e-5)
    assert add_phrases(tokenizer, model, demos) == []


def test_an_induction_head_needs_room(tokenizer):
    with pytest.raises(ConfigurationError, match="head_dim"):
        make_model(tokenizer, hidden=96, heads=3, induction=True)
    with pytest.raises(ConfigurationError, match="induction"):
        induce(make_model(tokenizer), twins_of(tokenizer))


def test_a_name_is_parted_alike_wherever_it_stands(tokenizer):
    twins = twins_of(tokenizer)

    def parts(text, name):
        ids = tokenizer.encode(text, add_special_tokens=False)
        found = [
            ids[i : i + n]
            for n in range(1, 12)
            for i in range(len(ids))
            if tokenizer.decode(ids[i : i + n]).strip() == name
        ]
        return [[twins[ids[0]], *ids[1:]] for ids in found]

    for name in ("Strostralf", "Bloclourd", "Quentin", "Vicheath"):
        texts = (f"<answer>{name}</answer>", f"By {name}.", f"{name}'s", f"of {name}, who", f"(by {name})")
        split = [parts(text, name)[-1] for text in texts]
        assert all(ids == split[0] for ids in split)


def test_a_shared_system_message_is_one_token(tokenizer, episodes):
    prompt = ChatEncoder(tokenizer).prompt(turns(episodes[0][0].prompt, RULES))
    assert len(prompt) < 60
    system = episodes[0][0].prompt[0]["content"]
    assert len(system) > 2000
    assert len(tokenizer.encode(system, add_special_tokens=False)) == 1


def test_rows_are_encoded_in_the_turns_in_which_a_model_that_plays_is_asked(tokenizer, episodes):
    encoder = ChatEncoder(tokenizer)
    rows = next(encode(episodes[0], encoder, tokenizer.eos_token_id))
    for row, demo in zip(rows, episodes[0], strict=True):
        assert tokenizer.decode(row.prompt) == encoder._render(turns(demo.prompt, RULES))


def test_rows_of_no_weight_are_left_out_and_their_replies_stay_in_the_prompts_of_others(tokenizer, episodes):
    encoder = ChatEncoder(tokenizer)
    every = next(encode(episodes[0], encoder, 1))
    late = next(encode(episodes[0], encoder, 1, lambda demo: float(demo.stage == 3)))
    wanted = [row for row, demo in zip(every, episodes[0], strict=True) if demo.stage == 3]
    assert [row.prompt.tolist() for row in late] == [row.prompt.tolist() for row in wanted]


def test_names_are_others_everywhere_in_an_episode_and_nothing_else_changes(episodes):
    renaming = Renaming([demo for demos in episodes for demo in demos], 1.0)
    shape = re.compile(r"[A-Z][a-z]+")
    renamed_words = 0
    for demos in episodes:
        renamed = renaming(demos)
        pairs = set()
        for demo, other in zip(demos, renamed, strict=True):
            assert [m["role"] for m in demo.prompt] == [m["role"] for m in other.prompt]
            assert other.prompt[0] == demo.prompt[0]
            texts = [(demo.reply, other.reply)]
            texts += [(m["content"], o["content"]) for m, o in zip(demo.prompt, other.prompt, strict=True)]
            for text, said in texts:
                assert shape.sub("X", text) == shape.sub("X", said)
                pairs |= set(zip(shape.findall(text), shape.findall(said), strict=True))
        changed = {before: after for before, after in pairs if before != after}
        renamed_words += len(changed)
        assert len({before for before, _ in pairs}) == len(pairs)  # each word has one form in an episode
        assert not {"Retrieve", "Add", "Noted", "Question", "Which"} & set(changed)
    assert renamed_words > 2 * len(episodes)
    assert Renaming(episodes[0], 0.0)(episodes[0]) == episodes[0]


def test_a_thought_names_the_facts_that_the_answer_follows_from(episodes):
    finals = [demos[-1].reply for demos in episodes]
    thoughts = [
        found for reply in finals if (found := re.fullmatch(r"(?s)<think>(.*)</think><answer>(.*)</answer>", reply))
    ]
    assert len(thoughts) >= len(finals) - 2
    for found in thoughts:
        lines = found[1].split("\n")
        assert all(re.fullmatch(r".+ - [a-z ]+: .+", line) for line in lines)
        assert lines[-1].endswith(f": {found[2]}") or found[2] in found[1] or found[2] in ("yes", "no")
