"""Folders with names that a glob would take for something else."""

from tests.builders import sample
from tests.runs import run_job, run_samples, stamps, tars


def test_a_job_in_a_folder_with_brackets_in_its_name_is_run_and_is_fresh_afterwards(tmp_path):
    ran = run_samples(tmp_path / "set [1] of *", [sample(n) for n in range(3)], per_shard=1)
    assert len(ran.ledger()) == len(ran.data()) == 3
    before = stamps(ran.work / "annotations"), stamps(ran.out / "data")
    run_job(tmp_path / "set [1] of *", tars())
    assert (stamps(ran.work / "annotations"), stamps(ran.out / "data")) == before
    assert len(before[0]) == 3
