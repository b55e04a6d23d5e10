"""Recordings of what models were asked and answered, and what answers from them."""
