"""One job, several engines, the same bytes (law 2)."""

import hashlib
import pathlib

import pytest

from pipeline.cli import run_command
from pipeline.demo import make_demo

# Flink hangs up on workers that are done, and Beam's reading threads raise at that: noise beside a job that ended well.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def published(folder: pathlib.Path) -> dict[str, str]:
    """Every file that law 2 speaks of, by hash."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in ("out", "out.work/ledger")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }


def ran(folder: pathlib.Path, *arguments: str) -> dict[str, str]:
    job = make_demo(str(folder), pictures=24)
    assert run_command(["run", job, *arguments]) == 0
    return published(folder)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    found = ran(tmp_path_factory.mktemp("one"), "--set", "workers=1")
    assert "out/manifest.json" in found
    assert "out.work/ledger/00000.parquet" in found
    return found


def test_two_processes_give_the_bytes_of_one(tmp_path, expected):
    assert ran(tmp_path, "--set", "workers=2") == expected


@pytest.mark.engine
def test_the_embed_runner_with_a_worker_pool_gives_the_same_bytes(tmp_path, expected, pool_port):
    external = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{pool_port}"]
    assert ran(tmp_path, "--", "--runner=PortableRunner", "--job_endpoint=embed", *external) == expected


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_flink_gives_the_same_bytes(tmp_path, expected, flink_args):
    assert ran(tmp_path, "--", *flink_args, "--environment_type=LOOPBACK") == expected


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_flink_with_a_worker_pool_gives_the_same_bytes(tmp_path, expected, flink_args, pool_port):
    external = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{pool_port}"]
    assert ran(tmp_path, "--", *flink_args, *external) == expected
