"""Law 4, no resurrection: what was reserved or taken down does not come back through a copy."""

import hashlib
import json

from tests.builders import jpeg, sample
from tests.laws.varied import RESERVED
from tests.runs import run_samples


def copies(**changed):
    """The best of a cluster first, then its copies, each in a shard of its own, and a stranger."""
    best = sample(0, jpg=jpeg(320, 240, seed=1), caption="the largest copy of a picture with a long caption")
    return [best, sample(1, jpg=jpeg(160, 120, seed=1)), sample(2, **{"jpg": jpeg(80, 60, seed=1), **changed}), sample(3)]


def reasons_of(ran):
    return [row["reasons"] for row in ran.ledger()]


def test_a_mark_in_the_smallest_copy_covers_the_whole_cluster(tmp_path):
    rows = copies(jpg=jpeg(80, 60, seed=1, xmp=RESERVED))
    ran = run_samples(tmp_path, rows, per_shard=1)
    assert reasons_of(ran) == [["opt_out"]] * 3 + [[]]
    assert {row["consent"] for row in ran.ledger()[:3]} == {"reserved"}
    assert {row["duplicate_of"] for row in ran.ledger()} == {None}
    assert len({row["cluster"] for row in ran.ledger()[:3]}) == 1
    spread = ran.ledger()[0]["evidence"]
    assert [entry["detail"] for entry in spread if entry["reason"] == "opt_out"] == ["a copy in its cluster carries a reservation"]


def test_a_listed_hash_covers_the_whole_cluster_and_is_told_of_a_picture_that_cannot_be_read(tmp_path):
    reasons = ("taken_down", "illegal", "opt_out")
    rows = [sample(10 * n + side, jpg=jpeg(4 * side, 3 * side, seed=n)) for n in range(3) for side in (80, 40, 20)]
    cut = jpeg(seed=9)[:900]
    entries = [f"sha256,{hashlib.sha256(rows[3 * n + 1]['jpg']).hexdigest()},{reason}" for n, reason in enumerate(reasons)]
    (tmp_path / "list.csv").write_text("\n".join(["kind,value,reason", *entries, f"sha256,{hashlib.sha256(cut).hexdigest()},taken_down"]))
    job = {"filters": {"opt_out": {"lists": ["list.csv"]}}, "source": {"max_unreadable": 1.0}}
    ran = run_samples(tmp_path, [*rows, sample(200), sample(201, jpg=cut)], job, per_shard=2)
    assert reasons_of(ran) == [[reason] for reason in reasons for _ in range(3)] + [[], ["unreadable", "taken_down"]]
    assert len(ran.data()) == 1


def test_a_header_covers_its_url_in_every_shard_and_copies_elsewhere_are_flagged(tmp_path):
    said = {"http_headers": json.dumps({"X-Robots-Tag": "noai"}), "url": "https://a.example/1.jpg?w=1"}
    rows = [
        sample(0, jpg=jpeg(320, 240, seed=1), url="https://b.example/copy.jpg"),
        sample(1, jpg=jpeg(seed=50), url="HTTPS://A.example:443/1.jpg?w=1#top", caption="another picture at another time"),
        sample(2, jpg=jpeg(80, 60, seed=1), **said),
        sample(3),
    ]
    ran = run_samples(tmp_path, rows, per_shard=1)
    assert reasons_of(ran) == [[], ["opt_out"], ["opt_out", "duplicate_image"], []]
    assert [row["flags"] for row in ran.ledger()] == [["reserved_copy_exists"], [], [], []]
    assert [row["consent"] for row in ran.ledger()][1:3] == ["reserved", "reserved"]
    assert ran.ledger()[2]["duplicate_of"] == ran.ledger()[0]["uid"]


def test_a_disallowed_download_is_an_opt_out_of_its_url(tmp_path):
    url = "https://a.example/1.jpg"
    refused = sample(1, jpg=None, url=url, status="failed_to_download", error_message="Use of image disallowed by X-Robots-Tag directive")
    ran = run_samples(tmp_path, [sample(0, url=url), refused, sample(2)], per_shard=1)
    assert [(row["verdict"], row["reasons"]) for row in ran.ledger()] == [
        ("rejected", ["opt_out"]), ("unreadable", ["unreadable", "opt_out"]), ("kept", []),
    ]  # fmt: skip


def test_a_reserved_best_copy_leaves_the_next_only_where_the_reservation_is_about_the_place(tmp_path):
    listed = "https://a.example/best.jpg"
    rows = copies()
    rows[0]["url"] = listed
    (tmp_path / "list.csv").write_text(f"kind,value,reason\nurl,{listed},taken_down\n")
    ran = run_samples(tmp_path, rows, {"filters": {"opt_out": {"lists": ["list.csv"]}}}, per_shard=1)
    assert reasons_of(ran) == [["taken_down", "duplicate_image"], [], ["duplicate_image"], []]
    assert [row["flags"] for row in ran.ledger()] == [[], ["reserved_copy_exists"], ["reserved_copy_exists"], []]
