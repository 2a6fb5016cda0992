"""Messages fit the templates of real families: each one's demands are found by trying, and nothing said is lost.

The templates below are written for these tests, after what the families' own ones do.
"""

import json
import random

import pytest

from agemem_gym.chat.turns import ENDPOINT, TemplateRules, renderer, template_rules, turns
from agemem_gym.errors import ConfigurationError
from agemem_gym.protocol import call_reply

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SMOLLM2 = "{% if messages[0].role != 'system' %}<|im_start|>system\nA helpful AI<|im_end|>\n{% endif %}" + CHATML

_QWEN_CALLS = (
    "{% if m.tool_calls %}{% for c in m.tool_calls %}\n<tool_call>\n"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}{% endif %}'
)
QWEN25 = (
    "{% if messages[0].role == 'system' %}<|im_start|>system\n{{ messages[0].content }}<|im_end|>\n{% endif %}"
    "{% for m in messages %}"
    "{% if m.role == 'user' or (m.role == 'system' and not loop.first) %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
    "{% elif m.role == 'assistant' %}<|im_start|>assistant\n{{ m.content }}" + _QWEN_CALLS + "<|im_end|>\n"
    "{% elif m.role == 'tool' %}<|im_start|>user\n<tool_response>\n{{ m.content }}\n</tool_response><|im_end|>\n"
    "{% endif %}{% endfor %}<|im_start|>assistant\n"
)
QWEN3 = (
    QWEN25.replace("{{ m.content }}" + _QWEN_CALLS, "{{ m.content.split('</think>')[-1] }}" + _QWEN_CALLS) + "<think>\n"
)
LLAMA3 = (
    "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set messages = messages[1:] %}"
    "{% else %}{% set system = '' %}{% endif %}"
    "<|start_header_id|>system<|end_header_id|>\n\n{{ system }}<|eot_id|>"
    "{% for m in messages %}{% if m.tool_calls %}"
    "{% if m.tool_calls | length != 1 %}{{ raise_exception('This model only supports single tool-calls at once!') }}{% endif %}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
    '{"name": "{{ m.tool_calls[0].function.name }}", "parameters": {{ m.tool_calls[0].function.arguments | tojson }}}<|eot_id|>'
    "{% elif m.role == 'tool' %}<|start_header_id|>ipython<|end_header_id|>\n\n{{ m.content }}<|eot_id|>"
    "{% elif m.role == 'system' %}{{ raise_exception('system messages stand first') }}"
    "{% else %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content }}<|eot_id|>{% endif %}{% endfor %}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
MISTRAL = (
    "{% if messages[0].role == 'system' %}{% set system = messages[0].content + '\n\n' %}{% set messages = messages[1:] %}"
    "{% else %}{% set system = '' %}{% endif %}"
    "{% set ns = namespace(index=0, first=true) %}"
    "{% for m in messages %}{% if m.role == 'user' or (m.role == 'assistant' and not m.tool_calls) %}"
    "{% if (m.role == 'user') != (ns.index % 2 == 0) %}{{ raise_exception('roles must alternate user/assistant') }}{% endif %}"
    "{% set ns.index = ns.index + 1 %}{% endif %}{% endfor %}"
    "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ (system if ns.first else '') + m.content }}[/INST]"
    "{% set ns.first = false %}"
    "{% elif m.tool_calls %}[TOOL_CALLS][{% for c in m.tool_calls %}"
    "{% if c.id is not defined or c.id | length != 9 %}{{ raise_exception('call ids have nine characters') }}{% endif %}"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}, "id": "{{ c.id }}"}{% endfor %}]</s>'
    "{% elif m.role == 'tool' %}"
    "{% if m.tool_call_id | default('') | length != 9 %}{{ raise_exception('a result needs an id') }}{% endif %}"
    '[TOOL_RESULTS]{"content": "{{ m.content }}", "call_id": "{{ m.tool_call_id }}"}[/TOOL_RESULTS]'
    "{% elif m.role == 'assistant' %} {{ m.content }}</s>"
    "{% else %}{{ raise_exception('only user, assistant and tool') }}{% endif %}{% endfor %}"
)
GEMMA = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
    "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "<start_of_turn>model\n"
)

TEMPLATES = {
    "SmolLM2": SMOLLM2,
    "Qwen2.5": QWEN25,
    "Qwen3": QWEN3,
    "Llama 3": LLAMA3,
    "Mistral": MISTRAL,
    "Gemma": GEMMA,
}


@pytest.mark.parametrize(
    ("family", "text", "native"),
    [
        ("SmolLM2", TemplateRules("keep", False, "tool"), TemplateRules("keep", False, "tool")),
        ("Qwen2.5", TemplateRules("keep", False, "tool"), TemplateRules("keep", False, "native", "object")),
        ("Qwen3", TemplateRules("keep", False, "tool"), TemplateRules("keep", False, "native", "object")),
        (
            "Llama 3",
            TemplateRules("merge", False, "tool"),
            TemplateRules("merge", False, "native", "object", single_call=True, text_with_calls=False),
        ),
        (
            "Mistral",
            TemplateRules("merge", True, "user"),
            TemplateRules("merge", True, "native", "object", text_with_calls=False),
        ),
        ("Gemma", TemplateRules("user", True, "user"), TemplateRules("user", True, "user")),
    ],
)
def test_the_demands_of_a_template_are_found_by_trying(family, text, native):
    assert template_rules(TEMPLATES[family]) == text
    assert template_rules(TEMPLATES[family], native=True) == native


def random_chat(rng, thoughts=True):
    """What a context may hold after SUMMARY and FILTER: anything, in any order, results without calls among them."""
    number = 0
    chat = [{"role": "system", "content": "said 0."}] if rng.random() < 0.8 else []
    for _ in range(rng.randrange(1, 12)):
        number += 1
        role = rng.choice(("system", "user", "user", "assistant", "call", "call", "tool"))
        if role != "call":
            chat.append({"role": role, "content": f"said {number}."})
            continue
        count = rng.choice((1, 1, 2))
        calls = [("Add_memory", {"content": f"said {number + offset}."}) for offset in range(count)]
        think = f"said 9{number}." if thoughts and rng.random() < 0.5 else None
        chat.append({"role": "assistant", "content": call_reply(*calls, think=think)})
        for _ in range(rng.choice((count, count, 0, 1))):
            number += 1
            chat.append({"role": "tool", "content": f"Add_memory: said {number + count}."})
        number += count
    return chat


def words_of(chat):
    return sorted({word for message in chat for word in said(message["content"])})


def said(text):
    return {f"said {part.split('.')[0]}." for part in text.split("said ")[1:]}


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("family", TEMPLATES)
def test_any_context_fits_and_nothing_of_it_is_lost(family, native):
    render = renderer(TEMPLATES[family])
    rules = template_rules(TEMPLATES[family], native=native)
    rng = random.Random(f"{family} {native}")
    for _ in range(200):
        chat = random_chat(rng, thoughts=family != "Qwen3")  # whose template leaves earlier thoughts out
        if all(message["role"] == "system" for message in chat):
            continue
        text = render(turns(chat, rules))
        for word in words_of(chat):
            assert word in text, (chat, text)


def test_results_stand_under_the_ids_of_their_calls():
    chat = [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": call_reply(("A", {"x": 1}), ("B", {}), think="hm")},
        {"role": "tool", "content": "A: one"},
        {"role": "tool", "content": "B: two"},
        {"role": "user", "content": "You see a key."},
    ]
    user, called, first, second, last = turns(chat, ENDPOINT)
    assert [call["function"]["name"] for call in called["tool_calls"]] == ["A", "B"]
    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == {"x": 1}
    assert called["content"] == "<think>hm</think>"
    assert [first["tool_call_id"], second["tool_call_id"]] == [call["id"] for call in called["tool_calls"]]
    assert first["tool_call_id"] != second["tool_call_id"]
    assert (user["role"], last["role"]) == ("user", "user")


def test_a_result_whose_call_is_gone_is_said_by_the_user():
    chat = [{"role": "user", "content": "Go."}, {"role": "tool", "content": "A: one"}]
    for role in ("native", "tool", "user"):
        assert [message["role"] for message in turns(chat, TemplateRules(tool_role=role))] == ["user", "user"]


def test_a_call_whose_result_is_gone_stays_text():
    chat = [
        {"role": "assistant", "content": call_reply(("A", {}), ("B", {}))},
        {"role": "tool", "content": "A: one"},
    ]
    made = turns(chat, ENDPOINT)
    assert "tool_calls" not in made[0]
    assert made[1] == {"role": "user", "content": "A: one"}


def test_the_messages_given_are_not_changed():
    chat = [{"role": "system", "content": "a"}, {"role": "system", "content": "b"}, {"role": "user", "content": "c"}]
    before = json.dumps(chat)
    assert turns(chat, TemplateRules(system="user", alternate=True)) == [{"role": "user", "content": "a\n\nb\n\nc"}]
    assert json.dumps(chat) == before


def test_a_tokenizer_of_transformers_is_asked_for_its_template():
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, unk_token="a"))
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=model)
    for family, template in TEMPLATES.items():
        tokenizer.chat_template = template
        for native in (False, True):
            assert template_rules(tokenizer, native=native) == template_rules(template, native=native), family


def test_what_is_no_template_is_refused():
    with pytest.raises(ConfigurationError, match="does not render"):
        template_rules("{{ raise_exception('no') }}")
    with pytest.raises(ConfigurationError, match="chat template, a tokenizer or a function"):
        template_rules(3)
    with pytest.raises(ConfigurationError, match="did you mean 'merge'"):
        TemplateRules(system="merged")
