"""The rule of the divergence between shares of votes: what is summed, clipped and refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from grading.metrics.probability import kl_divergence
from grading.rules.divergence import KullbackLeibler
from tests.unit.judging import passes, score, table

DIVERGENCE = KullbackLeibler("id", ["a", "b", "c"])
VOTES = table("id,a,b,c\nr,1,1,2\ns,0,3,1\n")
SHARES = "id,a,b,c\nr,0.25,0.25,0.5\ns,0.5,0.25,0.25\n"
DIVERGED = (0.75 * math.log(3) + 0.25 * math.log(1)) / 2


def test_the_divergence_is_from_the_shares_of_the_votes() -> None:
    assert score(DIVERGENCE, table(SHARES), VOTES) == pytest.approx(DIVERGED)


def test_rows_are_paired_by_id_and_columns_by_name() -> None:
    assert score(DIVERGENCE, table("c,id,b,a\n0.25,s,0.25,0.5\n0.5,r,0.25,0.25\n"), VOTES) == pytest.approx(DIVERGED)


@pytest.mark.parametrize(
    "submission",
    [
        "",
        "id,a,b,c\n",
        SHARES.replace("id,", "ID,"),
        SHARES.replace(",c\n", ",d\n"),
        SHARES + "t,1,0,0\n",
        SHARES.replace("s,", "t,"),
        SHARES.replace("s,", "r,"),
        SHARES.replace("s,", ","),
        SHARES.replace("0.5,0.25,0.25", "0.5,0.25,0.2501"),
        SHARES.replace("0.5,0.25,0.25", "0.5,0.25,0.250012"),
        SHARES.replace("0.5,0.25,0.25", "1.1,-0.1,0"),
        SHARES.replace("0.5,0.25,0.25", "abc,0.5,0.5"),
        SHARES.replace("0.5,0.25,0.25", ",,"),
        SHARES.replace("0.5,0.25,0.25", "inf,0,0"),
        "id,a,b,c\nr,True,0,0\ns,False,1,0\n",
        "id,a,b,c\nr,True,False,False\ns,False,True,False\n",
        "id,a,b,c,z\nr,0.25,0.25,0.5,0\ns,0.5,0.25,0.25,0.1\n",
        "id,a,b,c,z\nr,0.25,0.25,0.5,x\ns,0.5,0.25,0.25,x\n",
        "id,a,b,c,z\nr,0.25,0.25,0.5,-1\ns,0.5,0.25,0.25,-1\n",
    ],
)
def test_what_the_divergence_refuses_is_refused_by_public_knowledge_too(submission: str) -> None:
    assert score(DIVERGENCE, table(submission), VOTES) is None
    assert not passes(DIVERGENCE, table(submission), VOTES)


def test_another_column_of_zeros_or_gaps_is_let_pass() -> None:
    more = table("id,a,b,c,z,g\nr,0.25,0.25,0.5,0,\ns,0.5,0.25,0.25,0,\n")
    assert score(DIVERGENCE, more, VOTES) == pytest.approx(DIVERGED)


def test_a_missing_share_costs_nothing_where_the_others_sum_to_one() -> None:
    assert score(DIVERGENCE, table(SHARES.replace("0.5,0.25,0.25", "0.75,,0.25")), VOTES) == pytest.approx(0)


def test_a_zero_is_clipped_but_in_a_column_of_whole_numbers_unless_strict() -> None:
    zero = "id,a,b,c\nr,0,0.5,0.5\ns,0,0.75,0.25\n"
    clipped = (0.25 * math.log(0.25e15) + 0.25 * math.log(0.5)) / 2
    assert score(DIVERGENCE, table(zero), VOTES) == math.inf
    assert score(DIVERGENCE, table(zero.replace("r,0,", "r,0.0,")), VOTES) == pytest.approx(clipped)
    assert score(replace(DIVERGENCE, strict=True), table(zero), VOTES) == pytest.approx(clipped)


def test_a_row_of_answers_without_votes_gives_no_score() -> None:
    assert score(DIVERGENCE, table(SHARES), table("id,a,b,c\nr,1,1,2\ns,0,0,0\n")) is None


def test_missing_shares_are_left_out_of_the_divergence() -> None:
    assert kl_divergence(np.array([[0.5, 0.5]]), np.array([[math.nan, 0.5]])) == 0
