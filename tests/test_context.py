"""STM: tokens, SUMMARY, FILTER, protection, snapshots."""

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agemem_gym.context import Context, Edit, replayed
from agemem_gym.memory.tokens import make_token_counter
from agemem_gym.summariser import extractive_summary, make_summariser


def words(text):
    return len(text.split())


def filled(*contents):
    context = Context(50, words)
    context.append("system", "be good", kind="system", protected=True)
    context.append("user", "the task", kind="task", protected=True)
    for content in contents:
        context.append("user", content, kind="observation")
    return context


def contents(context):
    return [message.content for message in context]


def overlap(criteria, texts):
    return np.array([float(criteria in text) for text in texts])


def test_tokens_are_counted_once_per_message():
    counted = []
    context = Context(10, lambda text: counted.append(text) or 1)
    for text in ("a", "b", "c"):
        context.append("user", text, kind="observation")
    assert (counted, context.tokens) == (["a", "b", "c"], 3)


def test_exactly_the_budget_is_no_overflow():
    context = Context(3, words)
    context.append("user", "one two three", kind="observation")
    assert not context.overflowed
    context.append("user", "four", kind="observation")
    assert context.overflowed


def test_summary_all_keeps_system_and_task():
    context = filled("a b c d e", "f g h i j")
    replaced = context.summarise(None, lambda messages: "+".join(message.content[0] for message in messages))
    assert [message.content for message in replaced] == ["a b c d e", "f g h i j"]
    assert contents(context) == ["be good", "the task", "[Summary of 2 earlier messages] a+f"]
    assert list(context)[-1].sources == tuple(message.id for message in replaced)


def test_summary_of_n_takes_the_last_n_and_stands_in_their_place():
    context = filled("a", "b b b b", "c c c c", "d")
    last = list(context)[-1]
    context.summarise(2, lambda messages: "s", keep=(last.id,))
    assert contents(context) == ["be good", "the task", "a", "[Summary of 2 earlier messages] s", "d"]


def test_a_summary_that_would_not_be_shorter_is_cut_or_not_made():
    context = filled("a a a a a", "b b b b b")
    before = context.tokens
    assert context.summarise(None, lambda messages: "one two three four five six seven")
    assert contents(context)[-1] == "[Summary of 2 earlier messages] one two three four…"
    assert context.tokens == before - 1
    small = filled("a", "b")
    assert small.summarise(None, lambda messages: "s") == ()
    assert contents(small) == ["be good", "the task", "a", "b"]


def test_summary_of_nothing_changes_nothing():
    context = filled()
    assert context.summarise(None, lambda messages: "s") == ()
    assert contents(context) == ["be good", "the task"]


def test_filter_drops_what_matches_and_never_the_protected():
    context = filled("task noise", "useful")
    dropped = context.filter("task", overlap, 0.6)
    assert [(message.content, score) for message, score in dropped] == [("task noise", 1.0)]
    assert contents(context) == ["be good", "the task", "useful"]


@pytest.mark.parametrize(("score", "dropped"), [(0.6, True), (np.nextafter(0.6, 0), False)])
def test_filter_drops_from_the_threshold_on(score, dropped):
    context = filled("a")
    assert bool(context.filter("x", lambda criteria, texts: np.array([score]), 0.6)) is dropped


def test_restore_brings_back_messages_tokens_and_numbering():
    context = filled("a", "b")
    snapshot = context.snapshot()
    rendered, tokens = context.render(), context.tokens
    context.summarise(None, lambda messages: "s")
    context.append("user", "c", kind="observation")
    context.restore(snapshot)
    assert (context.render(), context.tokens) == (rendered, tokens)
    assert context.append("user", "d", kind="observation").id == 5


def test_the_chat_list_is_the_callers_own_and_its_messages_are_read_only():
    context = filled("a")
    chat = context.chat()
    assert chat[-1] == {"role": "user", "content": "a"}
    with pytest.raises(TypeError, match="read-only"):
        chat[0]["content"] = "hacked"
    with pytest.raises(TypeError, match="read-only"):
        chat[0] |= {"content": "hacked"}
    assert json.loads(json.dumps(chat)) == pickle.loads(pickle.dumps(chat)) == copy.deepcopy(chat) == chat
    chat.clear()
    assert len(context.chat()) == 3


def test_from_its_edits_the_context_is_made_again():
    context, edits, messages = Context(1000, lambda text: len(text.split())), [], {}

    def listen(removed, added, at):
        edits.append(Edit(removed, added.id if added else None, at))
        if added:
            messages[added.id] = added

    context.listener = listen
    for number in range(8):
        context.append("user", f"text {number}", kind="observation", protected=number == 1)
    context.append("user", "at the start", kind="distractor", at=0)
    context.summarise(3, lambda span: "short", keep=(8,))
    context.append("user", "in between", kind="distractor", at=2)
    context.summarise(None, lambda span: "shorter")
    context.append("user", "a long message that has to be cut", kind="observation")
    context.shorten(context.messages()[-1].id, 4, " …")
    assert replayed(edits, messages) == list(context)
    assert [message.content for message in context][-1] == "a long message …"
    context.token_budget = context.tokens - 1
    context.fit()
    assert replayed(edits, messages) == list(context)
    assert [message.content for message in context] == ["text 1", "a long message …"]


_OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.text(max_size=20)),
        st.tuples(st.just("summarise"), st.none() | st.integers(1, 4)),
        st.tuples(st.just("filter"), st.text(max_size=2)),
    ),
    max_size=30,
)


@given(_OPERATIONS)
def test_tokens_render_and_protection_hold_under_any_operations(operations):
    context = filled()
    for operation, value in operations:
        if operation == "append":
            context.append("user", value, kind="observation")
        elif operation == "summarise":
            context.summarise(value, lambda messages: f"{len(messages)} things")
        else:
            context.filter(value, overlap, 0.5)
        assert context.tokens == sum(words(text) for text in contents(context))
        assert context.render() == "\n\n".join(f"[{m.role}] {m.content}" for m in context)
        assert contents(context)[:2] == ["be good", "the task"]
        ids = [message.id for message in context]
        assert len(set(ids)) == len(ids)


def test_the_extractive_summary_keeps_order_and_length():
    context = filled(
        "The red key is in the kitchen. The weather is nice.", "The red key opens the red door of the kitchen."
    )
    summary = extractive_summary(list(context), words=10)
    assert "red key" in summary
    assert len(summary.split()) <= 10


def test_the_extractive_summary_of_one_long_sentence_is_cut():
    context = filled(" ".join(f"word{i}" for i in range(500)))
    assert len(extractive_summary(list(context)[2:], words=50).split()) == 50


@given(st.lists(st.text(), max_size=5))
def test_the_extractive_summary_takes_any_text(texts):
    summary = make_summariser("extractive")(list(filled(*texts)))
    assert summary


@given(st.lists(st.tuples(st.text(max_size=30), st.none() | st.integers(0, 3)), max_size=40), st.integers(1, 200))
def test_the_end_of_the_rendered_context_is_the_end_of_the_whole(texts, limit):
    context = Context(1000, words)
    for number, (text, at) in enumerate(texts):
        context.append("user", text, kind="observation", at=None if at is None else min(at, len(context)))
        if number % 9 == 8:
            context.remove([context.messages()[number % 4].id])
        assert context.render(limit) == context.render()[-limit:]


CHATML = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|> system\nhelp <|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|> {{ message['role'] }}\n{{ message['content'] }} <|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|> assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}[B] "
    "{% for message in messages %}[ {{ message['role'] }} ] {{ message['content'] }} {% endfor %}"
    "{% if add_generation_prompt %}[ assistant ] {% endif %}"
)


@pytest.mark.parametrize("template", [CHATML, NO_SYSTEM, None], ids=["chatml", "no-system", "no-template"])
def test_a_models_tokenizer_counts_what_its_template_adds(template, tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel({"?": 0}, unk_token="?"))
    model.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=model, unk_token="?")
    tokenizer.chat_template = template
    tokenizer.save_pretrained(tmp_path)
    context = Context(1000, make_token_counter(f"hf:{tmp_path}", None))
    for role, text in (
        ("system", "be good and kind"),
        ("user", "where is it ?"),
        ("assistant", "here"),
        ("user", "thanks"),
    ):
        context.append(role, text, kind="observation", protected=role == "system")
    if template is None:
        assert context.tokens == 10
        return
    messages = [dict(message) for message in context.chat()]
    if template is NO_SYSTEM:  # what a template refuses goes into the first user message
        messages = [{"role": "user", "content": f"{messages[0]['content']} {messages[1]['content']}"}, *messages[2:]]
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert context.tokens == len(tokenizer.encode(prompt, add_special_tokens=False))
