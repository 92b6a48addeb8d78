import pathlib

import pytest

from schemas.errors import LawError
from tests.builders import sample
from tests.runs import run_samples
from transforms.takedown.data import rewrite_data


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> tuple[pathlib.Path, list[str]]:
    rows = [sample(n, caption=f"a wall in the town of {n} towers", similarity=n / 8) for n in range(4)]
    ran = run_samples(tmp_path_factory.mktemp("data"), rows)
    [path] = (ran.out / "data").iterdir()
    return path, [row["uid"] for row in ran.data()]


def test_a_file_that_loses_nothing_is_written_byte_for_byte(published, tmp_path):
    path, uids = published
    described, nulls = rewrite_data(str(path), str(tmp_path / "same.parquet"), uids, set(), {})
    assert (tmp_path / "same.parquet").read_bytes() == path.read_bytes()
    assert described["rows"] == len(uids)
    assert nulls["caption"] == 0


def test_a_file_that_is_not_the_one_its_ledger_tells_of_is_refused(published, tmp_path):
    path, uids = published
    for wrong in (uids[::-1], uids[:-1], [*uids, uids[0]]):
        with pytest.raises(LawError, match=str(path)):
            rewrite_data(str(path), str(tmp_path / "other.parquet"), wrong, {0}, {})
    assert list(tmp_path.iterdir()) == []
