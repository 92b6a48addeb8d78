"""Clusters on disk."""

import numpy as np
import pytest

from schemas.errors import InputError
from transforms.match.clusters import Clusters, path_of, read_clusters, write_clusters


def test_any_run_of_rows_is_read_back(tmp_path):
    leaders = np.arange(20) // 2 * 2
    agreement = (np.arange(20) / 20).astype(np.float32)
    for owner in range(3):
        part = slice(8 * owner, min(20, 8 * owner + 8))
        write_clusters(
            path_of(str(tmp_path), owner), Clusters(leaders[part], -leaders[part], leaders[part].astype(np.uint8), agreement[part])
        )
    for start, stop in ((0, 20), (3, 4), (7, 9), (8, 16), (5, 20), (4, 4)):
        found = read_clusters(str(tmp_path), start, stop, file_bits=3)
        np.testing.assert_array_equal(found.cluster, leaders[start:stop])
        np.testing.assert_array_equal(found.caption_cluster, -leaders[start:stop])
        np.testing.assert_array_equal(found.agreement, agreement[start:stop])
        assert (found.cluster.dtype, found.link.dtype, found.agreement.dtype) == (np.int64, np.uint8, np.float32)


def test_clusters_that_were_never_written_are_named(tmp_path):
    with pytest.raises(InputError, match=r"0000000\.arrow"):
        read_clusters(str(tmp_path), 0, 1)
