"""``benchmarks/reward_audit.py``: what it checks, whom its search picks, and that it runs."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from agemem_gym.registration import BENCHMARKS

BENCHMARK_FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def audit(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARK_FOLDER)
    return importlib.import_module("reward_audit")


def scored(audit, value, success=False, **others):
    return audit.Scored(success, {name: others.get(name, value) for name in audit.RETURNS})


def lines(audit, **policies):
    made = {"perfect": [scored(audit, 1.0, True)], "store_all": [scored(audit, 0.95, True)], **policies}
    return [audit.Line("X", name.replace("store_all", "store-all"), tuple(found)) for name, found in made.items()]


def test_what_is_earned_without_success_is_held_against_store_all(audit):
    assert list(audit.failures(lines(audit, clerk=[scored(audit, 0.33)]))) == []  # 0.35 of 0.95
    found = list(audit.failures(lines(audit, clerk=[scored(audit, 0.3, strict=0.34)])))
    assert found == ["X, strict: clerk gets 0.340 without success, more than 0.332"]
    solved = [scored(audit, 1.0, True), scored(audit, 0.1)]
    assert list(audit.failures(lines(audit, hoarder=solved))) == []  # what it solved is its own
    assert list(audit.failures(lines(audit, explorer=[scored(audit, 0.9)]))) == []  # an honest agent
    paper = [scored(audit, 0.1, paper=0.9)]
    assert list(audit.failures(lines(audit, clerk=paper))) == []  # known, printed, and not to be mended


def test_store_all_has_to_come_near_the_perfect_agent(audit):
    found = list(audit.failures(lines(audit, store_all=[scored(audit, 0.89, True)])))
    assert [text.partition(":")[0] for text in found] == ["X, strict", "X, strict, gated"]


def test_the_search_picks_the_best_template_of_two_rounds_for_each_return(audit):
    played = []

    class Player:
        """The more often a template adds what was said, the more it earns; the paper pays for every other part, too."""

        def play(self, agent, seeds, name=""):
            adds = sum(str(part) == "hear: ADD '{message}'" for part in agent._parts)
            played.append(tuple(seeds))
            strict, paper = adds / 10, len(agent._parts) / 10
            return tuple(scored(audit, strict, paper=paper) for _ in seeds)

    best = audit.best_templates(Player(), 80)
    assert len(played) < 80 + 5 * 10 + 1  # the second round is for the best eighth under each return
    of_paper, of_strict = (
        next(parts for names, parts in best.items() if name in names) for name in ("paper", "strict")
    )
    assert len(of_paper) == 6
    assert sum(str(part) == "hear: ADD '{message}'" for part in of_strict) >= 1


def test_rows_hold_each_return_its_interval_and_what_was_earned_without_success(audit):
    rows = {row.name: row for row in audit.rows_of(lines(audit, clerk=[scored(audit, 0.2), scored(audit, 0.3)]))}
    strict = rows["X · clerk · strict"]
    assert (strict.ours, strict.peer, strict.peer_name, strict.n) == (pytest.approx(0.25), 0.95, "store-all", 2)
    assert strict.low <= strict.ours <= strict.high
    assert rows["X · clerk · strict, unsolved"].ratio == pytest.approx(0.25 / 0.95)


def test_a_small_audit_runs_as_it_is(audit, monkeypatch, capsys):
    names = ("perfect", "store-all", "wiper", "clerk", "no-op farmer")
    monkeypatch.setattr(audit, "POLICIES", {name: audit.POLICIES[name] for name in names})
    benchmark = next(b for b in BENCHMARKS if b.name == "HotpotQA")
    found = audit.audit(benchmark, 1, 8, "hash")
    assert [line.policy for line in found][: len(names)] == list(names)
    assert all(line.template for line in found[len(names) :])
    by_name = {line.policy: line for line in found}
    assert by_name["perfect"].figure("strict").value > 0.9
    assert by_name["no-op farmer"].figure("strict").value == 0.0
    audit.print_tables(found, SimpleNamespace(print=lambda *a, **k: print(*a)))


def test_agents_with_other_keywords_get_another_env(audit):
    benchmark = next(b for b in BENCHMARKS if b.name == "BabyAI")
    player = audit.Player(benchmark, "hash")
    sees = {}

    class Looks:
        def __init__(self, shown):
            self.env_kwargs = {"info_admissible": shown}

        def reset(self, info):
            self.shown = self.env_kwargs["info_admissible"]

        def act(self, obs, info):
            sees.setdefault(self.shown, "admissible" in info)
            return "<answer>x</answer>"

    for shown in (False, True):
        player.play(Looks(shown), [0])
    player.close()
    assert sees == {False: False, True: True}
