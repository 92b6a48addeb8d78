import pytest
from pydantic import ValidationError

from schemas.errors import JobError
from tests.filters.conformance import batch_of, check_filter, findings, judged
from transforms.filters.columns import Columns

CLIP = {"column": "similarity", "min": 0.28}
NAN = float("nan")


OWN = [{"column": "x", "max": 1, "by_language": own} for own in ({"xx": {"min": 0}}, {"de": {"least": 0}}, {"de": {"min": 2}})]


def test_rejects_what_is_beyond_a_bound_and_keeps_the_bound_itself():
    check_filter(
        Columns(rules=[CLIP, {"column": "pwatermark", "max": 0.8}]),
        keeps=[
            {"similarity": 0.28, "pwatermark": 0.8},
            {"similarity": 0.279951, "pwatermark": 0.1},
            {"similarity": None, "pwatermark": None},
            {"pwatermark": 0.2},
        ],
        rejects=[{"similarity": 0.27, "pwatermark": 0.1}, {"similarity": 0.5, "pwatermark": 0.81}, {"similarity": -1.0}],
    )


def test_without_rules_nothing_is_rejected():
    check_filter(Columns(), keeps=[{"similarity": 0.0}, {}])


def test_nan_is_no_score_and_never_below_a_bound():
    """D10: NaN in a score column is absent, not a low score."""
    assert judged(Columns(rules=[CLIP]), [{"similarity": NAN}, {"similarity": None}, {"similarity": 0.1}]) == [
        set(),
        set(),
        {"column_rule"},
    ]
    assert Columns(rules=[CLIP]).measure(batch_of([{"similarity": NAN}])).to_pylist() == [{"values": [None]}]


def test_the_evidence_names_the_column_of_the_first_bound_that_a_row_is_beyond():
    subject = Columns(rules=[CLIP, {"column": "similarity", "max": 0.9}, {"column": "aesthetic", "min": 5}])
    batch = batch_of([{"similarity": 0.1, "aesthetic": 1.0}, {"similarity": 0.95, "aesthetic": 6.0}, {"similarity": 0.5, "aesthetic": 1.0}])
    found = findings(subject, batch, subject.measure(batch))
    told = [(f.rows.tolist(), f.scores.tolist(), f.threshold, f.details) for f in found]
    assert told == [([0], [0.1], 0.28, "similarity"), ([1], [0.95], 0.9, "similarity"), ([2], [1.0], 5.0, "aesthetic")]


@pytest.mark.parametrize(
    ("value", "rejected"), [(0, True), (1, False), (True, False), ("0.1", True), ("0.31", False), ("n/a", False), ([1], False)]
)
def test_whole_numbers_and_numbers_written_as_text_count(value, rejected):
    assert judged(Columns(rules=[CLIP]), [{"similarity": value}]) == [{"column_rule"} if rejected else set()]


def test_bounds_can_differ_by_the_language_of_the_caption():
    """Wish 7: rules per language. A similarity of a model that knows English says less of other captions."""
    rows = [
        {"caption": "ein Hund", "similarity": 0.25, "measures": {"language": {"label": label, "score": 0.9}}}
        for label in ("de", "en", "fr")
    ]
    subject = Columns(rules=[{**CLIP, "by_language": {"de": {"min": 0.24}, "fr": {"min": None}}}])
    assert judged(subject, rows) == [set(), {"column_rule"}, set()]
    only = Columns(rules=[{"column": "similarity", "by_language": {"de": {"min": 0.3}}}])
    assert judged(only, rows) == [{"column_rule"}, set(), set()]
    assert judged(Columns(rules=[CLIP]), [{"similarity": 0.1}]) == [{"column_rule"}], "a row without a caption has the usual bound"


def test_a_column_that_is_not_there_is_an_error_of_the_job():
    with pytest.raises(JobError, match=r"filters\.columns\.rules\.0\.column.*'similarity'.*: key, url") as raised:
        Columns(rules=[CLIP]).check({"url", "key"})
    assert raised.value.exit_status == 2
    Columns(rules=[CLIP]).check(["similarity"])


def test_a_shard_without_the_column_has_no_scores():
    assert Columns(rules=[CLIP]).measure(batch_of([{"caption": "a red kite"}])).to_pylist() == [{"values": [None]}]


@pytest.mark.parametrize("rule", [{"column": "x"}, {"column": "x", "min": 1, "max": 0}, {"min": 1}, {"column": "x", "min": NAN}, *OWN])
def test_a_rule_that_bounds_nothing_or_everything_is_refused(rule):
    with pytest.raises(ValidationError):
        Columns(rules=[rule])
