"""Ranks: what the job prefers, as bytes that sort."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.annotations import NUMBERS
from schemas.job import Preference
from transforms.choice import Choice, as_matrix, as_records, first_difference

NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 0.5, -0.5])


def rows(sources, values):
    numbers = [[] if value is None else [{"column": "score", "value": value + 0.0}] for value in values]
    return pa.RecordBatch.from_arrays([pa.array(sources), pa.array(numbers, NUMBERS)], ["source", "numbers"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), NUMBER), min_size=1, max_size=12), st.sampled_from(["high", "low"]))
def test_ranks_sort_as_the_job_says_and_null_comes_last(drawn, order):
    choice = Choice((Preference(source="b"), Preference(column="score", order=order), Preference(source="c")), frozenset({"c"}))
    ranks = choice.ranks(rows([source for source, _ in drawn], [value for _, value in drawn]))

    def plain(row):
        source, value = row
        number = (1, 0.0) if value is None else (0, (-value if order == "high" else value) + 0.0)
        return source != "c", source != "b", number, source != "c"

    by_bytes = sorted(range(len(drawn)), key=lambda n: (ranks[n].tobytes(), n))
    assert by_bytes == sorted(range(len(drawn)), key=lambda n: (plain(drawn[n]), n))
    assert (as_matrix(as_records(ranks)) == ranks).all()


def test_a_difference_is_told_by_the_entry_that_made_it():
    choice = Choice((Preference(column="score", order="low"), Preference(source="shop")))
    ranks = choice.ranks(rows(["web", "web", "shop", "web"], [1.0, 2.0, 1.0, None]))
    found = first_difference(ranks, np.repeat(ranks[2:3], 4, axis=0))
    told = [choice.told(byte) for byte in found.tolist()]
    assert told == [
        "dedup.prefer.1: source shop",
        "dedup.prefer.0: column score, low first",
        None,
        "dedup.prefer.0: column score, low first",
    ]


@pytest.mark.parametrize(
    ("source", "action", "kind"), [("own", "reject", "flag"), ("own", "flag", "flag"), ("web", "flag", "flag"), ("web", "reject", "reason")]
)
def test_duplicates_of_a_protected_source_are_flagged_whatever_the_job_does_with_others(source, action, kind):
    assert Choice((), frozenset({"own"}), action).treatment(source)[0] == kind


def test_nothing_said_leaves_one_byte_that_never_differs():
    ranks = Choice().ranks(rows(["a", "b"], [1.0, math.pi]))
    assert ranks.tolist() == [[2], [2]]
