"""What is wrong with a shard or with the mapping is an error that names it."""

import gzip
import pathlib

import pytest

from schemas.errors import JobError, UnreadableShardError
from tests.builders import make_shard, make_source, sample, write_webdataset
from tests.read.reading import three
from transforms.read.count import count_rows
from transforms.read.reader import check_columns, open_shard
from transforms.read.shards import list_shards


def test_a_mapped_column_that_no_file_has_names_file_and_key(tmp_path: pathlib.Path) -> None:
    write_webdataset(tmp_path, [sample(0), sample(1, aesthetic=0.5)], per_shard=1)
    good = make_source("webdataset", "*.tar", columns={"similarity": "aesthetic"})
    check_columns(list_shards([good], str(tmp_path)), [good])
    bad = make_source("webdataset", "*.tar", columns={"similarity": "simlarity"})
    with pytest.raises(JobError, match=r"00000\.tar and 1 more: no column 'simlarity', which `source\.columns\.similarity`"):
        check_columns(list_shards([bad], str(tmp_path)), [bad])


@pytest.mark.parametrize(
    "raw",
    [b"GIF89a and so on", b"x" * 5000, gzip.compress(b"no tar at all" * 99, mtime=0), gzip.compress(three(), mtime=0)[:60] + b"#" * 900],
)
def test_what_is_no_tar_is_an_error_that_can_be_counted(tmp_path: pathlib.Path, raw: bytes) -> None:
    path = tmp_path / "00000.tar"
    path.write_bytes(raw)
    with (
        pytest.raises(UnreadableShardError, match=r"00000\.tar.*max_unreadable_shards"),
        open_shard(make_shard(path, "webdataset"), make_source("webdataset")),
    ):
        pass
    assert count_rows(make_shard(path, "webdataset")) == 0
