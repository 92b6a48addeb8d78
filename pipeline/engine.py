"""Where Beam pipelines run: in this process, in worker processes of this machine, or on any engine that Beam can reach."""

import collections
import contextlib
import dataclasses
import io
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, SetupOptions, WorkerOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo, FnApiRunner
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from apache_beam.runners.runner import PipelineRunner
from apache_beam.transforms.environments import EmbeddedPythonEnvironment, Environment
from apache_beam.utils.plugin import BeamPlugin

from pipeline.failures import explain, without_step
from pipeline.local_workers import crew
from pipeline.log import LOGGER
from pipeline.memory import give_back
from pipeline.portable import Options, check_reachable, make_runner, parse
from pipeline.threads import limit_threads
from schemas.errors import JobError, WinnowError

Build = Callable[[beam.Pipeline], None]

# A worker process takes 2 to 3 CPU seconds to start; at 15 MB of shards a second and core, this much pays for it.
BYTES_PER_WORKER = 64 << 20
_KEPT_MESSAGES = 200
_GRACE_SECS = 5.0


@dataclasses.dataclass(frozen=True)
class Engine:
    """Runs pipelines, one after the other, and turns whatever goes wrong into one of Winnow's errors.

    Attributes:
      workers: processes on this machine; "auto" chooses by size. Without meaning on other engines.
      options: Beam's options.
      runner: a runner of Beam's for another engine; None for this machine.
      runner_name: what the user called it.
    """

    workers: int | Literal["auto"]
    options: Options
    runner: PipelineRunner | None = None
    runner_name: str = ""

    @classmethod
    def from_job(cls, workers: int | Literal["auto"], beam_args: Sequence[str] = ()) -> "Engine":
        """An engine as the job and the command line describe it.

        Args:
          workers: the job's `workers`.
          beam_args: Beam's own options, as given after `--`.

        Raises:
          JobError: an option or the runner is not known, or `workers` is not positive.
        """
        if workers != "auto" and workers < 1:
            raise JobError(f"workers: {workers} must be 1 or more, or auto")
        name, options = parse(beam_args)
        return cls(workers, options, None if name is None else make_runner(name), name or "")

    @property
    def is_local(self) -> bool:
        """Whether pipelines run on this machine, by Beam's local runner: shuffles are held in memory."""
        return self.runner is None

    def workers_for(self, size_hint_bytes: int) -> int:
        """Processes that a pipeline over so many bytes of input gets on this machine: 1 is this one."""
        if self.workers != "auto":
            return self.workers
        return max(1, min(available_cores(), size_hint_bytes // BYTES_PER_WORKER))

    def run(self, label: str, build: Build, size_hint_bytes: int = 0) -> None:
        """Builds a pipeline and runs it to its end.

        Args:
          label: what the job is called in messages, e.g. "annotate".
          build: adds the steps to the pipeline. What they call must live in modules, not in `__main__`.
          size_hint_bytes: how much input there is, for `workers: auto`.

        Raises:
          WinnowError: what a worker raised through `schemas.errors.reported`, as it was raised; an `EngineError` where the engine
            cannot be reached or a worker was lost; a plain `WinnowError` for anything else.
          KeyboardInterrupt: on Ctrl-C, when no worker is left.
        """
        limit_threads()
        LOGGER.info("%s: starts", label)
        with _messages() as messages:
            try:
                if self.runner is not None:
                    self._run_elsewhere(build)
                else:
                    self._run_locally(label, build, self.workers_for(size_hint_bytes))
            except WinnowError as error:
                raise without_step(error) from error
            except Exception as error:  # an engine raises kinds of its own
                if _was_interrupted(error):
                    raise KeyboardInterrupt from error
                LOGGER.error("%s: failed", label, exc_info=error)
                raise explain(label, error, list(messages), elsewhere=not self.is_local) from error
        LOGGER.info("%s: done", label)

    def _run_locally(self, label: str, build: Build, workers: int) -> None:
        try:
            if workers == 1:
                self._run_here(build, EmbeddedPythonEnvironment.default(), 1)
            else:
                self._run_in_processes(label, build, workers)
        finally:
            give_back()

    def _run_here(self, build: Build, environment: Environment, workers: int) -> None:
        options = self._fresh_options()
        options.view_as(DirectOptions).direct_num_workers = workers
        provision = beam_provision_api_pb2.ProvisionInfo(
            pipeline_options=JobServiceHandle.encode_pipeline_options(options.get_all_options())
        )
        runner = FnApiRunner(default_environment=environment, provision_info=ExtendedProvisionInfo(provision))
        pipeline = beam.Pipeline(runner=runner, options=options)
        build(pipeline)
        pipeline.run().wait_until_finish()

    def _run_in_processes(self, label: str, build: Build, workers: int) -> None:
        """In a thread of its own: Beam's runner may wait for ever for a worker that is gone, and must not keep Ctrl-C from us."""
        outcome: list[BaseException | None] = []
        ended = threading.Event()

        def work() -> None:
            try:
                self._run_here(build, environment, workers)
                outcome.append(None)
            except BaseException as error:  # handed to the thread that waits
                outcome.append(error)
            ended.set()

        with _quiet_threads(), crew(label) as (members, environment):
            threading.Thread(target=work, name=f"run {label}", daemon=True).start()
            try:
                while not ended.wait(0.2) and members.lost is None:
                    pass
                ended.wait(_GRACE_SECS)
            except KeyboardInterrupt:
                members.kill()
                ended.wait(_GRACE_SECS)
                raise
            if members.lost:
                raise members.lost
        if outcome[0] is not None:
            raise outcome[0]

    def _run_elsewhere(self, build: Build) -> None:
        check_reachable(self.runner_name, self.options)
        with self._options_that_fit():
            pipeline = beam.Pipeline(runner=self.runner, options=self._fresh_options())
        build(pipeline)
        with contextlib.redirect_stderr(_ToLog()):  # a worker in this process (LOOPBACK) prints its tracebacks
            with self._options_that_fit():
                result = pipeline.run()
            try:
                result.wait_until_finish()
            except KeyboardInterrupt:
                with contextlib.suppress(Exception):  # the job server may have had the signal too
                    result.cancel()
                raise

    @contextlib.contextmanager
    def _options_that_fit(self) -> Iterator[None]:
        try:
            yield
        except (NotImplementedError, ValueError) as error:  # Beam's words for options that do not fit together
            raise JobError(f"--runner={self.runner_name}: {' '.join(str(error).split())}") from error

    def _fresh_options(self) -> Options:
        """A copy, for runners write into the options they are given; with the filesystems that others have added to Beam's."""
        options = Options(self.options._flags)
        setup = options.view_as(SetupOptions)
        others = [path for path in BeamPlugin.get_all_plugin_paths() if not path.startswith("apache_beam.")]
        setup.beam_plugins = [*(setup.beam_plugins or ()), *others] or None
        worker = options.view_as(WorkerOptions)
        if not any(flag.startswith("--default_sdk_harness_log_level") for flag in self.options._flags):
            worker.default_sdk_harness_log_level = "WARN"  # a name that Java knows too
        return options


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: where a step was at work in this process, Beam makes a RuntimeError of it."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def available_cores() -> int:
    """Cores that this process may use: its affinity, and the quota of its control group where there is one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError), open("/sys/fs/cgroup/cpu.max") as file:
        quota, period = file.read().split()
        cores = min(cores, max(1, int(quota) // int(period)))  # "max" is no number: no quota
    return cores


class _Keep(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: collections.deque[str] = collections.deque(maxlen=_KEPT_MESSAGES)

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(self.format(record))


class _ToLog(io.TextIOBase):
    def write(self, text: str) -> int:
        if text.strip():
            LOGGER.warning("%s", text.rstrip())
        return len(text)


@contextlib.contextmanager
def _messages() -> Iterator[collections.deque[str]]:
    """What is logged in the block, warnings and worse."""
    handler, root = _Keep(), logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler.messages
    finally:
        root.removeHandler(handler)


@contextlib.contextmanager
def _quiet_threads() -> Iterator[None]:
    """Sends to the log what Beam's own threads die of when a worker is gone."""
    previous = threading.excepthook

    def log(arguments: threading.ExceptHookArgs) -> None:
        LOGGER.warning("thread %s ended", arguments.thread.name if arguments.thread else "?", exc_info=arguments.exc_value)

    threading.excepthook = log
    try:
        yield
    finally:
        threading.excepthook = previous
