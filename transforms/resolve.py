"""What a cluster does to its members: reservations spread first, then one row stands for the others.

Members of one cluster lie in many shards. They meet as packed records (transforms.records), one partition of clusters at a time, and
what follows for each goes back to its shard as packed records.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from schemas.release import MOST_CAPTIONS
from schemas.signatures import PICTURES_AGREE
from transforms.choice import as_matrix, first_difference
from transforms.match.policy import PICTURE
from transforms.not_duplicates import NO_PAIRS, Pairs
from transforms.ranking import Ranking, rank, smallest_uid
from transforms.records import ELIGIBLE, GIVES, LOCATED, OVERLAPS, SPREAD_MASK
from transforms.text.content_words import in_common

OUTCOME = np.dtype(
    [
        ("row", "<i8"),
        ("cluster", "<i8"),  # as match found it; a list of pairs makes parts of it
        ("name", "V16"),  # smallest uid of the cluster; zero where the row is alone in its part
        ("of", "V16"),  # uid of who stays in its place; zero where nobody does
        ("by", "<i8"),  # dense row of who stays
        ("apart", "V16"),  # uid of a row that a list keeps it apart from; zero where none does
        ("bits", "u1"),
        ("link", "u1"),
        ("agreement", "<f4"),
        ("differs", "<i2"),  # first byte of its rank that differs from that of who stays; -1 where none does, or it could not stay
        ("copies", "<i8"),  # rows of its part; of a cluster of pictures, those that have its picture
        ("hosts", "<i8"),  # registrable domains among them
        ("captions", "<i8"),  # distinct captions that who stays may publish
        ("across", "<i8"),  # of a cluster of pictures, distinct captions; of captions, different pictures
        ("wide", "<i8"),  # of a cluster of pictures, domains that it was seen on, in earlier runs too
    ]
)
ROUNDED = 5e-5  # agreements are multiples of 1e-4
ALMOST = 0.9999  # the most that two rows agree that are not the same
DUPLICATE, COPY_RESERVED, PLACEHOLDER, UNPLACED = 1, 2, 32, 128  # bits beside those of SPREADS; the last: a placeholder but for domains
TRIGGER = 4  # bit of a caption's outcome

EARLIER = 128  # bit of a record: a row of an earlier run, and so no copy of this one

CARRIED = np.dtype([("row", "<i8"), ("place", "<i4"), ("from", "<i8"), ("uid", "V16")])
"""A caption that a row carries: the row, the place among what it carries, the row (and its uid) whose caption it is."""


@dataclasses.dataclass(frozen=True)
class Placeholders:
    """When a picture is taken for a notice that stands where many others were.

    Attributes:
      captions: distinct captions from which on it is.
      domains: registrable domains from which on it is; where none of its rows has a URL it is only suspected (`UNPLACED`).
      related: in what share of captions of one picture their commonest words stand (`in_common`) at least; None: not asked.
      rejected: whether none of its rows may stay.
    """

    captions: int
    domains: int
    rejected: bool
    related: float | None = None


@dataclasses.dataclass(frozen=True)
class Triggers:
    """When a caption is suspected to teach a model something by repetition.

    Attributes:
      pictures: different pictures from which on it is.
      domains: registrable domains up to which it is.
    """

    pictures: int
    domains: int


def resolve(
    records: np.ndarray,
    pairs: Pairs = NO_PAIRS,
    release: int | None = None,
    *,
    captions: bool = False,
    placeholders: Placeholders | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """What follows for every member of whole clusters.

    A content-scoped reservation of any member covers all, whatever a list of pairs says, and so does a picture of a benchmark those that
    have it from the leader. Of what is left eligible the best stays (see `rank`), every other member is its duplicate. Where nobody is
    eligible nobody is a duplicate. A list of pairs parts the cluster (`transforms.not_duplicates.parted`), and each part is then a
    cluster of its own.

    Args:
      records: of `transforms.records.member_type`, whole clusters, in any order; rows of the elder side among them have numbers beyond all
        others, and are no copies of this run.
      pairs: rows that are no duplicates of each other.
      release: rows from this number on are those of the release that the others are appended to: its clusters keep their names.
      captions: whether who stays carries the captions of its part.
      placeholders: when a picture is one; None where nobody asks. Nobody of a rejected one is eligible.

    Returns:
      OUTCOME records by part. `link` is the row's with its leader; of who stays where the row is the leader. `agreement` likewise,
      but 1 exactly where who stays has the same picture, byte for byte, or where a caption ties them the same normal form.
      CARRIED records, by row and place; none without `captions`.
    """
    covered = _covered(records)
    noticed, texts, domains = _placeholders(records, placeholders)
    free = noticed & PLACEHOLDER == 0 if placeholders and placeholders.rejected else np.ones(len(records), bool)
    ranking = rank(records, (records["bits"] & ELIGIBLE > 0) & (covered & SPREAD_MASK == 0) & free, pairs)
    best, ranked = ranking.best, ranking.order
    stays = ranking.eligible[ranking.starts][ranking.part] if len(records) else ranking.eligible
    duplicate = stays & (ranked != best)
    out = np.zeros(len(records), OUTCOME)
    out["row"], out["cluster"], out["by"] = records["row"][ranked], records["cluster"][ranked], records["row"][best]
    sizes = np.bincount(ranking.part)
    out["copies"], out["hosts"] = _seen(records, ranking)
    out["name"] = np.where(sizes[ranking.part] > 1, smallest_uid(records, ranking, release).view("S16"), b"").astype("S16").view("V16")
    out["of"] = _where(duplicate, records["uid"][best])
    out["apart"] = _where(ranking.apart >= 0, records["uid"][ranking.apart])
    copied = (covered[ranked] & LOCATED > 0) & (records["bits"][ranked] & LOCATED == 0)
    out["bits"] = np.where(duplicate, DUPLICATE, 0) | np.where(copied, COPY_RESERVED, 0) | covered[ranked] & SPREAD_MASK
    out["link"] = _tied(records, "link", ranked, best)
    content = np.where(out["link"] & PICTURE > 0, *((records[name][ranked], records[name][best]) for name in ("picture", "caption")))
    out["agreement"] = _agreement(records, ranked, best, *content)
    out["bits"] |= noticed[ranked]
    out["across"], out["wide"] = texts[ranked], domains[ranked]
    differs = first_difference(as_matrix(records["rank"][ranked]), as_matrix(records["rank"][best]))
    out["differs"] = np.where(duplicate & ranking.eligible, differs, -1)
    carried, counts = carry(records, ranking) if captions else (np.empty(0, CARRIED), np.zeros_like(sizes))
    out["captions"] = counts[ranking.part]
    return out, carried


def cap(
    records: np.ndarray,
    most: int | None,
    pairs: Pairs = NO_PAIRS,
    release: int | None = None,
    triggers: Triggers | None = None,
    *,
    of_texts: bool = True,
) -> np.ndarray:
    """What follows for every member of whole clusters of captions, or of meanings, when at most `most` rows of one are kept.

    Args:
      records: of `transforms.records.member_type`; ELIGIBLE are the rows kept so far.
      most: rows kept of a cluster; None keeps all.
      pairs: rows that are no duplicates of each other; as in `resolve`, each part is a cluster of its own.
      release: as in `resolve`.
      triggers: when a caption is suspected; None where nobody asks.
      of_texts: whether clusters are of captions, of which the same ones agree wholly; meanings agree as they do with the leader's.

    Returns:
      OUTCOME records by part; DUPLICATE marks rows beyond the first `most` in the order of `rank`, TRIGGER all rows of a suspected caption.
    """
    ranking = rank(records, records["bits"] & ELIGIBLE > 0, pairs)
    out = np.zeros(len(records), OUTCOME)
    out["row"], out["cluster"] = records["row"][ranking.order], records["cluster"][ranking.order]
    out["by"] = records["row"][ranking.best]
    out["copies"] = np.bincount(ranking.part)[ranking.part]
    out["name"] = np.where(out["copies"] > 1, smallest_uid(records, ranking, release).view("S16"), b"").astype("S16").view("V16")
    out["hosts"], out["across"] = (_distinct(records[name][ranking.order], ranking.part) for name in ("host", "across"))
    if triggers is not None:
        out["bits"] = np.where((out["across"] >= triggers.pictures) & (out["hosts"] <= triggers.domains), TRIGGER, 0)
    if most is not None:
        place = np.arange(len(records)) - ranking.starts[ranking.part]
        beyond = ranking.eligible & (place >= most)
        out["bits"] |= np.where(beyond, DUPLICATE, 0).astype(np.uint8)
        out["of"] = _where(beyond, records["uid"][ranking.best])
        rows = ranking.order, ranking.best
        texts = (records["caption"][at] for at in rows)
        out["agreement"] = _agreement(records, *rows, *texts) if of_texts else _tied(records, "agreement", *rows)
    return out


def _agreement(records: np.ndarray, ranked: np.ndarray, best: np.ndarray, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """How well each ranked row agrees with who stays, as far as what ties both to their leader tells, float32[n].

    Args:
      records: whole clusters.
      ranked: places of the rows in them.
      best: places of who stays.
      mine: what the rows hold, a picture or a caption, as a hash; 0 where they hold none.
      theirs: what who stays holds.
    """
    tied = records["agreement"][best], records["agreement"][ranked]
    as_leader = ((records["cluster"] == records["row"])[ranked] | (tied[1] == 1)) & (tied[0] > 0)
    return np.where((mine == theirs) & (mine != 0), np.float32(1), np.minimum(np.where(as_leader, *tied), np.float32(ALMOST)))


def _tied(records: np.ndarray, name: str, ranked: np.ndarray, best: np.ndarray) -> np.ndarray:
    """What ties each ranked row to its leader: its own, or that of who stays where the row itself is the leader."""
    leads = (records["cluster"] == records["row"])[ranked]
    return np.where(leads, records[name][best], records[name][ranked])


def carry(records: np.ndarray, ranking: Ranking) -> tuple[np.ndarray, np.ndarray]:
    """The captions that who stays carries beside its own: distinct by normal form, in content order, at most `MOST_CAPTIONS` with its own.

    With policy `image_or_caption` a row may be there because its picture is that of a row whose caption brought it in; it agrees with its
    leader in nothing itself, so its caption is about another picture, and it neither gives nor carries any.

    Args:
      records: whole clusters.
      ranking: of them.

    Returns:
      CARRIED records, by row and place. And of each part how many distinct captions there are in all, int64[parts].
    """
    ranked, part = ranking.order, ranking.part
    stays, best = ranking.eligible[ranking.starts], ranked[ranking.starts]
    own = records["caption"][best]
    caption = records["caption"][ranked]
    tied = (records["link"] & PICTURE == 0) | (records["agreement"] > np.float32(PICTURES_AGREE - ROUNDED))
    gives = (records["bits"] & GIVES > 0) & tied
    chosen = np.flatnonzero(gives[ranked] & (stays & tied[best])[part] & (caption != own[part]))
    given, of, said = ranked[chosen], part[chosen], caption[chosen]
    uid, order = records["uid"].view("S16")[given], records["order"].view("S16")[given]
    at = np.lexsort((records["row"][given], uid, order, of))
    by_text = at[np.lexsort((np.arange(len(at)), said[at], of[at]))]
    first = np.ones(len(by_text), bool)
    first[1:] = (np.diff(of[by_text]) != 0) | (said[by_text][1:] != said[by_text][:-1])
    distinct = np.zeros(len(at), bool)
    distinct[by_text[first]] = True
    at = at[distinct[at]]
    number = np.bincount(of[at], minlength=len(best))
    place = np.arange(len(at)) - np.repeat(np.cumsum(number) - number, number)
    has_own = (own != 0).astype(np.int64)
    fits = place < MOST_CAPTIONS - has_own[of[at]]
    at, place = at[fits], place[fits]
    out = np.zeros(len(at), CARRIED)
    out["row"], out["place"] = records["row"][best[of[at]]], place
    out["from"], out["uid"] = records["row"][given[at]], records["uid"][given[at]]
    return out[np.lexsort((out["place"], out["row"]))], np.where(stays, number + has_own, 0)


def by_shard(outcomes: np.ndarray, starts: np.ndarray) -> Iterator[tuple[int, bytes]]:
    """Records with a `row`, packed, per shard number; `starts` is the dense number of each shard's first row, ascending."""
    ordered = outcomes[np.argsort(outcomes["row"], kind="stable")]
    shard = np.searchsorted(starts, ordered["row"], side="right") - 1
    numbers, heads = np.unique(shard, return_index=True)
    for number, part in zip(numbers.tolist(), np.split(ordered, heads[1:]), strict=False):  # nothing is one part, of no shard
        yield number, part.tobytes()


def _placeholders(records: np.ndarray, rule: Placeholders | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which members have a picture that is a placeholder, as bits, uint8[n], and how many captions and domains it has, int64[n] each.

    Rows held from earlier runs count.
    Whatever parts a list makes of a cluster, it is one picture; under `image_or_caption` only members whose picture is the leader's count.
    """
    if rule is None or not len(records):
        return np.zeros(len(records), np.uint8), *np.zeros((2, len(records)), np.int64)
    alike, cluster = _alike(records), np.unique(records["cluster"], return_inverse=True)[1]
    said = _texts(records)
    texts, hosts = (_distinct(np.where(alike, values, np.uint64(0)), cluster) for values in (said, records["host"]))
    spread = np.where(hosts >= rule.domains, PLACEHOLDER, np.where(hosts == 0, UNPLACED, 0))
    noticed = np.where(alike & (texts >= rule.captions), spread, 0).astype(np.uint8)
    if rule.related is not None:
        noticed[_related(records, said, cluster, noticed > 0, rule.related)] = 0
    return noticed, texts, hosts


def _texts(records: np.ndarray) -> np.ndarray:
    """What tells captions apart, uint64[n]: `across`, made one for the same caption of this run and of an earlier one."""
    order = np.lexsort((records["across"], records["caption"]))
    caption = records["caption"][order]
    first = np.ones(len(order), bool)
    first[1:] = caption[1:] != caption[:-1]
    out = np.empty(len(order), np.uint64)
    out[order] = records["across"][order][first][np.cumsum(first) - 1]
    return np.where(records["caption"] == 0, records["across"], out)


def _related(records: np.ndarray, said: np.ndarray, cluster: np.ndarray, some: np.ndarray, least: float) -> np.ndarray:
    """Of some members (bool[n]) of clusters (int64[n]) those whose captions, each once, speak of the same; where most are mute none do."""
    out = np.zeros(len(records), bool)
    chosen = np.flatnonzero(some)
    uid, row = records["uid"].view("S16")[chosen], records["row"][chosen]
    chosen = chosen[np.lexsort((row, uid, said[chosen], cluster[chosen]))]
    for mine in np.split(chosen, np.flatnonzero(np.diff(cluster[chosen])) + 1):
        texts, first = np.unique(said[mine], return_index=True)
        words = records["words"][mine[first[texts != 0]]]
        speaking = words[words != 0]
        out[mine] = 2 * len(speaking) >= len(words) and in_common(speaking) >= least
    return out


def _seen(records: np.ndarray, ranking: Ranking) -> tuple[np.ndarray, np.ndarray]:
    """How many rows of this run in each ranked member's part have its picture, and on how many domains, int64[n] each.

    Under `image_or_caption` a member may be there for its caption alone: what is known of its picture is that it itself has it.
    """
    alike, host = _alike(records)[ranking.order], records["host"][ranking.order]
    here = records["bits"][ranking.order] & EARLIER == 0
    rows = np.bincount(ranking.part[alike & here], minlength=len(ranking.starts))[ranking.part]
    domains = _distinct(np.where(alike & here, host, np.uint64(0)), ranking.part)
    return np.where(alike, rows, 1), np.where(alike, domains, host != 0)


def _alike(records: np.ndarray) -> np.ndarray:
    """Members that have the picture of their leader, bool[n]."""
    return (records["link"] & PICTURE > 0) | (records["cluster"] == records["row"])


def _covered(records: np.ndarray) -> np.ndarray:
    """Bits of SPREAD_MASK and LOCATED that each member has from any of its cluster, in the order of the records."""
    bits = records["bits"] & (SPREAD_MASK | LOCATED)
    alike = _alike(records)
    within = np.where(alike, 0xFF, 0xFF ^ OVERLAPS).astype(np.uint8)
    return _of_cluster(records, bits & within) & within


def _of_cluster(records: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """The bits of all members of each member's cluster together, in the order of the records."""
    if not len(records):
        return bits
    order = np.argsort(records["cluster"], kind="stable")
    head = np.ones(len(order), bool)
    head[1:] = np.diff(records["cluster"][order]) != 0
    out = np.empty_like(bits)
    out[order] = np.bitwise_or.reduceat(bits[order], np.flatnonzero(head))[np.cumsum(head) - 1]
    return out


def _distinct(values: np.ndarray, part: np.ndarray) -> np.ndarray:
    """How many distinct values each member's part has, 0 not counted, int64[n]."""
    order = np.lexsort((values, part))
    fresh = np.ones(len(order), bool)
    fresh[1:] = (np.diff(part[order]) != 0) | (values[order][1:] != values[order][:-1])
    fresh &= values[order] != 0
    return np.bincount(part[order][fresh], minlength=int(part.max(initial=-1)) + 1)[part]


def _where(mask: np.ndarray, uids: np.ndarray) -> np.ndarray:
    """Uids where a mask holds, else zeros, V16[n]."""
    return np.where(mask, uids.view("S16"), np.zeros(1, "S16")).view("V16")
