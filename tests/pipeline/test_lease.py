import dataclasses
import json
import pathlib
import subprocess
import sys
import time

import pytest

import pipeline.lease
from pipeline.lease import STALE_SECS, Holder, Lease, read_lease
from schemas.errors import EngineError

ROOT = pathlib.Path(__file__).parents[2]
HOLD = """
import sys, time
from pipeline.lease import Lease
with Lease(sys.argv[1], 'flink 7'):
    print('held', flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path) -> str:
    return str(tmp_path / "lease.json")


def write(path: str, **changes) -> None:
    holder = dataclasses.replace(Holder.this_process(""), **changes)
    pathlib.Path(path).write_text(json.dumps(dataclasses.asdict(holder)))


def test_a_lease_is_held_in_the_block_and_gone_after_it_whatever_happens(path):
    with Lease(path, "job 3") as holder:
        assert read_lease(path) == holder
        assert str(holder).endswith(", job 3")
    assert read_lease(path) is None
    with pytest.raises(ZeroDivisionError), Lease(path):
        1 / 0  # noqa: B018
    assert read_lease(path) is None


def test_a_second_driver_is_told_who_holds_it_and_a_killed_one_is_taken_over_from_at_once(path):
    with subprocess.Popen([sys.executable, "-c", HOLD, path], cwd=ROOT, stdout=subprocess.PIPE) as first:
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(EngineError, match=f"process {first.pid} on .*, flink 7 runs this job"), Lease(path):
            pass
        first.kill()
        first.wait()
        with Lease(path) as holder:
            assert read_lease(path) == holder


def test_a_number_that_another_process_has_now_is_not_the_holder(path):
    write(path, started="1")
    with Lease(path):
        pass


@pytest.mark.parametrize(("changes"), [{"host": "elsewhere"}, {"machine": "a container of the same name"}])
def test_a_driver_on_another_machine_holds_it_for_a_minute_after_its_last_beat(path, changes):
    write(path, **changes, pid=1)
    with pytest.raises(EngineError, match="process 1 on"), Lease(path):
        pass
    write(path, **changes, pid=1, beat=time.time() - STALE_SECS - 1)
    with Lease(path):
        pass


def test_a_file_that_is_none_of_ours_does_not_stop_anybody(path):
    pathlib.Path(path).write_text('{"host": 3')
    with Lease(path):
        pass


def test_the_lease_is_renewed_while_it_is_held_and_left_to_whoever_took_it_over(path, monkeypatch):
    monkeypatch.setattr(pipeline.lease, "BEAT_SECS", 0.05)
    with Lease(path) as holder:
        end = time.monotonic() + 10
        while read_lease(path).beat == holder.beat and time.monotonic() < end:
            time.sleep(0.01)
        assert read_lease(path).beat > holder.beat
        write(path, token="another")
        time.sleep(0.2)
    assert read_lease(path).token == "another"
