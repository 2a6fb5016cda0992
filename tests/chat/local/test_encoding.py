"""From messages to token ids: as the whole template's text, each message once, a sampled reply never.

The templates are written for these tests, after what the families' own ones do.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from agemem_gym.chat.local.encoding import ChatEncoder, Replies  # noqa: E402
from agemem_gym.chat.local.stopping import StopTexts, Vocabulary  # noqa: E402
from agemem_gym.errors import ConfigurationError  # noqa: E402

_CHATML = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
_BY_TURNS = (
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
)
TEMPLATES = {
    "SmolLM2": (
        "{% if messages[0].role != 'system' %}<|im_start|>system\nA helpful AI<|im_end|>\n{% endif %}"
        "{% for m in messages %}" + _CHATML + "{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    ),
    "Qwen2.5": (
        "{% for m in messages %}{% if m.role == 'tool' %}"
        "<|im_start|>user\n<tool_response>\n{{ m.content }}\n</tool_response><|im_end|>\n"
        "{% else %}" + _CHATML + "{% endif %}{% endfor %}{{ '<|im_start|>assistant\n' }}"
    ),
    "Qwen3": (
        "{% for m in messages %}{% if m.role == 'assistant' %}"
        "<|im_start|>assistant\n{{ m.content.split('</think>')[-1].lstrip('\n') }}<|im_end|>\n"
        "{% else %}" + _CHATML + "{% endif %}{% endfor %}{{ '<|im_start|>assistant\n<think>\n' }}"
    ),
    "Llama 3": (
        "<|begin|>{% for m in messages %}{% if m.role == 'system' and not loop.first %}"
        "{{ raise_exception('the system speaks first') }}{% endif %}"
        "<|start_header|>{{ 'ipython' if m.role == 'tool' else m.role }}<|end_header|>\n\n{{ m.content | trim }}<|eot|>"
        "{% endfor %}{{ '<|start_header|>assistant<|end_header|>\n\n' }}"
    ),
    "Mistral": (
        "{% for m in messages %}"
        + _BY_TURNS
        + "{% if m.role == 'user' %}[INST] {{ m.content }}[/INST]"
        + "{% elif m.role == 'assistant' %} {{ m.content }}</s>"
        + "{% else %}{{ raise_exception('only user and assistant') }}{% endif %}{% endfor %}"
    ),
    "Gemma": (
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{% for m in messages %}" + _BY_TURNS + "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
        "{{ m.content | trim }}<end_of_turn>\n{% endfor %}{{ '<start_of_turn>model\n' }}"
    ),
}
CONTROL = {
    "Llama 3": ["<|begin|>", "<|start_header|>", "<|end_header|>", "<|eot|>"],
    "Mistral": ["[INST]", "[/INST]", "</s>"],
    "Gemma": ["<start_of_turn>", "<end_of_turn>"],
    "Qwen3": ["<think>", "</think>", "<|im_start|>", "<|im_end|>"],
}


@pytest.fixture(scope="session", params=list(TEMPLATES))
def family(request, make_tokenizer):
    name = request.param
    control = CONTROL.get(name, ["<|im_start|>", "<|im_end|>"])
    return ChatEncoder(make_tokenizer(TEMPLATES[name], control)), name


def chat(count):
    made = [{"role": "system", "content": "Be brief.\n\nTools: {}"}]
    for number in range(count):
        made += [
            {"role": "user", "content": f" Room {number} holds a lamp,\nand a desk. "},
            {"role": "assistant", "content": f"<action>go to desk {number}</action>"},
            {"role": "tool", "content": f"Add_memory: stored 'desk {number}'."},
        ]
    return [*made, {"role": "user", "content": "And now?"}]


def whole(encoder, messages):
    """The prompt as the tokenizer encodes its text as a whole."""
    from agemem_gym.chat.turns import turns

    return encoder._tokenizer.encode(encoder._render(turns(messages, encoder.rules)), add_special_tokens=False)


def odd_ids(encoder, text):
    """Tokens for a text that the tokenizer itself would never choose: one for each byte."""
    return [token for character in text for token in encoder._encode(character).tolist()]


def contains(ids, part):
    text, wanted = " ".join(map(str, ids)), " ".join(map(str, part))
    return f" {wanted} " in f" {text} "


def test_pieces_are_encoded_as_the_whole_text_is(family):
    encoder, _ = family
    for count in range(4):
        assert encoder.prompt(chat(count)).tolist() == whole(encoder, chat(count))


def test_each_message_is_encoded_once(family):
    encoder, name = family
    for count in range(5, 9):
        encoder.prompt(chat(count))
    before = encoder.encoded
    longer = [*chat(9)[:-1], {"role": "user", "content": "Something new."}]
    encoder.prompt(chat(8))
    assert encoder.encoded == before
    encoder.prompt(longer)
    new = sum(len(message["content"]) for message in longer[-4:])
    assert encoder.encoded - before < new + 120, name


def test_a_sampled_reply_keeps_its_tokens(family):
    encoder, name = family
    messages, replies = chat(3), Replies()
    said = messages[5]["content"]
    ids = odd_ids(encoder, said)
    replies.add(said, ids)
    prompt = encoder.prompt(messages, replies).tolist()
    assert contains(prompt, ids), name
    assert encoder.vocabulary.text(prompt) == encoder.vocabulary.text(encoder.prompt(messages).tolist())
    assert len(prompt) > len(encoder.prompt(messages))


def test_a_prompt_goes_on_from_the_prompt_and_reply_before_it(family):
    encoder, name = family
    replies = Replies()
    messages = chat(1)
    before = encoder.prompt(messages, replies)
    said = "I think so.</think>\n<answer>a lamp</answer>" if encoder.thinking else "<answer>a lamp</answer>"
    ids = odd_ids(encoder, said) if not encoder.thinking else [*encoder._encode(said)]
    replies.add(said, ids)
    messages += [{"role": "assistant", "content": said}, {"role": "user", "content": "Go on."}]
    after = encoder.prompt(messages, replies)
    if name == "Qwen3":  # whose thoughts leave the history: the answer's tokens stay
        assert contains(after.tolist(), ids[-4:])
        assert "I think so" not in encoder.vocabulary.text(after.tolist())
    elif name == "Mistral":  # which puts a space before a reply that has been
        assert after[len(before) :][1 : 1 + len(ids)].tolist() == ids
    else:
        assert after[: len(before) + len(ids)].tolist() == [*before.tolist(), *ids]


def test_thoughts_leave_the_history_and_the_rest_keeps_its_tokens(make_tokenizer):
    encoder = ChatEncoder(make_tokenizer(TEMPLATES["Qwen3"], CONTROL["Qwen3"]))
    assert encoder.thinking
    replies = Replies()
    answer = odd_ids(encoder, "<answer>a lamp</answer>")
    ids = [*encoder._encode("So it is.</think>\n\n"), *answer]
    replies.add("So it is.</think>\n\n<answer>a lamp</answer>", ids)
    messages = [
        {"role": "user", "content": "What?"},
        {"role": "assistant", "content": "So it is.</think>\n\n<answer>a lamp</answer>"},
        {"role": "user", "content": "Sure?"},
    ]
    assert contains(encoder.prompt(messages, replies).tolist(), answer)


def test_replies_that_a_template_joins_keep_their_tokens(make_tokenizer):
    encoder = ChatEncoder(make_tokenizer(TEMPLATES["Mistral"], CONTROL["Mistral"]))
    replies = Replies()
    one, two = "<action>look</action>", "<action>go to desk 1</action>"
    for said in (one, two):
        replies.add(said, odd_ids(encoder, said))
    messages = [
        {"role": "user", "content": "Begin."},
        {"role": "assistant", "content": one},
        {"role": "assistant", "content": two},
        {"role": "user", "content": "Well?"},
    ]
    prompt = encoder.prompt(messages, replies).tolist()
    assert contains(prompt, odd_ids(encoder, one))
    assert contains(prompt, odd_ids(encoder, two))


def test_what_the_user_quotes_is_not_taken_for_a_reply(make_tokenizer):
    encoder = ChatEncoder(make_tokenizer())
    replies = Replies()
    said = "<action>look</action>"
    ids = odd_ids(encoder, said)
    replies.add(said, ids)
    quoted = [{"role": "user", "content": f"Say {said} to look."}]
    assert encoder.prompt(quoted, replies).tolist() == encoder.prompt(quoted).tolist()
    replied = [*quoted, {"role": "assistant", "content": said}, {"role": "user", "content": said}]
    prompt = encoder.prompt(replied, replies).tolist()
    assert contains(prompt, ids)
    assert len(prompt) == len(encoder.prompt(replied)) + len(ids) - len(encoder._encode(said))


def test_lone_surrogates_are_no_error(make_tokenizer):
    assert len(ChatEncoder(make_tokenizer()).prompt([{"role": "user", "content": "a \ud800 b"}]))


def test_a_tokenizer_without_a_template_is_refused_and_one_may_be_given(make_tokenizer):
    tokenizer = make_tokenizer(None)
    with pytest.raises(ConfigurationError, match="no chat template"):
        ChatEncoder(tokenizer)
    encoder = ChatEncoder(tokenizer, TEMPLATES["Gemma"])
    assert "Be brief." in encoder.vocabulary.text(encoder.prompt(chat(1)).tolist())


def test_a_tokenizer_that_joins_across_control_tokens_is_given_whole_texts(make_tokenizer):
    """Such as one that begins every text with a mark of its own."""
    from tokenizers import processors

    tokenizer = make_tokenizer()
    plain = ChatEncoder(tokenizer).prompt(chat(2)).tolist()
    tokenizer.backend_tokenizer.post_processor = processors.Sequence([])
    tokenizer.encode_plain, tokenizer.encode = tokenizer.encode, lambda text, **_: [2, *tokenizer.encode_plain(text)]
    assert ChatEncoder(tokenizer).prompt(chat(2)).tolist() == [2, *plain]


@pytest.fixture(scope="module")
def vocabulary(make_tokenizer):
    return Vocabulary(make_tokenizer())


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("<answer>Paris</answer>", True),
        ("<answer>Paris</answer", False),
        ("<tool_call>[]</tool_call>", True),
        ("<action>look</action>", True),
        ("<think>I say </answer> later.", False),
        ("<think>I say </answer> later.</think><answer>so</answer>", True),
        ("2 > 1", False),
    ],
)
def test_a_reply_ends_at_its_first_closing_tag_outside_of_thoughts(vocabulary, text, end):
    ids = vocabulary._tokenizer.encode(text, add_special_tokens=False)
    ended = [StopTexts(vocabulary)(ids[:length]) for length in range(1, len(ids) + 1)]
    assert ended == [False] * (len(ids) - 1) + [end]
    assert StopTexts(vocabulary).kept(f"{text} and more") == (text if end else f"{text} and more")


def test_a_user_s_stop_text_is_cut_off_and_a_closing_tag_is_not(vocabulary):
    stop = StopTexts(vocabulary, cut=("\nObservation:", "é"))
    assert stop.kept("<action>look\nObservation: a room") == "<action>look"
    assert stop.kept("<action>a</action>\nObservation: b") == "<action>a</action>"
    ids = vocabulary._tokenizer.encode("un café", add_special_tokens=False)
    assert [stop(ids[: n + 1]) for n in range(len(ids))] == [False] * (len(ids) - 1) + [True]


def test_a_prompt_that_opens_a_thought_makes_the_reply_begin_in_it(vocabulary):
    stop = StopTexts(vocabulary, thinking=True)
    assert (
        stop.kept("say </answer> later</think><answer>x</answer> y") == "say </answer> later</think><answer>x</answer>"
    )
    assert stop.kept("say </answer> later") == "say </answer> later"


def test_ids_are_numpy_arrays_of_64_bits(family):
    assert family[0].prompt(chat(1)).dtype == np.int64
