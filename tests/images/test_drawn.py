"""What thumbnails look like."""

import dataclasses

import numpy as np

from transforms.images.drawn import Looks, looks


def test_looks_are_kept_in_bits_and_those_of_two_pictures_are_what_both_have() -> None:
    flags = np.random.default_rng(3).integers(0, 2, (2, len(dataclasses.fields(Looks)), 200)).astype(bool)
    one, other = (Looks(*side) for side in flags)
    both = Looks.of(one.bits() & other.bits())
    for place, field in enumerate(dataclasses.fields(Looks)):
        assert getattr(Looks.of(one.bits()), field.name).tolist() == flags[0, place].tolist()
        assert getattr(both, field.name).tolist() == flags.all(axis=0)[place].tolist()
    assert Looks.of(np.zeros(2, np.uint16)).take(np.array([0])).drawn.tolist() == [False]


def test_what_is_drawn_has_the_first_bit() -> None:
    draw = np.random.default_rng(3)
    thumbnails = np.concatenate([draw.integers(0, 256, (3, 48 * 48)), draw.integers(0, 2, (3, 48 * 48)) * 255]).astype(np.uint8)
    assert (looks(thumbnails).bits() & 1).tolist() == [0, 0, 0, 1, 1, 1]
