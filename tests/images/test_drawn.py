"""What thumbnails look like."""

import dataclasses

import numpy as np
import pytest

from transforms.images import drawn
from transforms.images.drawn import Looked, looks


def test_a_thumbnail_is_looked_at_once_however_often_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    draw, asked = np.random.default_rng(3), []
    thumbnails = np.concatenate([draw.integers(0, 256, (3, 48 * 48)), draw.integers(0, 2, (3, 48 * 48)) * 255]).astype(np.uint8)
    every = looks(thumbnails)

    def counting(some: np.ndarray) -> drawn.Looks:
        asked.append(len(some))
        return looks(some)

    monkeypatch.setattr(drawn, "looks", counting)
    looked = Looked(thumbnails)
    for which in (np.array([4, 1, 4]), np.array([1, 5, 0]), np.array([0, 1, 4, 5]), np.array([], np.int64)):
        found, expected = looked.at(which), every.take(which)
        for field in dataclasses.fields(drawn.Looks):
            assert getattr(found, field.name).tolist() == getattr(expected, field.name).tolist()
    assert asked == [2, 2]
