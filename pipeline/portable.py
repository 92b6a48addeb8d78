"""Beam's own options and runners, passed through untouched, with what goes wrong before a job starts said in a sentence."""

import argparse
import contextlib
import io
import json
import os
import shutil
import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from apache_beam.options import pipeline_options as beam_options
from apache_beam.runners.portability.job_server import JobServer
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import PipelineRunner, create_runner

from schemas.errors import EngineError, JobError

LOCAL = {"fnapirunner", "apache_beam.runners.portability.fn_api_runner.fnapirunner"}
_REFUSED = {
    "direct": "it fetches another engine from the network; leave --runner out to run on this machine",
    "dask": "it loses data silently when a collection has two readers",
    "interactive": "it is made for notebooks",
    "test": "it is made for Beam's own tests",
}
_OURS = {"direct_num_workers": "workers", "direct_running_mode": "workers"}
_CONNECT_SECS = 3.0
View = TypeVar("View", bound=beam_options.PipelineOptions)


class Options(beam_options.PipelineOptions):
    """Beam's options, where one that neither Beam nor the engine knows is an error instead of a warning that nobody sees."""

    def view_as(self, cls: type[View]) -> View:
        """The view of one kind, made once: each parses every argument again, and Beam asks for a thousand in a job."""
        views: dict[type, Any] = self.__dict__.setdefault("_views", {})
        if cls not in views:
            views[cls] = super().view_as(cls)
        return views[cls]

    def get_all_options(
        self, *args: Any, add_extra_args_fn: Callable[[argparse.ArgumentParser], None] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        parsers: list[argparse.ArgumentParser] = []

        def extend(parser: argparse.ArgumentParser) -> None:
            if add_extra_args_fn:
                add_extra_args_fn(parser)
            parsers.append(parser)

        values = super().get_all_options(*args, add_extra_args_fn=extend, **kwargs)
        if add_extra_args_fn:  # only then has the engine told what it knows
            _refuse_unknown(parsers[0], self._flags)
        return values


def parse(beam_args: Sequence[str]) -> tuple[str | None, Options]:
    """The runner's name (None: this machine) and the options.

    Raises:
      JobError: an option has a bad value, belongs to the job file, or (on this machine) is not known; or the runner is refused.
    """
    arguments = list(beam_args)
    parsers: list[argparse.ArgumentParser] = []
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            given = beam_options.PipelineOptions(arguments).get_all_options(drop_default=True, add_extra_args_fn=parsers.append)
    except SystemExit as error:
        raise JobError(f"Beam's options: {complaint.getvalue().strip().splitlines()[-1]}") from error
    for option, job_key in _OURS.items():
        if option in given:
            raise JobError(f"--{option}: set `{job_key}` in the job file instead")
    runner = given.get("runner")
    for name, reason in _REFUSED.items():
        if runner and name in runner.lower().rsplit(".", 1)[-1]:
            raise JobError(f"--runner={runner}: {reason}")
    if runner is None or runner.lower() in LOCAL:
        _refuse_unknown(parsers[0], arguments)
        return None, Options(arguments)
    return runner, Options(arguments)


def make_runner(name: str) -> PipelineRunner:
    """A runner that keeps the one job server it starts, where Beam's own starts another for each job.

    Raises:
      JobError: there is no such runner, or its extra is not installed.
    """
    try:
        runner = create_runner(name)
    except (AttributeError, ImportError, ValueError) as error:
        known = "FlinkRunner, SparkRunner, PrismRunner, PortableRunner, DataflowRunner"
        raise JobError(f"--runner={name}: {error}; known are {known}") from error
    if isinstance(runner, PortableRunner):
        start = runner.default_job_server
        servers: list[JobServer] = []

        def default_job_server(options: beam_options.PipelineOptions) -> JobServer:
            if not servers:
                servers.append(start(options))
            return servers[0]

        runner.default_job_server = default_job_server
    return runner


def check_reachable(runner: str, options: Options) -> None:
    """Connects to every address that the options name, so that what is not there is said within seconds.

    Raises:
      EngineError: names the address tried, the option, and what to start.
      JobError: an address is none, or is missing.
    """
    portable = options.view_as(beam_options.PortableOptions)
    kind = runner.lower().rsplit(".", 1)[-1]
    embedded = portable.job_endpoint == "embed"
    if portable.job_endpoint and not embedded:
        _connect(portable.job_endpoint, "--job_endpoint", "start Beam's job server there")
    if portable.artifact_endpoint:
        _connect(portable.artifact_endpoint, "--artifact_endpoint", "start Beam's job server with that --artifact-port")
    if embedded and portable.environment_type not in {"LOOPBACK", "EXTERNAL"}:
        raise JobError("--job_endpoint=embed needs --environment_type=LOOPBACK, or EXTERNAL and a worker pool")
    if embedded and portable.environment_type == "EXTERNAL":
        # Elsewhere the address is meant as seen from the engine's own hosts, and the engine says when it finds nobody there.
        address = _pool_address(portable)
        port = address.rsplit(":", 1)[-1]
        _connect(address, "--environment_config", f"start a worker pool there: winnow worker --port {port}")
    if kind == "flinkrunner" and not portable.job_endpoint:
        flink = options.view_as(beam_options.FlinkRunnerOptions)
        if not flink.flink_master.startswith("["):
            _connect(flink.flink_master, "--flink_master", "start the Flink cluster, or name its REST address")
        _need_java(flink.flink_submit_uber_jar, options)
    if kind == "sparkrunner" and not portable.job_endpoint:
        spark = options.view_as(beam_options.SparkRunnerOptions)
        if spark.spark_master_url.startswith("spark://"):
            _connect(spark.spark_master_url, "--spark_master_url", "start the Spark master")
        _need_java(spark.spark_submit_uber_jar, options)


def _refuse_unknown(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> None:
    unknown = [argument for argument in parser.parse_known_args(list(arguments))[1] if argument.startswith("-")]
    if unknown:
        raise JobError(f"{unknown[0]}: neither Beam nor the engine knows this option; see --help of the runner, or leave it out")


def _need_java(uber_jar: bool, options: Options) -> None:  # noqa: FBT001
    launcher = options.view_as(beam_options.JobServerOptions).job_server_java_launcher
    if not uber_jar and not shutil.which(launcher):
        raise EngineError(f"{launcher} is not on PATH: Beam's job server needs Java 11 or 17; install it, or pass --job_endpoint=HOST:PORT")


def _pool_address(portable: beam_options.PortableOptions) -> str:
    config = portable.environment_config or portable.lookup_environment_option("external_service_address") or ""
    if config.lstrip().startswith("{"):
        config = json.loads(config).get("url", "")
    if ":" not in config:
        raise JobError("--environment_type=EXTERNAL needs --environment_config=HOST:PORT, where `winnow worker --port PORT` runs")
    return config


def _connect(address: str, option: str, cure: str) -> None:
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        host, port = parts.hostname or "localhost", parts.port or (443 if parts.scheme == "https" else None)
        if port is None:
            raise ValueError("no port")
    except ValueError as error:
        raise JobError(f"{option}={address}: not HOST:PORT ({error})") from error
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECS).close()
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise EngineError(f"{option}: nothing answers at {host}:{port} ({why}); {cure}") from error
