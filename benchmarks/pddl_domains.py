"""Other people's PDDL: how many domains of a folder load, and agree at every step with a naive executor.

``python benchmarks/pddl_domains.py …/classical-domains/classical`` takes a clone of AI-Planning/classical-domains; the first
problem of each folder with a ``domain.pddl`` is played along the planner's plan, or along a random walk where it finds none.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "envs" / "pddl"))

from domains_of_a_folder import outcomes


def main() -> int:
    """Print a line a domain, and the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder of folders with domain.pddl and problems")
    found = []
    for outcome in outcomes(parser.parse_args().folder):
        found.append(outcome)
        print(outcome, flush=True)
    agree = [outcome.agreement for outcome in found if outcome.agreement is not None]
    planned = sum(agreement.planned for agreement in agree)
    refused, differ = sum(bool(o.refusal) for o in found), sum(bool(o.difference) for o in found)
    print(
        f"\n{len(agree)} of {len(found)} load and agree ({planned} along a plan, {len(agree) - planned} along a random walk); "
        f"{refused} are refused with a sentence, {differ} differ"
    )
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
