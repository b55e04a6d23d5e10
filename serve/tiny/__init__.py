"""Tiny models in Qwen3's architectures, made here in about a minute, without a hub: what the tests serve."""
