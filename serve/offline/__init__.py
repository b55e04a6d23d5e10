"""The offline model: no LLM, but a program that answers agents' prompts by rule, from what they say alone."""
