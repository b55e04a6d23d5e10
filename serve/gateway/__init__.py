"""The gateway: one OpenAI-compatible address in front of all models."""
