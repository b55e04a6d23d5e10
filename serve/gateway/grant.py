"""What a trial's key allows."""

from __future__ import annotations

from pydantic import Field

from podium.spec import Spec
from serve.tapes.tape import TapeSpec


class Grant(Spec):
    """One key, known by its hash, and what may be asked with it. A budget that is None is not bounded."""

    trial_id: str
    key_hash: str = Field(pattern="^[0-9a-f]{64}$")
    """SHA-256 of the key, as hex."""
    models: tuple[str, ...]
    """Which models may be named; a fallback of one of these is the catalogue's affair."""
    tokens: int | None = Field(None, ge=0)
    """Prompt and completion tokens altogether."""
    cost: float | None = Field(None, ge=0, allow_inf_nan=False)
    """USD altogether, by the catalogue's prices."""
    requests: int | None = Field(None, ge=0)
    """Requests that a model answered."""
    rate: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Requests a minute, over which the trial is told to wait."""
    tape: TapeSpec | None = None
    """Recordings of the trial; None: none."""
