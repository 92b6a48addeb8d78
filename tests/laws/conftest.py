"""One unbroken run that the laws compare others with."""

import pytest

from tests.laws.varied import JOB, PER_SHARD, varied
from tests.runs import Ran, run_samples


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The varied samples run once in this process."""
    return run_samples(tmp_path_factory.mktemp("unbroken"), varied(), JOB, per_shard=PER_SHARD, documents=True)
