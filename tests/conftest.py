"""What holds for every tier: random examples have no deadline of their own, for machines differ and are shared."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("podium", deadline=None)
settings.load_profile("podium")
