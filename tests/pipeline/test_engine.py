import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from pipeline.engine import BYTES_PER_WORKER, Engine, available_cores
from pipeline.failures import explain
from pipeline.log import logged
from schemas.errors import EngineError, InputError, JobError, MissingError, WinnowError
from schemas.versions import versions
from tests.pipeline.small_pipeline import (
    contents,
    die,
    expect,
    interrupt,
    miss,
    note_process,
    on_each_shard,
    processes,
    refuse,
    small,
    stumble,
)

ROOT = pathlib.Path(__file__).parents[2]


def test_one_process_and_two_give_the_same_bytes(tmp_path):
    Engine.from_job(1, []).run("small", small(tmp_path / "one"))
    Engine.from_job(2, []).run("small", small(tmp_path / "two"))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) == 9


def test_one_worker_is_this_process_and_two_are_two_others_with_one_thread_each(tmp_path):
    for workers in (1, 2):
        (tmp_path / str(workers)).mkdir()
        Engine.from_job(workers, []).run("note", on_each_shard(note_process, str(tmp_path / str(workers))))
    assert list(contents(tmp_path / "1")) == [str(os.getpid())]
    assert len(contents(tmp_path / "2")) == 2
    assert str(os.getpid()) not in contents(tmp_path / "2")
    assert set(contents(tmp_path / "2").values()) == {b"1 1 1"}


def test_a_number_of_workers_is_obeyed_exactly_and_auto_goes_by_size():
    assert Engine.from_job(7, []).workers_for(0) == 7
    auto = Engine.from_job("auto", [])
    assert auto.workers_for(0) == 1
    assert auto.workers_for(BYTES_PER_WORKER - 1) == 1
    assert auto.workers_for(1 << 50) == available_cores()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_ours_comes_back_as_it_was_raised(workers):
    with pytest.raises(InputError, match=r"^shard-03, row 17: cut\nmake it anew$"):
        Engine.from_job(workers, []).run("refuse", on_each_shard(refuse))


def test_ctrl_c_in_the_midst_of_a_step_is_no_error_of_the_step():
    with pytest.raises(KeyboardInterrupt):
        Engine.from_job(1, []).run("interrupt", on_each_shard(interrupt))


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_another_kind_is_one_line_with_the_shard_and_no_caption_and_the_traceback_is_logged(workers, tmp_path):
    with logged(str(tmp_path)) as log, pytest.raises(WinnowError) as caught:
        Engine.from_job(workers, []).run("stumble", on_each_shard(stumble, "a red kite over the sea"))
    assert type(caught.value) is WinnowError
    assert str(caught.value).startswith("stumble: RuntimeError: shard-03: KeyError: ")
    assert "while running 'Call" in str(caught.value)
    assert "\n" not in str(caught.value)
    text = pathlib.Path(log).read_text()
    assert "small_pipeline.py" in text
    assert "red kite" not in text + str(caught.value)


def test_a_killed_worker_is_reported_within_ten_seconds_and_no_process_is_left_and_the_engine_works_again(tmp_path):
    folder, both_at_work = tmp_path / "processes", []
    folder.mkdir()

    def watch() -> None:
        assert eventually(lambda: len(processes(folder)) == 2, 60)
        both_at_work.append(time.monotonic())

    threading.Thread(target=watch, daemon=True).start()
    engine = Engine.from_job(2, [])
    with pytest.raises(
        EngineError, match=r"a worker process was lost \(killed or out of memory\) in annotate; run again: what is done is kept"
    ):
        engine.run("annotate", on_each_shard(die, str(folder), 2))
    assert time.monotonic() - both_at_work[0] < 10
    assert not alive(folder)
    engine.run("small", small(tmp_path / "out"))
    assert len(contents(tmp_path / "out")) == 9


DRIVER = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
from pipeline.engine import Engine
from tests.pipeline.small_pipeline import die, on_each_shard
try:
    Engine.from_job(2, []).run("annotate", on_each_shard(die, sys.argv[1], 2, True))
except KeyboardInterrupt:
    os._exit(130)
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_driver_that_is_interrupted_or_killed_leaves_no_worker_behind(tmp_path, number, status):
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path)], cwd=ROOT, stderr=subprocess.PIPE)
    assert eventually(lambda: len(processes(tmp_path)) == 2, 60)
    driver.send_signal(number)
    assert driver.wait(60) == status
    assert eventually(lambda: not alive(tmp_path), 10)
    assert driver.stderr.read() == b""


def alive(folder: pathlib.Path) -> list[int]:
    return [pid for pid in processes(folder) if pathlib.Path(f"/proc/{pid}").exists()]


def eventually(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--no_such_option=1"], "--no_such_option=1"),
        (["--runner=NoSuchRunner"], "NoSuchRunner"),
        (["--runner=DirectRunner"], "DirectRunner"),
        (["--runner=DaskRunner"], "DaskRunner"),
        (["--direct_num_workers=4"], "`workers`"),
        (["--runner=FlinkRunner", "--parallelism=many"], "--parallelism"),
    ],
)
def test_an_unknown_runner_or_option_is_named(arguments, named):
    with pytest.raises(JobError) as caught:
        Engine.from_job(1, arguments)
    assert named in str(caught.value)


def test_no_workers_at_all_is_a_mistake():
    with pytest.raises(JobError, match="workers: 0"):
        Engine.from_job(0, [])


@pytest.mark.parametrize(
    ("arguments", "tried"),
    [
        (["--runner=FlinkRunner", "--flink_master=127.0.0.1:9"], "--flink_master: nothing answers at 127.0.0.1:9"),
        (["--runner=SparkRunner", "--spark_master_url=spark://127.0.0.1:9"], "--spark_master_url: nothing answers at 127.0.0.1:9"),
        (["--runner=PortableRunner", "--job_endpoint=127.0.0.1:9"], "--job_endpoint: nothing answers at 127.0.0.1:9"),
        (
            ["--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=EXTERNAL", "--environment_config=127.0.0.1:9"],
            "winnow worker --port 9",
        ),
    ],
)
def test_an_engine_that_cannot_be_reached_is_said_within_seconds(arguments, tried):
    start = time.monotonic()
    with pytest.raises(EngineError) as caught:
        Engine.from_job(1, arguments).run("annotate", on_each_shard(refuse))
    assert time.monotonic() - start < 10
    assert tried in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--runner=PrismRunner", "--prism_location=/no/prism"], "/no/prism"),
        (["--runner=PortableRunner"], "job_endpoint"),
        (["--runner=PortableRunner", "--job_endpoint=embed"], "--environment_type"),
    ],
)
def test_options_that_do_not_fit_together_are_a_mistake_of_the_command_line(arguments, named):
    with pytest.raises(JobError) as caught:
        Engine.from_job(1, arguments).run("annotate", on_each_shard(refuse))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_job_server_that_cannot_be_downloaded_is_named_with_the_cure():
    text = "Traceback (most recent call last):\n    raise URLError(err)\nurllib.error.URLError: <urlopen error [Errno -2] Name not known>"
    error = explain("annotate", RuntimeError(text), [], elsewhere=True)
    assert error.exit_status == 5
    assert "--flink_job_server_jar" in str(error)


def test_an_address_that_is_none_is_a_mistake_in_the_options():
    with pytest.raises(JobError, match="--job_endpoint=nowhere: not HOST:PORT"):
        Engine.from_job(1, ["--runner=PortableRunner", "--job_endpoint=nowhere"]).run("annotate", on_each_shard(refuse))


def test_a_cause_found_only_in_the_messages_of_an_engine_is_found():
    messages = [f"java.lang.Exception: {InputError('a.tar: cut').encode()}\n\tat Foo.java:1"]
    assert repr(explain("annotate", RuntimeError("Pipeline failed."), messages, elsewhere=True)) == "InputError('a.tar: cut')"


def test_three_hundred_lines_of_java_become_one():
    text = (
        "java.lang.RuntimeException: outer\n"
        + "\tat Foo.java:1\n" * 300
        + "Caused by: java.lang.IllegalStateException: no slots left\n\tat Bar.java"
    )
    error = explain("annotate", RuntimeError(text), [], elsewhere=True)
    assert str(error) == "annotate: Caused by: java.lang.IllegalStateException: no slots left (the whole traceback is in the log)"


def test_a_message_that_looks_like_a_lost_engine_is_none_on_this_machine():
    error = explain("annotate", ValueError("Connection refused"), [], elsewhere=False)
    assert (error.exit_status, str(error)) == (1, "annotate: ValueError: Connection refused (the whole traceback is in the log)")


def test_an_error_of_ours_that_nobody_wrapped_comes_back_too():
    with pytest.raises(MissingError, match=r"^no list$"):
        Engine.from_job(1, []).run("annotate", on_each_shard(miss))


def test_a_worker_of_another_version_refuses():
    with pytest.raises(EngineError, match=r"pillow \S+ instead of 1\.0: install the driver's versions there"):
        Engine.from_job(2, []).run("annotate", on_each_shard(expect, versions() | {"pillow": "1.0"}))


def test_one_job_server_serves_all_jobs_of_an_engine():
    engine = Engine.from_job(1, ["--runner=FlinkRunner"])
    assert engine.runner.default_job_server(engine.options) is engine.runner.default_job_server(engine.options)
