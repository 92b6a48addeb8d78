"""Law 2, determinism: the same input, job and version give the same bytes, however and wherever it runs."""

import collections

from tests.builders import write_webdataset
from tests.laws.varied import JOB, PER_SHARD, varied
from tests.runs import contents, run_samples, tars, winnow, write_job

PLACE = ("shard", "row", "key")  # what other shards may change


def test_another_folder_and_a_second_run_give_the_same_bytes(unbroken, tmp_path):
    ran = run_samples(tmp_path, varied(), JOB, PER_SHARD)
    assert contents(ran.work / "ledger", ran.out / "data") == contents(unbroken.work / "ledger", unbroken.out / "data")


def test_two_processes_with_another_hash_seed_give_the_bytes_of_one_process(unbroken, tmp_path):
    write_webdataset(tmp_path / "shards", varied(), PER_SHARD)
    job = write_job(tmp_path, tars({**JOB, "workers": 2}))
    done = winnow("run", job, PYTHONHASHSEED="4711")
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "out") == contents(unbroken.out)
    assert contents(tmp_path / "out.work" / "ledger") == contents(unbroken.work / "ledger")


def test_shards_of_another_size_in_another_order_give_the_same_rows(unbroken, tmp_path):
    ran = run_samples(tmp_path, varied()[::-1], JOB, per_shard=7)
    assert sorted_rows(ran.ledger()) == sorted_rows(unbroken.ledger())
    assert sorted_rows(ran.data()) == sorted_rows(unbroken.data())


def sorted_rows(rows):
    """Rows less their place, as a multiset."""
    return collections.Counter(repr({name: value for name, value in row.items() if name not in PLACE}) for row in rows)
