"""One job, several engines, the same bytes (law 2): the demo, with embeddings, held against an earlier run."""

import hashlib
import pathlib
import tarfile

import numpy as np
import pytest

from pipeline.cli import run_command
from pipeline.demo import make_demo
from tests.clip_retrieval import clip_retrieval
from tests.runs import rows_of

MEANING = ("--set", "source.embeddings=emb", "--set", "dedup.semantic.of=image")
TOPICS = 24  # of embeddings

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


def demo(folder: pathlib.Path, pictures: int) -> str:
    """The demo's job, and embeddings beside its shards: a topic for each key."""
    job = make_demo(str(folder), pictures=pictures)
    for number, path in enumerate(sorted((folder / "shards").glob("*.tar"))):
        with tarfile.open(path) as tar:
            keys = sorted({name.partition(".")[0] for name in tar.getnames()})
        vectors = [np.eye(TOPICS)[hashlib.sha256(key.encode()).digest()[0] % TOPICS] for key in keys]
        clip_retrieval(folder / "emb", list(zip(keys, vectors, vectors, strict=True)), str(number))
    return job


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A finished run of fewer pictures."""
    folder = tmp_path_factory.mktemp("earlier")
    assert run_command(["run", demo(folder, 4), "--set", "workers=1", "--set", "source.max_unreadable=0.5", *MEANING]) == 0
    return f"dedup.against={folder / 'out'}"


def ran(folder: pathlib.Path, earlier: str, *arguments: str) -> dict[str, str]:
    job = demo(folder, 24)
    assert run_command(["run", job, *MEANING, "--set", earlier, *arguments]) == 0
    return published(folder)


@pytest.fixture(scope="module")
def expected(earlier: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("one")
    found = ran(folder, earlier, "--set", "workers=1")
    assert "out/manifest.json" in found
    ledger = [row for row in rows_of(folder / "out.work" / "ledger") if "duplicate_semantic" in row["reasons"]]
    told = [entry["detail"] for row in ledger for entry in row["evidence"] if entry["reason"] == "duplicate_semantic"]
    assert {"earlier run" in detail for detail in told} == {True, False}, "they mean the same as a row of this run, or of the earlier one"
    return found


def test_two_processes_give_the_bytes_of_one(tmp_path, earlier, expected):
    assert ran(tmp_path, earlier, "--set", "workers=2") == expected


@pytest.mark.engine
def test_the_embed_runner_with_a_worker_pool_gives_the_same_bytes(tmp_path, earlier, expected, pool_port):
    external = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{pool_port}"]
    assert ran(tmp_path, earlier, "--", "--runner=PortableRunner", "--job_endpoint=embed", *external) == expected


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_flink_gives_the_same_bytes(tmp_path, earlier, expected, flink_args):
    assert ran(tmp_path, earlier, "--", *flink_args, "--environment_type=LOOPBACK") == expected


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_flink_with_a_worker_pool_gives_the_same_bytes(tmp_path, earlier, expected, flink_args, pool_port):
    external = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{pool_port}"]
    assert ran(tmp_path, earlier, "--", *flink_args, *external) == expected
