"""What people should look at first: strong finds before weak ones, and no find fills the ranking."""

import pyarrow as pa

from schemas.ledger import LEDGER
from transforms.suspects import MOST, MOST_OF_A_FIND, ranked, strength, suspects_of


def entry(word, score=None, threshold=None, detail=None):
    return {"reason": word, "score": score, "threshold": threshold, "detail": detail}


def row(number, *entries, caption_cluster=None, reasons=()):
    uid = f"{number:032x}"
    return {
        "uid": uid, "source": "main", "shard": "0", "row": number, "verdict": "kept", "reasons": list(reasons), "actions": [],
        "flags": sorted({e["reason"] for e in entries}), "evidence": list(entries), "covers": [], "consent": "silent",
        "consent_observable": 0, "copies": 1, "caption_cluster": caption_cluster,
    }  # fmt: skip


def rows_of(*rows):
    return [found["row"] for found in suspects_of(pa.RecordBatch.from_pylist(list(rows), LEDGER))]


def trigger(number, cluster, score=20.0):
    return row(number, entry("poisoning:trigger_caption", score, 20, "on 1 domain"), entry("poisoning"), caption_cluster=cluster)


def test_several_and_stronger_finds_go_first_and_what_is_not_suspected_is_not_listed():
    tail, hidden = entry("poisoning:trailing_bytes", 4096.0, 16, "zip"), entry("poisoning:invisible_characters", 1.0, 0, "caption: bidi 1")
    assert rows_of(row(0, entry("hash_mismatch")), row(1, hidden), row(2, tail), row(3, hidden, tail), row(4)) == [3, 2, 1]


def test_of_one_find_only_the_first_few_are_listed():
    rows = [trigger(number, "a") for number in range(10)] + [trigger(20, "b"), row(30, entry("placeholder_suspected", 30.0, 20, ""))]
    assert rows_of(*rows) == [30, *range(MOST_OF_A_FIND), 20]


def test_nothing_is_shown_of_what_a_list_calls_illegal():
    assert rows_of(row(0, entry("poisoning:changed_domain", detail="x"), reasons=["illegal"])) == []
    assert rows_of() == []


def test_a_find_counts_up_to_a_bound_and_the_ranking_has_one():
    assert [strength(*pair) for pair in ((20, 20), (80, 20), (1, 0), (2**40, 1), (None, None))] == [1.0, 3.0, 1.0, 5.0, 2.0]
    many = [{"score": 1.0, "uid": str(n), "shard": "0", "row": n, "find": str(n)} for n in range(100)]
    assert len(ranked(many)) == MOST
    assert ranked(many[::-1]) == ranked(many)
