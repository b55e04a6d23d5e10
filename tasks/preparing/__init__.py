"""How the data of MLE-bench's competitions come to be, and how answers are kept apart from them."""

from tasks.preparing.preparation import NotPrepared, Tell, Ways, by_the_benchmark, prepare
from tasks.preparing.separation import pending, separate

__all__ = ["NotPrepared", "Tell", "Ways", "by_the_benchmark", "pending", "prepare", "separate"]
