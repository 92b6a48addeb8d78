"""Two sources, and everything by which the user decides which copy stays and what is kept of the others."""

import dataclasses
import json
from collections import Counter
from typing import Any

import pytest

from schemas.errors import JobError, MissingError
from tests.builders import jpeg, sample, write_parquet
from tests.runs import Ran, run_command, run_job, stamps, write_job

SHOP, WEB = "shop", "web"
# fmt: off
WORDS = (
    "anchor", "bridge", "candle", "dragon", "engine", "forest", "guitar", "helmet", "island", "jacket", "kettle", "lantern", "mirror",
    "needle", "orchard", "parrot", "quarry", "ribbon", "saddle", "tunnel",
)
# fmt: on


def row(name, seed, side, caption, **changed):
    picture = jpeg(4 * side, 3 * side, seed=seed)
    host = changed.pop("host", f"{name}.example")
    known = {"url": f"https://{host}/{name}.jpg", "score": None, "http_headers": None}
    return sample(0, key=name, jpg=picture, caption=caption) | known | changed


def shop():
    """Small pictures with a licence; one of them stands there twice."""
    return [
        row("kite", 1, 40, "a red kite over the harbour wall"),
        row("boat", 2, 60, "an old boat waiting for paint"),
        row("boat_again", 2, 40, "the same boat a year later"),
        row("rude", 3, 40, "you are a stupid worthless idiot and everybody hates you"),
    ]


def web():
    """Larger copies of them, and more."""
    return [
        row("kite_large", 1, 80, "Red kite in the wind near Dover", host="a.mirror.example"),
        row("kite_same_words", 1, 70, "red  kite in the wind near DOVER", host="b.mirror.example"),
        row("kite_private", 1, 60, "write to jo.miller@mail.example for prints of the kite"),
        row("kite_reserved", 1, 50, "a caption that its publisher has reserved", http_headers=json.dumps({"X-Robots-Tag": "noai"})),
        row("kite_rude", 1, 48, "you are a stupid worthless idiot and everybody hates you"),
        row("kite_tiny", 1, 20, "a very small picture of the kite"),
        row("rude_copy", 3, 80, "two sailors repairing a net"),
        row("low_score", 4, 80, "a lighthouse at the end of the pier", score=0.2),
        row("high_score", 4, 40, "the lighthouse seen from the beach", score=0.9),
        row("no_score", 4, 60, "that lighthouse once more at night"),
        row("twin_one", 5, 80, "the older of two sisters at the window"),
        row("twin_two", 5, 60, "the younger of two sisters at the window"),
        row("twin_copy", 5, 40, "a girl at the window one morning"),
        row("alone", 6, 60, "market stalls under the railway bridge"),
        *(row(f"notice_{n}", 8, 40, f"{WORDS[n]} {WORDS[n - 7]} {WORDS[n - 12]}") for n in range(20)),
        row("no_url", 7, 60, "a paper lantern hanging in a tree", url=None),
    ]


def job(folder, **dedup):
    sources = [
        {"name": SHOP, "format": "parquet", "paths": ["shop/*.parquet"], "protected": True},
        {"name": WEB, "format": "parquet", "paths": ["web/*.parquet"]},
    ]
    known = {
        "prefer": [{"source": SHOP}, {"column": "score", "order": "high"}],
        "not_duplicates": "pairs.txt",
        "keep_captions": True,
    }
    filters = {"image_quality": {"enabled": True, "min_side": 70, "min_bytes": 0, "max_aspect": 9.0}, "toxicity": {"max": 0.7}}
    return {"source": sources, "filters": filters, "dedup": known | dedup}


def write(folder, per_shard):
    for name, rows in ((SHOP, shop()), (WEB, web())):
        for number, start in enumerate(range(0, len(rows), per_shard)):
            write_parquet(folder / name / f"{number:03d}.parquet", rows[start : start + per_shard])


@dataclasses.dataclass
class First:
    """The job run once, without a list of pairs, and with duplicates flagged: a user looks, and takes uids from the ledger."""

    ran: Ran
    ledger: dict[str, dict[str, Any]]
    columns: set[str]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("choice")
    write(folder, 11)
    ran = run_job(folder, job(folder, not_duplicates=[], keep_captions=False, action="flag", max_per_caption=1))
    return First(ran, ran.by_key(), set(ran.data()[0]))


@pytest.fixture(scope="module")
def ran(first):
    """The same with all keys; annotations and clusters are those of the first run."""
    folder, known = first.ran.out.parent, {key: row["uid"] for key, row in first.ledger.items()}
    (folder / "pairs.txt").write_text(f"# the sisters\n{known['twin_one']} {known['twin_two']}\n{known['twin_one']} {'0' * 32}\n")
    before = {name: stamps(first.ran.work / name) for name in ("annotations", "signatures", "clusters")}
    again = run_job(folder, job(folder), replace=True)
    assert {name: stamps(again.work / name) for name in before} == before
    return again


def of(ran, name):
    return ran.by_key()[name]


def detail(found, word):
    return [entry["detail"] for entry in found["evidence"] if entry["reason"] == word]


def test_a_protected_row_stays_beside_a_larger_copy_and_the_evidence_says_why(ran):
    """A11: which copy stays is not the user's to say."""
    kite, large = of(ran, "kite"), of(ran, "kite_large")
    assert (kite["verdict"], kite["flags"], kite["duplicate_of"]) == ("kept", ["reserved_copy_exists"], None)
    assert (large["reasons"], large["duplicate_of"]) == (["duplicate_image"], kite["uid"])
    assert detail(large, "duplicate_image") == ["the copy that stays is of a protected source"]


def test_two_protected_rows_of_one_cluster_both_stay_and_the_second_is_flagged(ran):
    first, second = of(ran, "boat"), of(ran, "boat_again")
    assert (first["reasons"], second["reasons"]) == ([], [])
    assert (second["flags"], second["duplicate_of"]) == (["duplicate_image"], first["uid"])
    assert detail(second, "duplicate_image") == ["source shop is protected"]


def test_a_protected_row_that_a_filter_rejects_stands_for_nobody(ran):
    rude = of(ran, "rude")
    assert (rude["reasons"], rude["flags"]) == (["toxicity"], ["duplicate_image"])
    assert rude["duplicate_of"] == of(ran, "rude_copy")["uid"]
    assert of(ran, "rude_copy")["verdict"] == "kept"


def test_a_preferred_column_goes_before_pixels_and_rows_without_a_value_come_last(ran):
    stays = of(ran, "high_score")
    assert stays["verdict"] == "kept"
    for name in ("low_score", "no_score"):
        assert of(ran, name)["duplicate_of"] == stays["uid"]
        assert detail(of(ran, name), "duplicate_image") == ["dedup.prefer.1: column score, high first"]


def test_rows_that_a_list_keeps_apart_are_never_duplicates_of_each_other(ran):
    one, two, copy = (of(ran, name) for name in ("twin_one", "twin_two", "twin_copy"))
    assert (one["verdict"], two["verdict"], copy["duplicate_of"]) == ("kept", "kept", one["uid"])
    assert one["cluster"] == copy["cluster"]
    assert two["cluster"] is None
    assert detail(one, "not_duplicate") == [f"dedup.not_duplicates: kept apart from {two['uid']}"]
    assert detail(two, "not_duplicate") == [f"dedup.not_duplicates: kept apart from {one['uid']}"]
    judged = json.loads((ran.work / "judged.json").read_bytes())
    assert judged["not_duplicates"] == {"pairs": 2, "uids": 3, "unknown_uids": 1}


def test_cluster_sizes_are_those_of_the_ledger_after_lists_have_parted_clusters(ran):
    sizes = json.loads((ran.work / "judged.json").read_bytes())["cluster_sizes"]
    for kind, column in (("image", "cluster"), ("caption", "caption_cluster")):
        rows = Counter(row[column] for row in ran.ledger() if row[column])
        assert sizes[kind] == {str(size): number for size, number in Counter(rows.values()).items()}


def test_a_kept_row_carries_the_captions_of_its_copies_but_no_reserved_rude_or_private_one(ran):
    """A19: one picture, millions of captions."""
    published = ran.published()
    assert published["kite"]["captions"] == [
        "a red kite over the harbour wall", "Red kite in the wind near Dover", "write to <EMAIL> for prints of the kite",
        "a very small picture of the kite",
    ]  # fmt: skip
    assert published["kite"]["caption_count"] == 4
    assert of(ran, "kite")["captions"] == [of(ran, name)["uid"] for name in ("kite_large", "kite_private", "kite_tiny")]
    assert of(ran, "kite_tiny")["reasons"] == ["duplicate_image", "image_quality"]
    assert published["alone"]["captions"] == ["market stalls under the railway bridge"]
    assert published["rude_copy"]["captions"] == ["two sailors repairing a net"]
    assert published["twin_two"]["captions"] == ["the younger of two sisters at the window"]
    assert published["boat_again"]["captions"] == ["the same boat a year later"]


def test_copies_count_every_row_of_the_cluster_and_hosts_count_domains(ran):
    published = ran.published()
    assert (published["kite"]["copies"], published["kite"]["copy_hosts"]) == (7, 6)
    assert (published["twin_one"]["copies"], published["twin_two"]["copies"]) == (2, 1)
    assert (published["alone"]["copies"], published["alone"]["copy_hosts"]) == (1, 1)
    assert (published["no_url"]["copies"], published["no_url"]["copy_hosts"]) == (1, None)


def test_of_one_notice_under_many_unrelated_captions_no_row_stays_and_the_reason_is_its_own(ran):
    """D12: "no longer available" pictures under thousands of captions."""
    rows = [of(ran, f"notice_{n}") for n in range(20)]
    assert len({found["cluster"] for found in rows}) == 1
    assert {(found["verdict"], *found["reasons"], found["duplicate_of"]) for found in rows} == {("rejected", "placeholder", None)}
    [told] = {tuple(entry.values()) for found in rows for entry in found["evidence"]}
    assert told == ("placeholder", 20.0, 20.0, "on 20 domains")
    assert not any("placeholder" in found["reasons"] for name, found in ran.by_key().items() if "notice" not in name)


def test_another_sharding_gives_the_same_rows(ran, tmp_path):
    write(tmp_path, 100)
    (tmp_path / "pairs.txt").write_bytes((ran.out.parent / "pairs.txt").read_bytes())
    other = run_job(tmp_path, job(tmp_path))
    for told in (lambda run: run.data(), lambda run: run.ledger()):
        assert comparable(told(other)) == comparable(told(ran))


def comparable(rows):
    return sorted(json.dumps({n: v for n, v in r.items() if n not in ("shard", "row", "key", "image")}, default=str) for r in rows)


def test_flagged_duplicates_stay_with_their_evidence(first):
    large, kite = first.ledger["kite_large"], first.ledger["kite"]
    assert (large["verdict"], large["duplicate_of"]) == ("kept", kite["uid"])
    assert (large["flags"], large["weight"]) == (["duplicate_image", "reserved_copy_exists"], 1.0)
    assert (large["copies"], kite["copies"]) == (7, 7)
    assert first.ledger["kite_rude"]["reasons"] == ["toxicity"]
    assert {"copies", "copy_hosts"} <= first.columns
    assert not {"captions", "caption_count"} & first.columns


def test_check_gives_the_alarm_where_the_probed_rows_hold_nothing_to_choose_by(first, capsys):
    path = write_job(first.ran.out.parent / "checked", job(first.ran.out.parent, not_duplicates=[]))
    sources = f"source.0.paths=[{first.ran.out.parent}/shop/*.parquet]", f"source.1.paths=[{first.ran.out.parent}/web/*.parquet]"
    wishes = "dedup.prefer=[{column: status, order: low}, {column: width, order: high}]"
    assert run_command(["check", str(path), *(part for setting in (*sources, wishes) for part in ("--set", setting))]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "alarm: dedup.prefer.0: column status holds no number" in told
    assert "dedup.prefer.1" not in told


def test_evidence_names_whose_caption_a_row_repeats_where_its_picture_is_another_rows(first):
    same, large, kite = (first.ledger[name] for name in ("kite_same_words", "kite_large", "kite"))
    assert (same["flags"], same["duplicate_of"]) == (["duplicate_caption", "duplicate_image", "reserved_copy_exists"], kite["uid"])
    assert detail(same, "duplicate_caption") == [f"beyond max_per_caption; of {large['uid']}"]


@pytest.mark.parametrize(
    ("dedup", "error", "says"),
    [
        ({"prefer": [{"source": "shp"}]}, JobError, "dedup.prefer.0.source: no source is called 'shp'; did you mean 'shop'?"),
        ({"prefer": [{"column": "scor", "order": "low"}]}, JobError, "dedup.prefer.0.column.*did you mean 'score'?"),
        ({"prefer": [{"column": "score"}]}, JobError, "a column needs order"),
        ({"prefer": [{"source": SHOP, "column": "score", "order": "low"}]}, JobError, "one entry is either"),
        ({"prefer": [{"column": "status", "order": "low"}]}, JobError, "'status' holds no number"),
        ({"not_duplicates": "gone.csv"}, MissingError, "dedup.not_duplicates: there is no file .*gone.csv"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_key(first, dedup, error, says):
    folder = first.ran.out.parent
    with pytest.raises(error, match=says):
        run_job(folder, job(folder, **{"not_duplicates": []} | dedup) | {"output": "refused"}, replace=True)
