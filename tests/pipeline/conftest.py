"""Engines that the tests of this folder share."""

from tests.pipeline.engines import flink_args, pool_port

__all__ = ["flink_args", "pool_port"]
