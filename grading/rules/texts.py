"""Rules of competitions that ask for a text or a sequence: edit distances, and Jaccard indices of words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from grading.metrics.lists import Lists, Tokens, numbered
from grading.metrics.text import jaccard, levenshtein, token_error_rate
from grading.refusal import InvalidSubmission
from grading.rules import cells as cell
from grading.rules.keyed import Keyed
from grading.table import TableColumn


@dataclass(frozen=True, kw_only=True)
class EditDistance(Keyed[list[str]]):
    """Mean Levenshtein distance of texts; a column read as numbers or truth values, or with gaps, has no score."""

    printed: bool = False
    """Any column will do: numbers as they print, a missing cell as the text nan."""

    def read(self, cells: TableColumn) -> list[str]:
        """See Keyed."""
        if not self.printed:
            cell.filled(cells, self.target)
            if cells.numeric:
                raise InvalidSubmission(f"There is no text in {self.target!r}. Write a text into every cell.")
        texts: list[str] = cell.printed(cells).to_pylist()
        return texts

    def value(self, truth: TableColumn, said: list[str]) -> float:
        """See Keyed."""
        return levenshtein(self.read(truth), said)


@dataclass(frozen=True, kw_only=True)
class TokenErrorRate(Keyed[Tokens]):
    """Normalised edit distance of sequences of whole numbers, split at white space."""

    def read(self, cells: TableColumn) -> Tokens:
        """See Keyed. Equal numbers get the same spelling."""
        tokens = cell.words(cell.printed(cells))
        encoded = tokens.texts.dictionary_encode()
        try:
            spelt = pa.array([str(int(text)) for text in encoded.dictionary.to_pylist()], pa.large_string())
        except ValueError:
            raise InvalidSubmission(
                f"There are entries in {self.target!r} that are no whole numbers. Separate numbers by spaces: 3 1 4."
            ) from None
        return Tokens(tokens.rows, spelt.take(encoded.indices), tokens.count)

    def value(self, truth: TableColumn, said: Tokens) -> float:
        """See Keyed."""
        asked, given = numbered(self.read(truth), said)
        if not len(asked.items):
            raise InvalidSubmission("The answers' sequences are empty, so that no submission has a score.")
        return token_error_rate(asked, given)


@dataclass(frozen=True, kw_only=True)
class WordJaccard(Keyed[Tokens]):
    """Mean Jaccard index of the sets of words, in lower case; a missing cell is an empty text.

    `strict`: numbers are texts, and two empty texts agree (1).
    """

    numbers: bool = False
    """A column read as numbers or truth values is one of texts; otherwise it has no score."""
    both_empty: float | None = None
    """What a row gives in which both texts are empty; None: the submission then has no score."""
    fewest: int = 0
    """With fewer distinct words in both tables together there is no score."""
    strict: bool = False

    def read(self, cells: TableColumn) -> Tokens:
        """See Keyed."""
        numbers = self.numbers or self.strict
        if not numbers and not cell.holds_texts(cells) and not cells.missing.all():
            raise InvalidSubmission(f"{self.target!r} is read as numbers or truth values. Write texts.")
        texts = cell.printed(cells, missing="").to_pylist()
        return cell.words(pa.array([text.lower() for text in texts], pa.large_string()))

    def value(self, truth: TableColumn, said: Tokens) -> float:
        """See Keyed."""
        asked, given = numbered(self.read(truth), said)
        if self.strict:
            return jaccard(asked, given, both_empty=1.0)
        if len(np.union1d(asked.items, given.items)) < self.fewest:
            raise InvalidSubmission(f"There are fewer than {self.fewest} different words in all texts together.")
        if self.both_empty is None and _somewhere_both_empty(asked, given):
            raise InvalidSubmission(f"{self.target!r} is empty in a row in which the benchmark cannot judge that.")
        return jaccard(asked, given, both_empty=self.both_empty or 0.0)


def _somewhere_both_empty(truth: Lists, said: Lists) -> bool:
    return not (truth.lengths + said.lengths).all()
