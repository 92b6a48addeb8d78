"""Worker processes for Beam's local runner, watched: one that dies ends the run at once, where Beam's own would wait for ever."""

import contextlib
import signal
import threading
import uuid
from collections.abc import Iterable, Iterator

from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.runners.portability.fn_api_runner.worker_handlers import GrpcWorkerHandler, WorkerHandler
from apache_beam.runners.worker.sdk_worker import StateHandler
from apache_beam.transforms.environments import Environment, python_sdk_capabilities
from google.protobuf import json_format

from pipeline.log import LOGGER
from pipeline.worker import WorkerProcess
from schemas.errors import EngineError

_URN = "winnow:env:process:v1"
_ABORT_EVERY_SECS = 0.2


class Crew:
    """The worker processes of one run.

    Attributes:
      lost: what became of the first worker that ended before its time; None while all is well.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._processes: list[WorkerProcess] = []
        self._lock = threading.Lock()
        self.lost: EngineError | None = None

    @property
    def pids(self) -> list[int]:
        """The processes started so far."""
        return [process.pid for process in self._processes]

    def add(self, process: WorkerProcess) -> None:
        """Takes a worker into the crew."""
        with self._lock:
            self._processes.append(process)

    def report_loss(self, process: WorkerProcess, status: int) -> EngineError:
        """Records that a worker ended, and ends the others: what they still did would be waited for."""
        with self._lock:
            if self.lost is None:
                LOGGER.error("a worker process ended with status %d in %s; it printed last: %s", status, self._label, process.tail)
                self.lost = EngineError(f"a worker process was lost ({_cause(status)}) in {self._label}; run again: what is done is kept")
        self.kill()
        return self.lost

    def kill(self) -> None:
        """Ends all workers at once."""
        for process in list(self._processes):
            process.kill()


_CREWS: dict[str, Crew] = {}


@contextlib.contextmanager
def crew(label: str) -> Iterator[tuple[Crew, Environment]]:
    """The workers of one run, and the environment that tells Beam's runner to start them. None is left when the block ends."""
    name, members = uuid.uuid4().hex, Crew(label)
    _CREWS[name] = members
    try:
        yield members, ProcessEnvironment(name, capabilities=python_sdk_capabilities(), artifacts=())
    finally:
        del _CREWS[name]
        members.kill()


@Environment.register_urn(_URN, bytes)
class ProcessEnvironment(Environment):
    """An environment for Beam's local runner whose payload is the name of a crew."""

    def __init__(self, name: str, capabilities: Iterable[str], artifacts: Iterable[object], resource_hints: object = None) -> None:
        super().__init__(capabilities, artifacts, resource_hints)
        self._name = name

    def to_runner_api_parameter(self, context: object) -> tuple[str, bytes]:
        del context
        return _URN, self._name.encode()

    @staticmethod
    def from_runner_api_parameter(
        payload: bytes, capabilities: Iterable[str], artifacts: Iterable[object], resource_hints: object, context: object
    ) -> "ProcessEnvironment":
        del context
        return ProcessEnvironment(payload.decode(), capabilities, artifacts, resource_hints)


@WorkerHandler.register_environment(_URN, bytes)
class ProcessWorkerHandler(GrpcWorkerHandler):
    """Starts one worker process of a crew and watches it."""

    def __init__(self, payload: bytes, state: StateHandler, provision_info: ExtendedProvisionInfo, grpc_server: object) -> None:
        super().__init__(state, provision_info, grpc_server)
        self._crew = _CREWS[payload.decode()]
        self._closing = threading.Event()

    def start_worker(self) -> None:
        options = json_format.MessageToJson(self.provision_info.provision_info.pipeline_options)
        self._process = WorkerProcess(self.worker_id, self.control_address, self.logging_api_service_descriptor().url, options)
        self._crew.add(self._process)
        threading.Thread(target=self._watch, name=f"watch {self.worker_id}", daemon=True).start()

    def _watch(self) -> None:
        status = self._process.wait()
        if self._closing.is_set():
            return
        error = self._crew.report_loss(self._process, status)
        while not self._closing.wait(_ABORT_EVERY_SECS):  # again and again: the runner may be about to ask for more
            with contextlib.suppress(RuntimeError):  # the runner's table of requests changed meanwhile
                self.control_conn.abort(error)

    def close(self) -> None:
        self._closing.set()
        super().close()

    def stop_worker(self) -> None:
        self._process.stop()


def _cause(status: int) -> str:
    """What an exit status tells.

    >>> _cause(-9), _cause(-11), _cause(3)
    ('killed or out of memory', 'crashed: SIGSEGV', 'exit status 3')
    """
    if status == -signal.SIGKILL:
        return "killed or out of memory"
    return f"crashed: {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
