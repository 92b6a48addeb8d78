"""What the steps of judge have in common."""

from typing import Any

from pipeline.docket import Docket
from pipeline.steps import Step
from schemas.errors import reported
from schemas.versions import guard


class JudgeStep(Step):
    """A step of judge: guards its versions, reports its errors with the shard."""

    def __init__(self, docket: Docket) -> None:
        self.docket = docket

    def setup(self) -> None:
        guard(dict(self.docket.versions))

    def at(self, shard: int) -> Any:
        """Reports errors of a block with the shard."""
        return reported(f"judge, shard {self.docket.names[shard]}")
