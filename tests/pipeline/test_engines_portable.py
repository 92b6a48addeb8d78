"""The same pipeline on engines beside this process: Beam's embedded job server, and Flink."""

import pathlib
import threading
import time

import pytest

from pipeline.engine import Engine
from pipeline.worker import serve
from schemas.errors import EngineError, InputError, JobError, WinnowError
from tests.pipeline.engines import free_ports, worker_pool
from tests.pipeline.small_pipeline import contents, die, note_process, on_each_shard, processes, refuse, small, stumble

EMBED = ["--runner=PortableRunner", "--job_endpoint=embed"]

# Flink hangs up on workers that are done, and Beam's reading threads raise at that: noise beside a job that ended well.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture
def reference(tmp_path) -> dict[str, bytes]:
    """What one process gives."""
    Engine.from_job(1, []).run("small", small(tmp_path / "reference"))
    return contents(tmp_path / "reference")


@pytest.fixture
def external(pool_port) -> list[str]:
    return ["--environment_type=EXTERNAL", f"--environment_config=localhost:{pool_port}"]


@pytest.fixture(params=["embed", pytest.param("flink", marks=pytest.mark.engine)])
def elsewhere(request, external) -> list[str]:
    """Options of an engine whose workers come from a pool."""
    return (EMBED if request.param == "embed" else request.getfixturevalue("flink_args")) + external


def test_another_engine_gives_the_same_bytes(elsewhere, reference, tmp_path):
    Engine.from_job("auto", elsewhere).run("small", small(tmp_path / "elsewhere"))
    assert contents(tmp_path / "elsewhere") == reference


def test_an_error_of_ours_comes_back_from_another_engine_as_it_was_raised(elsewhere):
    with pytest.raises(InputError, match=r"^shard-03, row 17: cut\nmake it anew$"):
        Engine.from_job("auto", elsewhere).run("refuse", on_each_shard(refuse))


def test_an_error_of_another_kind_is_one_line_from_another_engine_too(elsewhere):
    with pytest.raises(WinnowError) as caught:
        Engine.from_job("auto", elsewhere).run("stumble", on_each_shard(stumble, "a red kite"))
    assert type(caught.value) is WinnowError
    assert str(caught.value).startswith("stumble: RuntimeError: shard-03: KeyError: ")
    assert "red kite" not in str(caught.value)


@pytest.mark.engine
def test_flink_with_workers_in_this_process_gives_the_same_bytes_and_prints_nothing(flink_args, reference, tmp_path, capfd):
    engine = Engine.from_job("auto", [*flink_args, "--environment_type=LOOPBACK"])
    engine.run("small", small(tmp_path / "elsewhere"))
    assert contents(tmp_path / "elsewhere") == reference
    with pytest.raises(InputError, match=r"^shard-03, row 17: cut\nmake it anew$"):
        engine.run("refuse", on_each_shard(refuse))
    assert capfd.readouterr() == ("", "")


@pytest.mark.engine
def test_a_worker_that_is_killed_on_flink_is_reported_within_ten_seconds(flink_args, external, tmp_path):
    at_work: list[float] = []

    def watch() -> None:
        while not processes(tmp_path):
            time.sleep(0.05)
        at_work.append(time.monotonic())

    threading.Thread(target=watch, daemon=True).start()
    with pytest.raises(EngineError, match=r"a worker process was lost \(killed or out of memory\) in annotate; run again"):
        Engine.from_job("auto", flink_args + external).run("annotate", on_each_shard(die, str(tmp_path), 1))
    assert time.monotonic() - at_work[0] < 10


@pytest.mark.engine
def test_flink_without_a_worker_pool_says_so(flink_args):
    with pytest.raises(EngineError, match=r"the engine or its worker pool cannot be reached: .*refused"):
        Engine.from_job("auto", [*flink_args, "--environment_type=EXTERNAL", "--environment_config=localhost:9"]).run(
            "x", on_each_shard(refuse)
        )


@pytest.mark.engine
def test_an_option_that_flink_does_not_know_is_named(flink_args):
    with pytest.raises(JobError, match="--no_such_option=1"):
        Engine.from_job("auto", [*flink_args, "--environment_type=LOOPBACK", "--no_such_option=1"]).run("x", on_each_shard(refuse))


def test_a_pool_on_a_port_that_another_holds_fails_loudly(pool_port):
    with pytest.raises(EngineError, match=f"localhost:{pool_port} cannot be listened at: another worker pool may hold it"):
        serve(pool_port)


def test_a_pool_that_is_stopped_leaves_no_worker_behind(tmp_path):
    [port] = free_ports(1)
    with worker_pool(port, tmp_path) as pool:
        options = [*EMBED, "--environment_type=EXTERNAL", f"--environment_config=localhost:{port}"]
        (tmp_path / "processes").mkdir()
        Engine.from_job("auto", options).run("note", on_each_shard(note_process, str(tmp_path / "processes")))
        pool.terminate()
        assert pool.wait(10) == 0
    assert not [pid for pid in processes(tmp_path / "processes") if pathlib.Path(f"/proc/{pid}").exists()]
