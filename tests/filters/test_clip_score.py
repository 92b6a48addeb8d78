import numpy as np
import pytest

from schemas.errors import JobError
from tests.filters.conformance import batch_of, check_filter, findings
from transforms.filters.clip_score import ClipScore
from transforms.filters.misinformation import Misinformation


def row(picture, caption):
    packed = [None if vector is None else np.array(vector, "<f2").tobytes() for vector in (picture, caption)]
    return {"measures": {"embeddings": {"image": packed[0], "text": packed[1]}}}


def test_pairs_that_agree_less_than_the_bound_are_rejected_and_the_bound_itself_is_kept():
    check_filter(
        ClipScore(min=0.8),
        keeps=[row([1, 0], [1, 0]), row([1, 0], [0.8, 0.55]), row([1, 0], None), row(None, [1, 0]), {}],
        rejects=[row([1, 0], [0.6, 0.8]), row([1, 0], [0, 1]), row([1, 0], [-1, 0])],
    )


def test_without_a_bound_scores_are_recorded_and_nothing_is_rejected():
    rows = [row([1, 0], [0, 1]), row([0, 1], [0.6, 0.8])]
    check_filter(ClipScore(), keeps=rows)
    assert ClipScore().measure(batch_of(rows, ClipScore())).to_pylist() == [{"score": 0.0}, {"score": 0.7999}]


def test_the_evidence_has_score_and_bound():
    subject = ClipScore(min=0.28)
    batch = batch_of([row([1, 0], [0, 1])], subject)
    [found] = findings(subject, batch, subject.measure(batch))
    assert (found.word, found.scores.tolist(), found.threshold) == ("clip_score", [0.0], 0.28)


def test_sides_of_two_widths_have_no_score_and_whoever_asks_for_one_is_told():
    rows = [row([1, 0], [1, 0, 0]), row([0, 1], None)]
    assert ClipScore().measure(batch_of(rows, ClipScore())).to_pylist() == [None, None]
    with pytest.raises(JobError, match=r"filters\.clip_score\.min: embeddings of pictures have 2 numbers and those of captions 3"):
        ClipScore(min=0.2).measure(batch_of(rows, ClipScore()))
    asked = batch_of(rows, ClipScore())
    asked.filters = {"misinformation": Misinformation(min_agreement=0.1)}
    with pytest.raises(JobError, match=r"filters\.misinformation\.min_agreement"):
        ClipScore().measure(asked)
    with pytest.raises(JobError, match=r"filters\.clip_score\.by_language\.de\.min: embeddings of pictures have"):
        ClipScore(by_language={"de": {"min": 0.2}}).measure(batch_of(rows, ClipScore()))


@pytest.mark.parametrize("bound", [1.5, -2])
def test_a_bound_that_no_cosine_has_is_refused(bound):
    with pytest.raises(ValueError, match="min"):
        ClipScore(min=bound)


def test_the_bound_can_differ_by_the_language_of_the_caption():
    """LAION-5B kept 0.28 and more for English captions, 0.26 for others."""
    rows = [row([1, 0], [0.27, 0.962]) for _ in range(3)]
    for one, label in zip(rows, ("en", "de", "und"), strict=True):
        one["measures"]["language"] = {"label": label, "score": 0.9}
    check_filter(ClipScore(min=0.28, by_language={"de": {"min": 0.26}, "und": {"min": None}}), rejects=rows[:1], keeps=rows[1:])
    check_filter(ClipScore(by_language={"de": {"min": 0.28}}), rejects=rows[1:2], keeps=[rows[0], rows[2]])


@pytest.mark.parametrize("own", [{"xx": {"min": 0}}, {"de": {"max": 0}}, {"de": {"min": 2}}])
def test_bounds_by_language_that_cannot_be_meant_are_refused(own):
    with pytest.raises(ValueError, match="by_language"):
        ClipScore(by_language=own)
