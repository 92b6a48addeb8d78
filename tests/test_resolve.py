"""What a cluster does to its members."""

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.release import MOST_CAPTIONS
from transforms.not_duplicates import Pairs
from transforms.records import ELIGIBLE, GIVES, LOCATED, SPREADS, member_type
from transforms.resolve import (
    COPY_RESERVED,
    DUPLICATE,
    EARLIER,
    PLACEHOLDER,
    TRIGGER,
    UNPLACED,
    Placeholders,
    Triggers,
    by_shard,
    cap,
    resolve,
)

MEMBER = member_type(2)


def record(
    cluster, row, uid, *, rank=b"\2\0", order=b"m", consent=1, bits=ELIGIBLE, link=1, agreement=1.0, host=0, caption=0,
    picture=0, words=0, across=0
):  # fmt: skip
    uid, order = uid.ljust(16, b"\0"), order.ljust(16, b"\0")
    return (cluster, row, uid, rank, consent, order, bits, link, agreement, host, caption, picture, words, across)


def resolved(records, **options):
    return resolve(np.array(records, MEMBER), **options)[0]


def outcomes(records, kernel=resolve, **options):
    found = kernel(np.array(records, MEMBER), **options)
    found = found[0] if kernel is resolve else found
    return {
        int(row): (bytes(of).rstrip(b"\0"), int(bits))
        for row, of, bits in zip(found["row"], found["of"].tolist(), found["bits"], strict=True)
    }


def test_the_best_eligible_member_stays_and_all_others_are_its_duplicates():
    found = outcomes([record(0, 0, b"a", order=b"b"), record(0, 1, b"b", order=b"a"), record(0, 2, b"c", order=b"a", bits=0)])
    assert found == {0: (b"b", DUPLICATE), 1: (b"", 0), 2: (b"b", DUPLICATE)}


def test_a_leader_that_goes_agrees_with_who_stays_as_that_one_with_it():
    leader, stays, third = record(0, 0, b"a", bits=0), record(0, 1, b"b", agreement=0.8), record(0, 2, b"c", order=b"z", agreement=0.9)
    found = resolved([leader, stays, third])
    agreement = dict(zip(found["row"].tolist(), found["agreement"].round(4).tolist(), strict=True))
    assert (round(agreement[0], 4), round(agreement[2], 4)) == (0.8, 0.9)


def test_only_the_same_bytes_as_those_of_who_stays_agree_wholly():
    """Whatever ties both to the leader of their cluster, and however near a picture comes."""
    leader = record(0, 0, b"a", order=b"y", picture=7)
    stays = record(0, 1, b"b", order=b"a", picture=8, agreement=0.93)
    others = [
        record(0, row, uid, order=b"z", picture=picture, agreement=agreement)
        for row, uid, picture, agreement in ((2, b"c", 8, 0.93), (3, b"d", 7, 1.0), (4, b"e", 9, 1.0), (5, b"f", 9, 0.99996))
    ]
    found = resolved([leader, stays, *others])
    agreement = dict(zip(found["row"].tolist(), found["agreement"].astype(float).round(4).tolist(), strict=True))
    assert {row: agreement[row] for row in (0, 2, 3)} == {0: 0.93, 2: 1.0, 3: 0.93}
    assert (agreement[4], agreement[5]) == (0.93, 0.9999)


def test_captions_beyond_the_first_agree_wholly_where_their_normal_form_is_the_same():
    rows = [record(0, 0, b"a", caption=5, order=b"a"), record(0, 1, b"b", caption=5), record(0, 2, b"c", caption=6, agreement=0.8)]
    found = cap(np.array(rows, MEMBER), 1)
    assert dict(zip(found["row"].tolist(), found["agreement"].astype(float).round(4).tolist(), strict=True)) == {0: 1.0, 1: 1.0, 2: 0.8}


def test_rows_that_mean_the_same_agree_as_their_embeddings_do_whatever_their_captions_are():
    rows = [record(0, row, uid, caption=5, agreement=cosine) for row, uid, cosine in ((0, b"a", 1.0), (1, b"b", 0.995), (2, b"c", 1.0))]
    found = cap(np.array(rows, MEMBER), 1, of_texts=False)
    assert dict(zip(found["row"].tolist(), found["agreement"].astype(float).round(4).tolist(), strict=True)) == {0: 1.0, 1: 0.995, 2: 1.0}


def test_consent_goes_before_pixels():
    found = outcomes([record(0, 0, b"a", order=b"a", consent=2), record(0, 1, b"b", order=b"z", consent=0)])
    assert found[1] == (b"", 0)


def test_where_no_member_is_eligible_nobody_is_a_duplicate():
    found = outcomes([record(0, 0, b"a", bits=0), record(0, 1, b"b", bits=0)])
    assert found == {0: (b"", 0), 1: (b"", 0)}


def test_a_content_reservation_covers_the_whole_cluster_before_a_representative_is_chosen():
    opt_out = SPREADS["opt_out"]
    found = outcomes([record(0, 0, b"a"), record(0, 1, b"b", bits=opt_out), record(7, 7, b"c"), record(7, 8, b"d")])
    assert found[0] == (b"", opt_out)
    assert found[1] == (b"", opt_out)
    assert found[8] == (b"c", DUPLICATE)


def test_a_picture_of_a_benchmark_covers_those_that_have_it_from_the_leader_and_no_copy_stays():
    overlap = SPREADS["eval_overlap"]
    found = outcomes([record(0, 0, b"a"), record(0, 1, b"b", bits=overlap), record(0, 2, b"c")])
    assert found == dict.fromkeys(range(3), (b"", overlap))
    found = outcomes([record(0, 0, b"a"), record(0, 1, b"b", bits=overlap), record(0, 2, b"c", link=2)])
    assert found[2] == (b"", 0), "its caption alone ties it"
    by_caption = outcomes([record(0, 0, b"a"), record(0, 1, b"b", bits=overlap, link=2)])
    assert by_caption[0] == (b"", 0)


def test_a_location_reservation_leaves_copies_elsewhere_and_is_reported():
    found = outcomes([record(0, 0, b"a", bits=LOCATED), record(0, 1, b"b")])
    assert found == {0: (b"b", DUPLICATE), 1: (b"", COPY_RESERVED)}


def test_a_caption_cluster_keeps_the_first_n_of_those_still_kept():
    records = [record(0, row, bytes([97 + row]), order=bytes([97 + row])) for row in range(4)] + [record(0, 9, b"z", order=b"A", bits=0)]
    found = outcomes(records, cap, most=2)
    assert {row for row, (_, bits) in found.items() if bits & DUPLICATE} == {2, 3}
    assert found[3][0] == b"a"
    assert not any(bits for _, bits in outcomes(records, cap, most=None).values())


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 2), st.sampled_from([0, 1, 2, 3, SPREADS["opt_out"] | 1])),
        max_size=12,
    ),
    st.randoms(),
)
def test_arrival_order_does_not_show_and_at_most_one_stays(drawn, shuffle):
    records = [record(10 * c, row, bytes([65 + row]), order=bytes([97 + o]), consent=s, bits=b) for row, (c, o, s, b) in enumerate(drawn)]
    found = outcomes(records) if records else {}
    mixed = list(records)
    shuffle.shuffle(mixed)
    assert (outcomes(mixed) if mixed else {}) == found
    for cluster in {r[0] for r in records}:
        mine = [r for r in records if r[0] == cluster]
        spread = any(r[6] & ~3 for r in mine)
        staying = [r for r in mine if r[6] & ELIGIBLE and not spread and not found[r[1]][1] & DUPLICATE]
        assert len(staying) == (0 if spread else min(1, sum(r[6] & ELIGIBLE for r in mine)))


def test_outcomes_go_back_to_the_shards_they_came_from():
    found = resolved([record(0, 0, b"a"), record(0, 5, b"b"), record(0, 9, b"c")])
    sent = dict(by_shard(found, np.array([0, 5, 5, 8])))
    assert sorted(sent) == [0, 2, 3]


A, B, C, D = (bytes([97 + n]).ljust(16, b"\1") for n in range(4))


def test_rank_goes_before_consent_and_pixels():
    found = outcomes([record(0, 0, A, order=b"a", consent=0, rank=b"\2\1"), record(0, 1, B, order=b"z", consent=2, rank=b"\2\0")])
    assert found == {0: (B, DUPLICATE), 1: (b"", 0)}
    found = resolved([record(0, 0, A, rank=b"\2\1"), record(0, 1, B, rank=b"\1\1"), record(0, 2, C, rank=b"\1\1")])
    assert dict(zip(found["row"].tolist(), found["differs"].tolist(), strict=True)) == {0: 0, 1: -1, 2: -1}


def test_a_pair_that_a_list_names_parts_the_cluster_and_the_second_opens_a_part_of_its_own():
    records = [record(0, row, uid, order=bytes([row + 1]), host=row % 2 + 5) for row, uid in enumerate((A, B, C, D))]
    found = resolved(records, pairs=Pairs.of([(B, C), (C, A)]))
    told = {int(r["row"]): (bytes(r["of"].tolist())[:1], bytes(r["name"].tolist())[:1], int(r["copies"]), int(r["hosts"])) for r in found}
    assert told == {0: (b"\0", b"a", 3, 2), 1: (b"a", b"a", 3, 2), 2: (b"\0", b"\0", 1, 1), 3: (b"a", b"a", 3, 2)}


def test_a_row_that_is_there_for_its_caption_alone_is_no_copy_of_the_picture():
    records = [record(0, 0, A, host=5), record(0, 1, B, host=6, bits=0), record(0, 2, C, link=2, host=7), record(0, 3, D, link=2)]
    found = resolved(records)
    told = {int(row["row"]): (int(row["copies"]), int(row["hosts"])) for row in found}
    assert told == {0: (2, 2), 1: (2, 2), 2: (1, 1), 3: (1, 0)}


def test_a_reservation_covers_rows_that_a_list_keeps_apart_all_the_same():
    records = [record(0, 0, A), record(0, 1, B, bits=SPREADS["taken_down"])]
    found = resolved(records, pairs=Pairs.of([(A, B)]))
    assert found["bits"].tolist() == [SPREADS["taken_down"]] * 2


def test_a_caption_cluster_is_capped_in_each_part():
    records = [record(0, row, uid, order=bytes([row + 1])) for row, uid in enumerate((A, B, C, D))]
    found = outcomes(records, cap, most=1, pairs=Pairs.of([(A, B)]))
    assert {row for row, (_, bits) in found.items() if bits & DUPLICATE} == {2, 3}


def test_who_stays_carries_distinct_captions_in_content_order_whoever_is_preferred():
    gives = ELIGIBLE | GIVES
    records = [
        record(0, 0, A, order=b"c", bits=gives, caption=10, rank=b"\1\0"),
        record(0, 1, B, order=b"d", bits=gives, caption=30),
        record(0, 2, C, order=b"b", bits=GIVES, caption=20),
        record(0, 3, D, order=b"a", bits=gives, caption=30, rank=b"\2\1"),
        record(0, 4, b"e", order=b"0", bits=gives, caption=10),
        record(0, 5, b"f", order=b"0", bits=ELIGIBLE, caption=40),
        record(6, 6, b"g", bits=GIVES, caption=50),
        record(6, 7, b"h", bits=GIVES, caption=60),
    ]
    found, carried = resolve(np.array(records, MEMBER), captions=True)
    assert [(int(c["row"]), int(c["place"]), int(c["from"])) for c in carried] == [(0, 0, 3), (0, 1, 2)]
    assert dict(zip(found["row"].tolist(), found["captions"].tolist(), strict=True)) == dict.fromkeys(range(6), 3) | {6: 0, 7: 0}


def test_a_row_that_agrees_with_its_leader_in_nothing_gives_no_caption_and_carries_none():
    """With policy image_or_caption: its picture is that of a row whose caption brought it in."""
    given = {"bits": ELIGIBLE | GIVES, "link": 1}
    records = [
        record(0, 0, A, order=b"a", caption=1, **given),
        record(0, 1, B, caption=2, agreement=0.7, **given),
        record(0, 2, C, caption=3, agreement=0.31, **given),
        record(0, 3, D, caption=4, agreement=0.71, **given | {"link": 2}),
    ]
    assert resolve(np.array(records, MEMBER), captions=True)[1]["from"].tolist() == [1, 3]
    records[2] = record(0, 2, C, order=b"A", caption=3, agreement=0.31, **given)
    assert resolve(np.array(records, MEMBER), captions=True)[1]["from"].tolist() == []


def test_a_picture_with_very_many_captions_carries_a_thousand_and_counts_the_rest():
    """A19: one picture, millions of captions."""
    n = 20_000
    records = np.zeros(n, MEMBER)
    records["row"], records["bits"], records["caption"] = np.arange(n), ELIGIBLE | GIVES, np.arange(1, n + 1) % 15_000 + 1
    records["uid"] = np.frombuffer(np.arange(1, n + 1, dtype=">u8").repeat(2).tobytes(), "V16")
    records["host"], records["agreement"], records["link"] = np.arange(n) % 400 + 1, 1.0, 1
    found, carried = resolve(records, captions=True)
    assert len(carried) == MOST_CAPTIONS - 1
    assert carried["from"].tolist() == list(range(1, MOST_CAPTIONS))
    assert (found["captions"] == 15_000).all()
    assert (found["copies"] == n).all()
    assert (found["hosts"] == 400).all()


RULE = Placeholders(captions=20, domains=10, rejected=True)


def test_of_a_picture_under_unrelated_texts_on_many_sites_no_copy_stays():
    """D12: "no longer available" pictures under thousands of captions."""

    def found(texts, hosts, rule=RULE):
        records = [record(0, row, bytes([row + 1]), host=hosts and row % hosts + 1, across=row % texts + 1) for row in range(60)]
        [bits] = {bits & (PLACEHOLDER | UNPLACED) for _, bits in outcomes(records, placeholders=rule).values()}
        return bits, sum(of == b"" for of, _ in outcomes(records, placeholders=rule).values())

    assert found(60, 40) == found(20, 10) == (PLACEHOLDER, 60)
    assert found(60, 40, dataclasses.replace(RULE, rejected=False)) == (PLACEHOLDER, 1)
    assert found(19, 40) == found(60, 9) == found(60, 40, None) == (0, 1)
    assert found(30, 0) == (UNPLACED, 1), "where no URL is known nothing is said but that it may be"


def test_captions_that_speak_of_the_same_are_of_one_picture_and_unrelated_ones_are_not():
    """A photo that many sites show under words of their own is no notice in the place of others."""
    rule = dataclasses.replace(RULE, related=0.4)
    draw = np.random.default_rng(2)

    def rejected(sketches):
        records = [record(0, row, bytes([row + 1]), host=row + 1, across=row + 1, words=words) for row, words in enumerate(sketches)]
        return {row for row, (_, bits) in outcomes(records, placeholders=rule).items() if bits & PLACEHOLDER}

    unrelated = [sum({1 << int(bit) for bit in draw.integers(0, 64, 6)}) for _ in range(30)]
    assert rejected(unrelated) == set(range(30))
    assert not rejected([words & ~0b1111 | (0b1011, 0b1101, 0b0111, 0b1111)[n % 4] for n, words in enumerate(unrelated)])
    assert rejected([words | 1 for words in unrelated]) == set(range(30)), "a word that all captions of a shop have says nothing"
    assert rejected([0] * 30) == set(range(30)), "where nobody knows what they say, the numbers count"
    assert rejected([0] * 20 + [0b1111] * 10) == set(range(30))


def test_rows_of_earlier_runs_help_to_tell_a_placeholder_and_are_no_copies_of_this_one():
    own = [record(9000, row, bytes([row + 1]), host=row + 1, across=row + 1) for row in range(8)]
    held = [
        record(9000, 9000 + n, bytes([n + 101]), host=n + 101, across=n + 101, bits=EARLIER | (ELIGIBLE if n == 0 else 0))
        for n in range(12)
    ]
    found = resolved(own + held, placeholders=RULE)
    mine = found[found["row"] < 9000]
    assert (mine["bits"] & PLACEHOLDER > 0).all()
    assert not (mine["bits"] & DUPLICATE).any()
    assert (set(mine["across"]), set(mine["wide"]), set(mine["hosts"]), set(mine["copies"])) == ({20}, {20}, {8}, {8})
    assert (resolved(own + held[:11], placeholders=RULE)["bits"] & PLACEHOLDER == 0).all()


def test_a_logo_that_one_shop_has_under_many_captions_is_no_placeholder():
    records = [record(0, row, bytes([row + 1]), host=7, across=row + 1) for row in range(30)]
    assert sum(of == b"" for of, _ in outcomes(records, placeholders=RULE).values()) == 1


def test_only_members_that_have_the_picture_of_the_leader_make_it_a_placeholder():
    """Under `image_or_caption` others came in by their captions."""
    records = [record(0, row, bytes([row + 1]), link=1 if row < 19 else 2, host=row + 1, across=row + 1) for row in range(60)]
    assert not {row for row, (_, bits) in outcomes(records, placeholders=RULE).items() if bits & PLACEHOLDER}
    more = [record(0, row, bytes([row + 1]), link=1 if row < 25 else 2, host=row + 1, across=row + 1) for row in range(60)]
    found = outcomes(more, placeholders=RULE)
    assert {row for row, (_, bits) in found.items() if bits & PLACEHOLDER} == set(range(25))
    assert found[25] == (b"", 0), "another picture of the cluster stays"


def test_one_caption_over_many_pictures_of_few_sites_is_suspected_and_a_common_one_is_not():
    def suspected(pictures, hosts):
        records = [record(0, row, bytes([row + 1]), host=hosts and row % hosts + 1, across=row % pictures + 1) for row in range(60)]
        return {bool(bits & TRIGGER) for _, bits in outcomes(records, lambda rows: cap(rows, None, triggers=Triggers(20, 3))).values()}

    assert suspected(40, 2) == suspected(20, 3) == suspected(40, 0) == {True}
    assert suspected(19, 1) == suspected(60, 4) == {False}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 4), st.sampled_from([1, 2]), st.sampled_from([0, 1, 33, 32, 3]), st.integers(0, 3)),
        max_size=10,
    ),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] != pair[1]), max_size=6),
    st.randoms(),
)
def test_arrival_order_does_not_show_in_anything_that_follows(drawn, listed, shuffle):
    uids = [bytes([65 + row]) * 16 for row in range(10)]
    records = [
        record(10 * c, row, uids[row], order=bytes([97 + o]), rank=bytes([tier, 0]), bits=b, host=text, caption=text)
        for row, (c, o, tier, b, text) in enumerate(drawn)
    ]
    pairs = Pairs.of([(uids[a], uids[b]) for a, b in listed])
    first = [np.sort(found, order="row") for found in resolve(np.array(records, MEMBER), pairs, captions=True)]
    shuffle.shuffle(records)
    again = [np.sort(found, order="row") for found in resolve(np.array(records, MEMBER), pairs, captions=True)]
    assert [found.tobytes() for found in first] == [found.tobytes() for found in again]
