"""Everything that acts or learns: scripted agents, LLM agents, memory baselines and GRPO."""
