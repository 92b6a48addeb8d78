"""Blocks that lie on the floor: they come back as they were, from where they lie, and errors are told in our words."""

import os

import pytest

from schemas.errors import EngineError, InputError
from transforms.match.blocks import EMPTY
from transforms.match.laid import LEAST, Floor

LONG, LONGER = b"a" * LEAST, os.urandom(3 * LEAST + 5)
BLOCKS = [(7, LONG), (3, b"short"), (7, LONGER), (0, EMPTY), (9, LONG)]


def test_long_blocks_lie_in_one_file_and_come_back_under_their_keys(tmp_path):
    floor = Floor(str(tmp_path / "blocks"))
    sent = list(floor.lay("some step", 4, 0, BLOCKS))
    assert sum(len(block) for _, block in sent) < 200
    assert [path.stat().st_size for path in (tmp_path / "blocks").iterdir()] == [2 * len(LONG) + len(LONGER)]
    assert [(key, *floor.take([block])) for key, block in sent] == BLOCKS
    floor.clear()
    assert not list((tmp_path / "blocks").iterdir())


def test_a_block_that_begins_like_a_place_but_names_a_sender_travels(tmp_path):
    block = (12).to_bytes(8, "little") + bytes(40)
    assert list(Floor(str(tmp_path)).take([block])) == [block]


def test_where_nothing_is_long_nothing_is_written(tmp_path):
    floor = Floor(str(tmp_path / "blocks"))
    assert list(floor.lay("some step", 4, 0, [(1, b"short")])) == [(1, b"short")]
    assert not (tmp_path / "blocks").exists()
    floor.clear()


def test_what_a_pipeline_has_laid_down_is_written_over_by_the_next_and_does_not_show(tmp_path):
    floor = Floor(str(tmp_path))
    list(floor.lay("step", 4, 0, [(1, LONGER)]))
    list(floor.lay("step", 4, 12, [(1, LONG)]))
    floor.reuse()
    floor.reuse()
    sent = [*floor.lay("step", 7, 0, [(1, LONG)]), *floor.lay("step", 7, 12, [(2, LONGER)]), *floor.lay("other", 8, 0, [(3, LONG)])]
    assert {path.name: path.stat().st_size for path in tmp_path.iterdir()} == {
        "step-7-0": len(LONGER),
        "step-7-12": len(LONGER),
        "other-8-0": len(LONG),
    }
    assert [(key, *floor.take([block])) for key, block in sent] == [(1, LONG), (2, LONGER), (3, LONG)]


def test_a_file_that_was_cut_short_is_told_by_name(tmp_path):
    floor = Floor(str(tmp_path))
    [(_, place)] = floor.lay("step", 4, 0, [(1, LONG)])
    os.truncate(tmp_path / "step-4-0", LEAST - 1)
    with pytest.raises(InputError, match=r"step-4-0: 4095 bytes at 0 where 4096 were written; run again"):
        list(floor.take([place]))


def test_a_floor_that_cannot_be_written_is_told_by_name(tmp_path):
    (tmp_path / "blocks").write_text("a file of that name")
    with pytest.raises(EngineError, match=r"blocks/step-4-0: cannot be written"):
        list(Floor(str(tmp_path / "blocks")).lay("step", 4, 0, [(1, LONG)]))
