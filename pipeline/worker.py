"""Worker processes: how one is started, what it does first, and the pool of them that stands beside a Flink TaskManager."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import grpc
from apache_beam.portability.api import (
    beam_fn_api_pb2,
    beam_fn_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
)
from apache_beam.runners.worker import worker_pool_main
from apache_beam.utils import thread_pool_executor
from google.protobuf import json_format

from pipeline.threads import LIMITS, limit_threads
from schemas.errors import EngineError

_ROOT = str(pathlib.Path(__file__).resolve().parents[1])
_COMMAND = (
    f"import sys; sys.path.append({_ROOT!r}); from pipeline.garbage import collect_rarely; collect_rarely(); "
    "from pipeline.worker import attend; attend()"
)
_PARENT = "WINNOW_PARENT"
_TAIL_BYTES = 4096
_PROVISION_SECS = 30


class WorkerProcess:
    """One worker of an engine: a process of the interpreter that runs this, in a session of its own, gone when its parent is.

    Attributes:
      pid: the process.
    """

    def __init__(self, worker_id: str, control: str, logging: str, options: str, capabilities: str = "") -> None:
        """Starts it.

        Args:
          worker_id: name under which the engine expects it.
          control: address of the engine's control service.
          logging: address of its logging service; empty where it has none.
          options: pipeline options as JSON.
          capabilities: URNs of what the engine can do, separated by spaces.
        """
        environment = {
            **os.environ,
            **LIMITS,
            "CONTROL_API_SERVICE_DESCRIPTOR": f'url: "{control}"',
            "PIPELINE_OPTIONS": options,
            "PYTHONFAULTHANDLER": "1",
            "RUNNER_CAPABILITIES": capabilities,
            "WORKER_ID": worker_id,
            _PARENT: str(os.getpid()),
        }
        if logging:
            environment["LOGGING_API_SERVICE_DESCRIPTOR"] = f'url: "{logging}"'
        self._process = subprocess.Popen(  # noqa: S603  # our interpreter, our code
            [sys.executable, "-c", _COMMAND],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is the driver's to handle
        )
        self.pid = self._process.pid
        self._tail = b""
        threading.Thread(target=self._keep_tail, name=f"tail of {worker_id}", daemon=True).start()

    def _keep_tail(self) -> None:
        assert self._process.stdout
        with self._process.stdout as output:
            while chunk := os.read(output.fileno(), _TAIL_BYTES):
                self._tail = (self._tail + chunk)[-_TAIL_BYTES:]

    @property
    def tail(self) -> str:
        """The last 4 KiB that it printed."""
        return self._tail.decode(errors="replace")

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, negative for a signal; raises `subprocess.TimeoutExpired`."""
        return self._process.wait(timeout)

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait()

    def stop(self, grace_secs: float = 10) -> None:
        """Waits for it to end by itself, and ends it when it does not."""
        try:
            self._process.wait(grace_secs)
        except subprocess.TimeoutExpired:
            self.kill()


def attend() -> None:
    """What a worker process runs: one thread a library, an eye on its parent, then Beam's worker until the engine is done with it."""
    parent = int(os.environ[_PARENT])

    def leave_with_parent() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=leave_with_parent, name="leave with parent", daemon=True).start()
    limit_threads()
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main([])


class _Pool(worker_pool_main.BeamFnExternalWorkerPoolServicer):
    """Beam's pool with the interpreter of this process in place of whatever `python` is on PATH, and with the job's own options."""

    def __init__(self) -> None:
        super().__init__(use_process=True)
        self._workers: dict[str, WorkerProcess] = {}

    def StartWorker(  # noqa: N802  # gRPC's name
        self, request: beam_fn_api_pb2.StartWorkerRequest, context: grpc.ServicerContext
    ) -> beam_fn_api_pb2.StartWorkerResponse:
        del context
        try:
            options, capabilities = _provision(request.provision_endpoint.url, request.worker_id)
            self._workers[request.worker_id] = WorkerProcess(
                request.worker_id, request.control_endpoint.url, request.logging_endpoint.url, options, capabilities
            )
        except (OSError, grpc.RpcError) as error:
            return beam_fn_api_pb2.StartWorkerResponse(error=f"a worker could not be started: {error}")
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(  # noqa: N802
        self, request: beam_fn_api_pb2.StopWorkerRequest, context: grpc.ServicerContext
    ) -> beam_fn_api_pb2.StopWorkerResponse:
        del context
        worker = self._workers.pop(request.worker_id, None)
        if worker:
            worker.stop(grace_secs=2)
        return beam_fn_api_pb2.StopWorkerResponse()

    def stop(self) -> None:
        """Ends all workers."""
        for worker in list(self._workers.values()):
            worker.kill()


def _provision(endpoint: str, worker_id: str) -> tuple[str, str]:
    """The job's options as JSON and the engine's capabilities, as the engine offers them to the worker."""
    with grpc.insecure_channel(endpoint) as channel:
        stub = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        info = stub.GetProvisionInfo(request, timeout=_PROVISION_SECS, metadata=[("worker_id", worker_id)]).info
    return json_format.MessageToJson(info.pipeline_options), " ".join(info.runner_capabilities)


def serve(port: int, host: str = "localhost", ready: Callable[[], None] | None = None) -> None:
    """Serves worker processes to an engine on this machine until it is told to stop (SIGINT, SIGTERM).

    One pool a TaskManager: two that share one give their workers equal names, and each stops the other's.

    Args:
      port: where the engine's `--environment_config=localhost:PORT` looks for it.
      host: name or address to listen at. Whoever can connect can run code here: leave it at localhost where the engine is on this host.
      ready: called once connections are accepted.

    Raises:
      EngineError: the port is taken.
    """
    options = [("grpc.so_reuseport", 0), ("grpc.http2.max_pings_without_data", 0), ("grpc.http2.max_ping_strikes", 0)]
    server = grpc.server(thread_pool_executor.shared_unbounded_instance(), options=options)
    try:
        server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise EngineError(
            f"{host}:{port} cannot be listened at: another worker pool may hold it; stop that one or choose another --port"
        ) from error
    pool = _Pool()
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.start()
    stopped = threading.Event()
    previous = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        if ready:
            ready()
        stopped.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        server.stop(0)
        pool.stop()
