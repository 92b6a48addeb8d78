"""Engines beside this process, started for a test session and stopped after it: Flink's job server, a worker pool.

`conftest.py` offers the fixtures to all tests of this folder.
"""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import pytest

ROOT = pathlib.Path(__file__).parents[2]
_START_SECS = 90


def free_ports(number: int) -> list[int]:
    """Ports that nothing listens at."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def worker_pool(port: int, folder: pathlib.Path) -> Iterator[subprocess.Popen]:
    """A worker pool of Winnow's in a process of its own, with nothing on PATH but the system's programs."""
    code = f"from pipeline.worker import serve; serve({port}, ready=lambda: print('ready', flush=True))"
    with running([sys.executable, "-c", code], "ready", folder / "pool.log", {"PATH": os.defpath}) as process:
        yield process


@contextlib.contextmanager
def flink_job_server(folder: pathlib.Path) -> Iterator[list[str]]:
    """Flink with its job server, inside one Java process; gives Beam's options to reach it.

    Skips the test without Java or without the jars that `.ci/run` fetches (WINNOW_FLINK_LIB names their folder).
    """
    jars = os.environ.get("WINNOW_FLINK_LIB")
    if not shutil.which("java") or not jars:
        pytest.skip("needs Java and the Flink job server: set WINNOW_FLINK_LIB to the folder of jars that .ci/run fetches")
    job, artifact, expansion = free_ports(3)
    command = ["java", "-Xmx1g", f"-Djava.io.tmpdir={folder}", "-cp", f"{jars}/*", "org.apache.beam.runners.flink.FlinkJobServerDriver"]
    command += ["--flink-master=[local]", "--job-host=localhost", f"--job-port={job}", f"--artifact-port={artifact}"]
    command += [f"--expansion-port={expansion}", f"--artifacts-dir={folder}"]
    with running(command, "Job server now running", folder / "flink.log", {}):
        yield ["--runner=PortableRunner", f"--job_endpoint=localhost:{job}", f"--artifact_endpoint=localhost:{artifact}", "--parallelism=2"]


@contextlib.contextmanager
def running(command: Sequence[str], ready: str, output: pathlib.Path, environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    """A process that has written to its output that it is ready; stopped at the end."""
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=file, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + _START_SECS
        while ready not in output.read_text(errors="replace"):
            assert process.poll() is None, f"{command[0]} ended: {output.read_text(errors='replace')}"
            assert time.monotonic() < end, f"{command[0]} does not get ready: {output.read_text(errors='replace')}"
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def pool_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a worker pool."""
    [port] = free_ports(1)
    with worker_pool(port, tmp_path_factory.mktemp("pool")):
        yield port


@pytest.fixture(scope="session")
def flink_args(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Beam's options for Flink, less the environment type."""
    with flink_job_server(tmp_path_factory.mktemp("flink")) as arguments:
        yield arguments
