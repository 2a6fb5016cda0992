"""Other people's domains: the first problem of each of the 111 folders of AI-Planning/classical-domains that have one domain.

None of the files is part of this project. ``CLASSICAL_DOMAINS_PATH=…/classical-domains/classical pytest -m slow`` runs them.
"""

import os
from pathlib import Path

import pytest
from domains_of_a_folder import folders, outcome

ROOT = Path(os.environ.get("CLASSICAL_DOMAINS_PATH", ""))
REFUSED = {
    "agricola-sat18": "more than max_ground=100000 actions can be reached",
    "blocks-3op": "the goal is empty",
}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not os.environ.get("CLASSICAL_DOMAINS_PATH"), reason="CLASSICAL_DOMAINS_PATH names no folder")
def test_all_but_a_known_few_load_and_agree_with_the_naive_executor():
    found = [outcome(folder) for folder in folders(ROOT)]
    assert len(found) == 111
    assert {o.name: o.difference for o in found if o.difference} == {}
    refused = {o.name: o.refusal for o in found if o.refusal}
    assert set(refused) <= set(REFUSED)
    for name, sentence in refused.items():
        assert REFUSED[name] in sentence
