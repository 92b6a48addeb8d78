"""Match as a whole: what is found, and that nothing but the rows decides it."""

import json

import numpy as np
import pytest

import pipeline.match
from pipeline.match import passes_needed
from schemas.errors import InputError
from tests.images.test_kinds import form
from tests.match.signed_rows import InProcess, Row, matched, noisy, photo, sets, signed, write
from transforms import storage
from transforms.match.clusters import read_clusters
from transforms.match.rows import SignatureFile


def caption(seed: int, words: int = 14) -> str:
    """A caption that shares few 3-grams with that of another seed."""
    draw = np.random.default_rng(seed)
    return " ".join("".join(draw.choice(list("abcdefghijklmnoprstuvwz"), draw.integers(4, 9))) for _ in range(words))


def run(rows, tmp_path, policy="image", **options):
    return matched(write(signed(rows), tmp_path / "signatures"), tmp_path / "clusters", policy, **options)


def assert_equal(found, expected):
    for name in ("cluster", "caption_cluster", "link", "agreement"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


@pytest.fixture(scope="module")
def many():
    """128 rows: 32 photos four times each (as is, noisy, mirrored, the same bytes again), captions in families of two."""
    rows = []
    for i in range(32):
        grey = photo(i)
        texts = caption(i), caption(i) + " indeed", caption(1_000 + i), caption(i // 2 + 2_000, 30)
        pictures = grey, noisy(grey, i), np.ascontiguousarray(noisy(grey, i + 500)[:, ::-1]), grey
        rows += [Row(text, picture) for text, picture in zip(texts, pictures, strict=True)]
    return signed(rows)


def test_planted_clusters_are_found_and_nothing_else(many, tmp_path):
    found = matched(write(many, tmp_path / "s"), tmp_path / "c")
    assert sets(found.cluster) == {frozenset(range(4 * i, 4 * i + 4)) for i in range(32)}
    assert sets(found.caption_cluster) == {frozenset((4 * i, 4 * i + 1)) for i in range(32)} | {
        frozenset((8 * i + 3, 8 * i + 7)) for i in range(16)
    }
    leaders = found.cluster == np.arange(128)
    assert (found.link[leaders] == 0).all()
    assert (found.agreement[leaders] == 1).all()
    assert (found.link[~leaders] & 1 == 1).all()
    assert (found.agreement[~leaders] >= 0.7).all()


@pytest.mark.parametrize("policy", ["image", "image_and_caption", "image_or_caption"])
def test_owners_ranges_and_shards_cannot_show(many, tmp_path, policy):
    plain = matched(write(many, tmp_path / "s"), tmp_path / "c", policy)
    small = matched(write(many, tmp_path / "t", [7, 50, 0, 1, 40, 30]), tmp_path / "d", policy, owner_bits=5, partition_bytes=3_000)
    assert_equal(small, plain)


def test_an_owner_of_more_rows_than_a_file_of_results_writes_several(many, tmp_path, monkeypatch):
    plain = matched(write(many, tmp_path / "s"), tmp_path / "c")
    monkeypatch.setattr("transforms.match.plan.OWNER_BITS", 5)
    matched(write(many, tmp_path / "s"), tmp_path / "d", owner_bits=6)
    assert len(list((tmp_path / "d").glob("*.arrow"))) == 4
    assert_equal(read_clusters(str(tmp_path / "d"), 0, 128, file_bits=5), plain)


@pytest.mark.parametrize("near", [True, False], ids=["read where they lie", "travel"])
def test_passes_and_shares_and_how_signatures_come_cannot_show(many, tmp_path, monkeypatch, near):
    files = write(many, tmp_path / "s", [100, 28])
    plain = matched(files, tmp_path / "c", "image_or_caption")
    monkeypatch.setattr(pipeline.match, "BASE_BYTES", 1)
    monkeypatch.setattr("transforms.match.rows.Rows.near", near)
    engine = InProcess()
    memory = 8_000 if near else 65_000
    monkeypatch.setattr("transforms.match.laid.LEAST", 64)
    passes = matched(files, tmp_path / "e", "image_or_caption", engine, owner_bits=6, partition_bytes=3_000, memory_bytes=memory)
    assert ("match: forest" in engine.jobs) == near
    assert all(sum(step in job for job in engine.jobs) >= 2 + near for step in ("pass", "edges", "clusters"))
    assert_equal(passes, plain)


@pytest.mark.parametrize("near", [True, False], ids=["read where they lie", "travel"])
def test_drawn_pictures_are_told_apart_by_their_details_wherever_those_come_from(tmp_path, monkeypatch, near):
    pages = [np.asarray(form(np.random.default_rng(number)).convert("L")) for number in range(3)]
    rows = [Row(caption(place), page) for place, page in enumerate([photo(1), *pages, *(page.clip(6, 250) for page in pages)])]
    signatures = signed(rows)
    assert [len(detail) > 0 for detail in signatures.column("detail").to_pylist()] == [False, *[True] * 6]
    monkeypatch.setattr(pipeline.match, "BASE_BYTES", 1)
    monkeypatch.setattr("transforms.match.rows.Rows.near", near)
    files = write(signatures, tmp_path / "s", [3, 4])
    found = matched(files, tmp_path / "c", "image_or_caption", owner_bits=2, partition_bytes=3_000, memory_bytes=200_000)
    assert sets(found.cluster) == {frozenset((place, place + 3)) for place in (1, 2, 3)}
    assert_equal(found, matched(files, tmp_path / "d", "image_or_caption"))


@pytest.mark.parametrize("policy", ["image", "image_and_caption", "image_or_caption"])
def test_components_in_one_place_and_by_star_rounds_are_the_same(many, tmp_path, monkeypatch, policy):
    plain = matched(write(many, tmp_path / "s"), tmp_path / "c", policy)
    monkeypatch.setattr(pipeline.match, "ONE_PLACE", 1)
    monkeypatch.setattr(pipeline.match, "ROUNDS", 1)
    engine = InProcess()
    stars = matched(write(many, tmp_path / "t", [100, 28]), tmp_path / "d", policy, engine, owner_bits=5, partition_bytes=3_000)
    assert "match: stars" in engine.jobs
    assert_equal(stars, plain)


@pytest.mark.parametrize(
    ("rows", "memory", "in_stars"),
    [(204, 50_000, False), (100, 50_000, True), (100, 200_000, False)],
    ids=["few edges of many rows", "many edges of fewer rows", "as many and more memory"],
)
def test_star_rounds_are_chosen_by_the_number_of_edges_and_the_memory_there_is(tmp_path, monkeypatch, rows, memory, in_stars):
    families = 50 if rows == 100 else 200
    files = write(signed([Row(caption(i % families)) for i in range(rows)]), tmp_path / "s")
    plain = matched(files, tmp_path / "c")
    monkeypatch.setattr(pipeline.match, "BASE_BYTES", 1)
    monkeypatch.setattr("transforms.match.grouping.BYTES_A_NODE", 1_000)
    engine = InProcess()
    found = matched(files, tmp_path / "d", engine=engine, memory_bytes=memory, owner_bits=5)
    assert ("match: stars" in engine.jobs) == in_stars
    assert_equal(found, plain)
    assert len(sets(found.caption_cluster)) == rows - families


@pytest.mark.parametrize("policy", ["image", "image_and_caption", "image_or_caption"])
def test_the_order_of_rows_cannot_show(many, tmp_path, policy):
    order = np.random.default_rng(8).permutation(many.num_rows)
    plain = matched(write(many, tmp_path / "s"), tmp_path / "c", policy)
    moved = matched(write(many.take(order), tmp_path / "t", [50, 78]), tmp_path / "d", policy, owner_bits=6)
    assert sets(moved.cluster, order) == sets(plain.cluster)
    assert sets(moved.caption_cluster, order) == sets(plain.caption_cluster)
    np.testing.assert_array_equal(moved.link, plain.link[order])
    np.testing.assert_array_equal(moved.agreement, plain.agreement[order])


def test_each_policy_joins_by_its_own_edges(tmp_path):
    rows = [Row(caption(1), photo(1)), Row(caption(1), photo(2)), Row(caption(2), photo(1)), Row(caption(1), noisy(photo(1), 3))]
    batch = signed(rows)
    found = {
        policy: matched(write(batch, tmp_path / policy), tmp_path / f"{policy}.c", policy)
        for policy in ("image", "image_and_caption", "image_or_caption")
    }
    assert sets(found["image"].cluster) == {frozenset((0, 2, 3))}
    assert sets(found["image_and_caption"].cluster) == {frozenset((0, 3))}
    assert sets(found["image_or_caption"].cluster) == {frozenset((0, 1, 2, 3))}
    assert {tuple(sorted(c.caption_cluster.tolist())) for c in found.values()} == {tuple(sorted(found["image"].caption_cluster.tolist()))}
    leader = int(found["image_and_caption"].cluster[0])
    assert found["image_and_caption"].link[3 - leader] == 3


def test_a_chain_of_small_changes_is_cut_into_leaders(tmp_path):
    words = caption(1, 40).split()
    fresh = caption(2, 40).split()
    rows = [Row(" ".join(fresh[:i] + words[i:])) for i in range(0, 41, 2)]
    found = run(rows, tmp_path).caption_cluster
    clusters = sets(found)
    assert len(clusters) > 2
    assert all(max(cluster) - min(cluster) <= 8 for cluster in clusters)


def test_a_placeholder_in_many_encodings_stays_one_cluster(tmp_path):
    """D12: the notice is one cluster whatever encoder each host used, and so is each of its captions."""
    notice = photo(77)
    rows = [Row(caption(i), notice) for i in range(20)] + [Row(caption(100 + i), noisy(notice, i)) for i in range(60)]
    found = run([*rows, *(Row(caption(300 + i), photo(300 + i)) for i in range(20))], tmp_path)
    assert sets(found.cluster) == {frozenset(range(80))}


def test_one_normal_form_is_one_caption(tmp_path):
    """A6: composed and decomposed, entities, full width and format characters are one caption to match."""
    pairs = [
        ("caf\u00e9 cr\u00e8me \u00e0 la fran\u00e7aise", "cafe\u0301 cre\u0300me a\u0300 la franc\u0327aise"),
        ("kid's toys & games – best price", "kid&#39;s toys &amp; games &ndash; best price"),
        ("red bicycle", "ｒｅｄ　ｂｉｃｙｃｌｅ"),
        ("soft hyphen in the word", "soft hy\u00adphen in the wo\u200brd"),
    ]
    found = run([Row(text) for pair in pairs for text in pair], tmp_path)
    assert sets(found.caption_cluster) == {frozenset((2 * i, 2 * i + 1)) for i in range(4)}


def test_captions_without_a_letter_or_digit_are_nobodys_duplicate(tmp_path):
    """A7: nothing, white space, punctuation and emoji are no caption; distinct Arabic captions stay apart."""
    empty = [Row(text, photo(i)) for i, text in enumerate(["", None, "   ", "!!!", "🙂🙂", "—"] * 2)]
    arabic = ["قطة تنام على النافذة", "رجل يركب دراجة في الحديقة", "سماء زرقاء فوق البحر", "طفل يلعب بالكرة الحمراء", "بيت قديم قرب النهر"]
    rows = [*empty, *(Row(text, photo(100 + i)) for i, text in enumerate(arabic)), Row("قِطَّةٌ تَنَامُ", photo(200))]
    found = run(rows, tmp_path, "image_or_caption")
    assert (found.caption_cluster == -1).all()
    assert (found.cluster == -1).all()


def test_captions_shorter_than_a_shingle_match_exactly_or_not_at_all(tmp_path):
    found = run([Row("ab"), Row("AB"), Row("ac"), Row("a"), Row("7"), Row(" 7 ")], tmp_path)
    assert sets(found.caption_cluster) == {frozenset((0, 1)), frozenset((4, 5))}


def test_one_url_with_many_captions_is_one_picture_and_many_pairs(tmp_path):
    """D11 (a): all five are kept under image_and_caption, one under image."""
    rows = [Row(caption(i), url=b"u" * 16) for i in range(5)] + [Row(caption(9), url=b"v" * 16)]
    files = write(signed(rows), tmp_path / "s")
    assert (matched(files, tmp_path / "a", "image_and_caption").cluster == -1).all()
    found = matched(files, tmp_path / "b", "image")
    assert sets(found.cluster) == {frozenset(range(5))}
    assert (found.agreement[:5] == 1).all()


@pytest.mark.parametrize("policy", ["image", "image_and_caption", "image_or_caption"])
def test_a_url_under_thousands_of_captions_costs_no_list_of_pairs(tmp_path, policy):
    """D11 (b), smaller: rows of one picture are stood for by one and meet nobody else in pairs."""
    rows = [Row(caption(i, 6), url=b"u" * 16) for i in range(3_000)] + [
        Row(caption(10_000 + i, 6), url=i.to_bytes(16, "little")) for i in range(300)
    ]
    found = run(rows, tmp_path, policy)
    assert sets(found.cluster) == (set() if policy == "image_and_caption" else {frozenset(range(3_000))})


def test_the_largest_copy_leads_so_that_all_copies_are_judged_together(tmp_path):
    """A18: three copies are one cluster, whichever of them a filter takes away later."""
    large = np.kron(photo(5), np.ones((2, 2), np.uint8))
    found = run([Row(caption(1), photo(5)), Row(caption(2), large), Row(caption(3), noisy(photo(5), 2))], tmp_path)
    assert found.cluster.tolist() == [1, 1, 1]


def test_equal_bytes_are_one_cluster_even_where_the_picture_says_nothing(tmp_path):
    flat = np.full((200, 200), 90, np.uint8)
    found = run([Row(caption(1), flat), Row(caption(2), flat), Row(caption(3), flat + 1), Row(caption(4), raw=b"no picture")] * 2, tmp_path)
    assert sets(found.cluster) == {frozenset((0, 1, 4, 5)), frozenset((2, 6)), frozenset((3, 7))}


def test_equal_bytes_are_not_parted_by_captions_that_lead_elsewhere(tmp_path):
    other = np.kron(photo(2), np.ones((2, 2), np.uint8))
    rows = [Row(caption(1), other), Row(caption(2), photo(1)), Row(caption(1) + " so", photo(1)), Row(caption(5), photo(1))]
    found = run(rows, tmp_path, "image_or_caption")
    assert len(set(found.cluster[1:].tolist())) == 1
    assert (found.link[found.cluster != np.arange(4)] > 0).all()


def test_rows_without_picture_or_url_are_alone(tmp_path):
    found = run([Row(None), Row(None), Row(caption(1)), Row(caption(1))], tmp_path)
    assert (found.cluster == -1).all()
    assert sets(found.caption_cluster) == {frozenset((2, 3))}


def test_long_texts_match_by_words_and_those_around_five_hundred_characters_meet_both_kinds(tmp_path):
    base = caption(3, 200)
    changed = base.replace(base.split()[40], "changed")
    found = run(
        [Row(text) for text in (base, changed, caption(4, 200), base[-540:], base[-590:], base[-480:-10], base[-440:-10])], tmp_path
    )
    assert sets(found.caption_cluster) == {frozenset((0, 1)), frozenset((3, 4, 5, 6))}


def test_what_steps_leave_is_removed_and_facts_stay(many, tmp_path):
    matched(write(many, tmp_path / "s"), tmp_path / "c", owner_bits=5)
    assert sorted(path.name for path in (tmp_path / "c").rglob("*") if path.is_file()) == [
        *(f"000000{i}.arrow" for i in range(4)),
        "facts.json",
    ]
    assert json.loads((tmp_path / "c" / "facts.json").read_text()) == {
        "rows": 128, "hashes_cut": 0, "views_in_crowded_buckets": 0, "views_with_more_neighbours": 0, "pictures_with_more_partners": 0,
        "rows_beyond_leaders": 0,
    }  # fmt: skip
    part = read_clusters(str(tmp_path / "c"), 50, 101, file_bits=5)
    whole = read_clusters(str(tmp_path / "c"), 0, 128, file_bits=5)
    np.testing.assert_array_equal(part.cluster, whole.cluster[50:101])


def test_what_a_larger_run_left_is_gone(many, tmp_path):
    matched(write(many, tmp_path / "s"), tmp_path / "c", owner_bits=5)
    (tmp_path / "c" / "steps").mkdir(exist_ok=True)
    (tmp_path / "c" / "steps" / ".winnow-half").write_bytes(b"half")
    matched(write(many.slice(0, 40), tmp_path / "t"), tmp_path / "c", owner_bits=5)
    assert sorted(path.name for path in (tmp_path / "c").rglob("*") if path.is_file()) == ["0000000.arrow", "0000001.arrow", "facts.json"]


def test_a_filesystem_without_memory_maps_gives_the_same(many, tmp_path, monkeypatch):
    files = write(many, tmp_path / "s", [100, 28])
    plain = matched(files, tmp_path / "c", owner_bits=6)
    monkeypatch.setattr(storage, "is_local", lambda path: False)
    assert_equal(matched(files, tmp_path / "d", owner_bits=6), plain)


def test_nothing_to_match_is_no_error(tmp_path):
    assert len(matched([], tmp_path / "c").cluster) == 0
    assert len(matched(write(signed([]), tmp_path / "s"), tmp_path / "d").cluster) == 0


def test_a_file_with_other_rows_than_said_is_named(many, tmp_path):
    files = write(many, tmp_path / "s")
    with pytest.raises((InputError, RuntimeError), match=r"0000\.arrow: 128 rows where one batch of 129 rows"):
        matched([SignatureFile(files[0].path, 129)], tmp_path / "c")


def test_pictures_of_a_crowd_are_read_where_they_lie(many, tmp_path, monkeypatch):
    plain = matched(write(many, tmp_path / "s"), tmp_path / "c")
    monkeypatch.setattr("transforms.match.compact.CROWD", 3)
    monkeypatch.setattr("transforms.match.members.DISTANT_AT_ONCE", 20)
    assert_equal(matched(write(many, tmp_path / "t", [100, 28]), tmp_path / "d", owner_bits=5), plain)


def test_what_bounds_cut_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("transforms.match.compact.MOST_LEADERS", {0: 1, 1: 1})
    words, fresh = caption(1, 40).split(), caption(2, 40).split()
    rows = [Row(" ".join(fresh[:i] + words[i:])) for i in range(0, 41, 2)]
    found = run(rows, tmp_path)
    facts = json.loads((tmp_path / "clusters" / "facts.json").read_text())
    assert facts["rows_beyond_leaders"] == (found.caption_cluster == -1).sum() > 0


def test_passes_follow_from_rows_and_memory():
    assert passes_needed(1_000, "plain", 8 << 30) == 1
    assert passes_needed(50_000_000, "plain", 8 << 30) > passes_needed(50_000_000, "plain", 16 << 30) > 1
    assert passes_needed(50_000_000, "views", 8 << 30) > passes_needed(50_000_000, "plain", 8 << 30)
    assert passes_needed(10_000_000, "plain", 0) < 100, "less memory than the engine itself needs still gives a plan"


def test_where_no_row_has_a_hash_there_are_no_keys_of_pictures_and_no_step_for_views(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline.match, "BASE_BYTES", 1)
    batch = signed([Row(caption(i // 2), url=bytes([i // 4]) * 16) for i in range(40)], "views")
    options = {"reach": "views", "owner_bits": 4, "partition_bytes": 3_000}
    files, engine = write(batch, tmp_path / "s"), InProcess()
    found = matched(files, tmp_path / "c", "image", engine, memory_bytes=16_000, **options)
    assert {job.split()[1] for job in engine.jobs} == {"identity", "pass", "edges", "groups", "clusters", "write"}
    monkeypatch.setattr("transforms.match.rows.Rows.have", lambda *_: True)
    assert_equal(found, matched(files, tmp_path / "d", **options))
    assert len(sets(found.caption_cluster)) == 20
