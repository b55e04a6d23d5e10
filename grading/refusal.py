"""`InvalidSubmission`: what is said of a submission that cannot be graded."""

from __future__ import annotations

from podium.errors import PodiumError


class InvalidSubmission(PodiumError):
    """The submission is at fault; the message says what is wrong and gives no answer away."""
