"""Members of a group: units, order, and what ties a row to its leader."""

import numpy as np

from schemas.signatures import CAPTION_SHORT, CELLS, CHROMA, GEOMETRY, PERMUTATIONS, PHASHES, THUMBNAIL_SIDE, VIEWS
from tests.images.test_both_ways import stamped
from tests.images.test_contested import mug
from tests.images.test_kinds import pictures
from transforms.images.alignment import LEAST
from transforms.images.details import Details
from transforms.images.drawn import looks
from transforms.images.hues import COLOURED, GREY, TONED
from transforms.match.members import MEMBER, Members
from transforms.match.policy import CAPTION, PICTURE
from transforms.match.verify import Pictures

NO_EDGES = np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0)
NO_LONG = np.empty((0, PERMUTATIONS), np.uint8)


def members(rule, rows, edges=NO_EDGES):
    """Rows as (order, picture or None, caption); every picture and every caption is unlike every other."""
    table = np.zeros(len(rows), MEMBER)
    thumbnails = []
    for i, (order, picture, caption) in enumerate(rows):
        table[i]["row"], table[i]["high"], table[i]["caption"], table[i]["kind"] = i, order, caption, CAPTION_SHORT
        table[i]["signed"] = True
        if picture is not None:
            table[i]["picture"], table[i]["has_picture"] = picture, True
            table[i]["thumbnail"] = picture not in [row[1] for row in rows[:i]]
            if table[i]["thumbnail"]:
                thumbnails.append(np.random.default_rng(picture).integers(0, 256, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), dtype=np.uint8))
    n = len(thumbnails)
    shown = Pictures(
        np.array(thumbnails, np.uint8).reshape(n, THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.zeros((n, len(PHASHES)), np.uint64),
        np.zeros(n, np.uint32), np.zeros((n, len(VIEWS)), np.uint64), np.zeros((n, GEOMETRY), np.float32),
        np.zeros(n, np.uint16), np.zeros((n, len(CHROMA), CELLS), np.int8), Details.none(n),
    )  # fmt: skip
    short = np.array([np.random.default_rng(caption).integers(0, 256, PERMUTATIONS) for _, _, caption in rows], np.uint8)
    return Members(rule, table, (short, NO_LONG), shown, shown.take, edges)


ROWS = [(5, 1, 7), (4, 1, 8), (3, 2, 7), (2, None, 7), (1, None, 9)]  # sorted by order they are rows 4, 3, 2, 1, 0


def test_rows_stand_in_content_order_and_units_are_what_the_rule_says():
    for rule, units in (
        ("caption", [0, 1, 1, 2, 1]),
        ("image", [0, 1, 2, 3, 3]),
        ("image_or_caption", [0, 1, 2, 3, 3]),
        ("image_and_caption", [0, 1, 2, 3, 4]),
    ):
        found = members(rule, ROWS)
        assert found.row.tolist() == [4, 3, 2, 1, 0]
        assert found.head.tolist() == units, rule
        assert (np.diff(found.heads) > 0).all()


def test_a_higher_rank_goes_before_content_order():
    table = np.zeros(3, MEMBER)
    table["row"], table["high"], table["rank"] = [0, 1, 2], [1, 2, 3], [1, 1, 4]
    assert Members("caption", table, (NO_LONG, NO_LONG), np.empty((0, 48, 48), np.uint8), None, NO_EDGES).row.tolist() == [2, 0, 1]


def test_what_ties_rows_to_their_leader():
    found = members("image_or_caption", ROWS)
    assert found.compare(np.array([1, 1, 0]), np.array([2, 3, 3])).tolist() == [True, False, False]
    link, agreement = found.ties(np.array([0, 1, 1, 3, 3]))
    assert link.tolist() == [0, 0, CAPTION, 0, PICTURE]
    assert agreement.tolist() == [1, 1, 1, 1, 1]


def test_the_two_units_of_a_group_are_tied_by_what_their_edge_said():
    found = members("image", ROWS[:3], (np.array([2], np.uint64), np.array([1], np.uint64), np.array([0.8125])))
    assert found.compare(np.array([0]), np.array([1])).tolist() == [True]
    link, agreement = found.ties(np.array([0, 0, 0]))
    assert link.tolist() == [0, PICTURE, PICTURE | CAPTION]
    assert agreement.tolist() == [1, np.float32(0.8125), np.float32(0.8125)]


def test_how_units_stand_is_how_well_they_agree_or_that_they_are_told_apart_or_neither():
    edges = np.array([0, 0], np.uint64), np.array([1, 2], np.uint64), np.array([0.8125, 0.0])
    for rule, expected in (("image", [0.8125, -1, 0]), ("image_or_caption", [0.8125, -1, 0])):
        found = members(rule, [(1, 1, 7), (2, 2, 8), (3, 3, 9), (4, None, 6)], edges)
        assert found.stand(np.array([0, 0, 0]), np.array([1, 2, 3])).tolist() == expected, rule
    together = members("image_or_caption", [(1, 1, 7), (2, 2, 8), (3, 3, 7)], edges)
    assert together.stand(np.array([0, 0, 1]), np.array([1, 2, 2])).tolist() == [0.8125, LEAST, 0]


def test_units_are_contested_by_their_pictures_wherever_those_lie_unless_captions_join_them():
    shown = pictures([mug("cat"), mug("word"), stamped(mug("cat"))], 80)
    for rule, caption, expected in (
        ("image", 7, True),
        ("image_or_caption", 8, True),
        ("image_or_caption", 7, False),
        ("image_and_caption", 7, True),
        ("caption", 8, False),
    ):
        found = members(rule, [(1, 1, 7), (2, 2, caption), (3, 3, 9)])
        found._pictures = shown
        assert found.contested(np.array([0, 1, 0]), np.array([1, 0, 2])).tolist() == [expected, expected, False]
        found._thumbnail[:], found._distant[:], found._read = -1, True, shown.take
        assert found.contested(np.array([0, 1, 0]), np.array([1, 0, 2])).tolist() == [expected, expected, False]


def test_what_colour_a_picture_shows_wherever_it_lies():
    found = members("image", [(1, 1, 7), (2, 2, 8), (3, 3, 9), (4, None, 6)])
    found._pictures.looks[:] = looks(np.zeros((3, THUMBNAIL_SIDE**2), np.uint8), hued=np.ones(3, bool)).bits()
    found._pictures.chroma[1, :, -1], found._pictures.chroma[2] = (-43, 127), np.array([[-51], [35]])
    assert found.colours(np.arange(4)).tolist() == [GREY, COLOURED, TONED, TONED]
    found._thumbnail[:], found._distant[:3] = -1, True
    assert found.colours(np.array([3, 1, 0])).tolist() == [TONED, COLOURED, GREY]
