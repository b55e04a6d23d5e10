"""Metrics: pure functions `(truth, prediction) -> float`, one file a family, named by the field's terms."""
