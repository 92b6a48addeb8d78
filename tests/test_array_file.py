"""Arrays in files."""

import resource

import numpy as np
import pytest

from schemas.errors import EngineError
from transforms.array_file import read_array, write_array


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3).T,
        np.zeros((3, 0), np.uint64),
        np.array([(1, 2.5)], [("row", "<u8"), ("score", "<f4")]),
        np.array([7], np.uint8),
    ],
    ids=["transposed", "empty", "records", "octets"],
)
def test_an_array_is_read_as_it_was_written_and_by_numpy_too(tmp_path, array):
    path = str(tmp_path / "a.npy")
    write_array(path, array)
    for found in (read_array(path), np.load(path, allow_pickle=False)):
        assert (found.dtype, found.tolist()) == (array.dtype, array.tolist())


def test_an_array_for_which_there_is_no_room_is_told_by_name_and_what_to_do(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(EngineError, match=r"a\.npy: cannot be written \(File too large\); make room"):
            write_array(str(tmp_path / "a.npy"), np.zeros(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())
