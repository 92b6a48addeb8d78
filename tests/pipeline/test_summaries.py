"""Summaries of shards, against counting row by row."""

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.summaries import METRICS, SUMMARY
from transforms.summaries import Published, merged, summarise


def tables(demo_run) -> list[tuple[pa.Table, pa.Table]]:
    folders = (demo_run.work / "annotations", demo_run.work / "ledger")
    return [tuple(map(pq.read_table, pair)) for pair in zip(*(sorted(folder.glob("*.parquet")) for folder in folders), strict=True)]


def published(ledger: pa.Table) -> Published:
    """As if every other kept row named one creator."""
    kept = ledger.column("verdict").to_pylist().count("kept")
    creators = pa.chunked_array([["Jo" if place % 2 else None for place in range(kept)]], pa.string())
    return Published({"url": 2, "caption": 0}, {"creator": creators})


@pytest.fixture(scope="module")
def counted(demo_run) -> dict[tuple, tuple[int, int, int]]:
    """Metric and labels -> rows, bytes, weight, over all shards."""
    whole = merged([summarise(annotations, ledger, published(ledger)) for annotations, ledger in tables(demo_run)])
    assert whole.schema == SUMMARY
    return {(row["metric"], row["a"], row["b"], row["c"]): (row["rows"], row["bytes"], row["weight"]) for row in whole.to_pylist()}


@pytest.fixture(scope="module")
def rows(demo_run) -> list[dict]:
    """Annotation and ledger row of every row, as one."""
    return [
        {**measured, **judged}
        for annotations, ledger in tables(demo_run)
        for measured, judged in zip(annotations.to_pylist(), ledger.to_pylist(), strict=True)
    ]


def numbers(counted, metric, place=0) -> dict[tuple, int]:
    return {label[1:]: found[place] for label, found in counted.items() if label[0] == metric}


def test_every_metric_is_declared_and_none_is_counted_twice(counted):
    assert {label[0] for label in counted} <= set(METRICS)


def test_verdicts_reasons_and_flags_are_those_of_the_ledger(counted, rows):
    assert numbers(counted, "verdict") == {(word, None, None): n for word, n in Counter(row["verdict"] for row in rows).items()}
    for metric, column in (("reason", "reasons"), ("action", "actions"), ("flag", "flags")):
        assert numbers(counted, metric) == {(w, None, None): n for w, n in Counter(word for row in rows for word in row[column]).items()}
    alone = Counter(row["reasons"][0] for row in rows if len(row["reasons"]) == 1)
    assert numbers(counted, "sole_reason") == {(word, None, None): n for word, n in alone.items()}
    assert sum(numbers(counted, "duplicate").values()) == sum(row["duplicate_of"] is not None for row in rows)
    assert numbers(counted, "duplicate")["duplicate_image", "identical", None] == 10


def test_rows_are_counted_for_the_filter_that_speaks_against_them_and_not_for_its_word(demo_run):
    """Two filters may give one word, and one filter several."""
    annotations, ledger = tables(demo_run)[0]
    said = {
        0: (["column_rule"], [], [("column_rule", "similarity")]),
        1: (["column_rule", "nsfw"], [], [("column_rule", "embedding_heads: ugly"), ("nsfw", "embedding_heads: bare")]),
        2: (["placeholder"], ["poisoning", "poisoning:x"], [(w, None) for w in ("placeholder", "poisoning", "poisoning:x")]),
        3: ([], ["personal_data:email", "personal_data:ip", "url_withheld"],
            [(w, None) for w in ("redacted:email", "personal_data:email", "personal_data:ip", "url_withheld")]),
    }  # fmt: skip
    told = [said.get(place, ([], [], [])) for place in range(ledger.num_rows)]
    given = [[{"reason": word, "score": None, "threshold": None, "detail": detail} for word, detail in entries] for *_, entries in told]
    columns = {"reasons": [r for r, *_ in told], "flags": [f for _, f, _ in told], "evidence": given}
    for name, values in columns.items():
        place = ledger.schema.get_field_index(name)
        ledger = ledger.set_column(place, ledger.schema.field(name), pa.array(values, ledger.schema.field(name).type))
    counts = summarise(annotations, ledger, published(ledger)).to_pylist()
    assert {(row["a"], row["b"]): row["rows"] for row in counts if row["metric"] == "filter"} == {
        ("columns", "rejected"): 1, ("embedding_heads", "rejected"): 1, ("poisoning", "rejected"): 1, ("poisoning", "flagged"): 1,
        ("personal_data", "flagged"): 1,
    }  # fmt: skip


def test_bytes_and_sizes_are_those_of_the_pictures(counted, rows):
    for verdict in ("kept", "rejected", "unreadable"):
        assert counted["verdict", verdict, None, None][1] == sum(row["bytes"] or 0 for row in rows if row["verdict"] == verdict)
    sides = Counter((str(2 ** (min(row["width"], row["height"]).bit_length() - 1)), row["verdict"], None) for row in rows if row["width"])
    unknown = sum(not row["width"] for row in rows)
    assert numbers(counted, "size") == dict(sides) | {(None, "unreadable", None): unknown}


def test_scores_fall_into_twenty_bins_and_no_score_into_none(counted, rows):
    scored = [row for row in rows if row["toxicity"] and row["toxicity"]["score"] is not None]
    bins = Counter(("toxicity.score", f"{min(19, int(row['toxicity']['score'] * 20)) / 20:.2f}", row["verdict"]) for row in scored)
    assert {label: n for label, n in numbers(counted, "score").items() if label[0] == "toxicity.score"} == bins


def test_groups_are_counted_before_and_after_with_what_they_lost_and_what_they_weigh(counted, rows):
    for attribute in ("gender", "age", "region", "language"):
        level = [row["groups"][attribute] for row in rows]
        expected = Counter((attribute, name, "all") for name in level)
        expected.update((attribute, name, "kept") for name, row in zip(level, rows, strict=True) if row["verdict"] == "kept")
        assert {label: n for label, n in numbers(counted, "group").items() if label[0] == attribute} == expected
        lost = Counter((attribute, name, word) for name, row in zip(level, rows, strict=True) for word in row["reasons"])
        lost.update((attribute, name, "removed") for name, row in zip(level, rows, strict=True) if row["reasons"])
        assert {label: n for label, n in numbers(counted, "group_reason").items() if label[0] == attribute} == lost
        weights = sum(n for label, n in numbers(counted, "group", 2).items() if label[0] == attribute)
        assert weights == round(sum(row["weight"] or 0 for row in rows) * 2**32)


def test_domains_consent_and_signals_are_counted(counted, rows):
    assert sum(n for label, n in numbers(counted, "domain").items() if label[1] == "all") == len(rows)
    kept = [row for row in rows if row["verdict"] == "kept"]
    assert sum(numbers(counted, "domain_pixels", 1).values()) == sum(row["width"] * row["height"] for row in kept)
    assert numbers(counted, "consent") == {
        (*pair, None): n for pair, n in Counter((row["consent"], row["verdict"]) for row in rows).items()
    }
    signals = Counter((s["signal"], s["scope"], s["value"]) for row in rows for s in row["opt_out"]["signals"] or ())
    assert numbers(counted, "signal") == signals
    headers = Counter(("headers", row["consent"], None) for row in rows if row["consent_observable"] & 1)
    assert {label: n for label, n in numbers(counted, "observable").items() if label[0] == "headers"} == headers


def test_creators_are_counted_with_pixels_and_bytes_of_the_kept_rows_that_name_them(counted, demo_run):
    kept = [[(row, judged) for row, judged in zip(measured.to_pylist(), ledger.to_pylist(), strict=True) if judged["verdict"] == "kept"]
            for measured, ledger in tables(demo_run)]  # fmt: skip
    named = [row for shard in kept for row, _ in shard[1::2]]
    assert named
    assert counted["creator", "Jo", None, None][:2] == (len(named), sum(row["bytes"] for row in named))
    assert counted["creator_pixels", "Jo", None, None][1] == sum(row["width"] * row["height"] for row in named)


def test_nulls_of_columns_add_up_over_shards(counted, demo_run):
    assert numbers(counted, "null") == {("url", None, None): 2 * len(tables(demo_run)), ("caption", None, None): 0}


def test_a_shard_without_rows_has_a_summary_without_rows(demo_run):
    annotations, ledger = tables(demo_run)[0]
    empty = summarise(annotations.slice(0, 0), ledger.slice(0, 0), Published({}, {"creator": pa.chunked_array([], pa.string())}))
    assert empty.num_rows == 0
    assert empty.schema == SUMMARY
