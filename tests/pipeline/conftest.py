"""What tests of this folder share: one run of the built-in demo, and the engines beside this process."""

import dataclasses
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from tests.pipeline.engines import flink_args, pool_port
from tests.runs import ROOT, rows_of

__all__ = ["Demo", "demo_run", "flink_args", "pool_port"]


@dataclasses.dataclass(frozen=True)
class Demo:
    """A finished demo: its folder, and what the command printed."""

    folder: pathlib.Path
    stdout: str
    stderr: str

    @property
    def out(self) -> pathlib.Path:
        return self.folder / "out"

    @property
    def work(self) -> pathlib.Path:
        return self.folder / "out.work"

    def ledger(self) -> dict[str, dict[str, Any]]:
        """Ledger rows by key."""
        return {row["key"]: row for row in rows_of(self.work / "ledger")}


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory) -> Demo:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "demo", str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Demo(folder, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def finished_release(tmp_path_factory):
    """`releases.make_release`, run once."""
    from tests.pipeline.releases import make_release

    return make_release(tmp_path_factory.mktemp("release"))
