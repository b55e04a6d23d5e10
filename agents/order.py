"""What an agent actor is asked: one attempt at one trial, with everything it needs named."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from podium.brief import Brief
from podium.spec import Spec, TrialSpec


class AttemptOrder(Spec):
    """One attempt. Made by the driver; paths are absolute and shared by driver and agent hosts."""

    trial: TrialSpec
    brief: Brief
    agent_class: str
    """`module:Class` of the agent."""
    attempt_dir: Path
    """`attempts/<n>` of the trial, already made."""
    data: Path
    """The task's public directory."""
    scratch: Path
    base_url: str
    """OpenAI-compatible address ending in `/v1`."""
    api_key: str = Field(repr=False)
    """The trial's own key. Orders travel between actors of one trust domain only and are never written down."""
    model: str
    """Name of the model at that address."""
    validator: str
    """Base URL of the grader's `/validate`."""
