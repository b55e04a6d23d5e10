"""The nouns of Podium: what is asked, what happened, where it lies. Pydantic and the standard library only."""

__version__ = "0.1.0"
