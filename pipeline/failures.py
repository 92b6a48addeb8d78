"""What a failed Beam job has to say, in one line: our own error if there is one in what the engine hands back, else the cause."""

import re
import traceback

from pipeline.log import without_text
from schemas.errors import EngineError, WinnowError, decode

_ERROR_LINE = re.compile(r"^(?:Caused by: |Exception in thread \S+ )?(?:[\w$]+\.)*\w*(?:Error|Exception|Interrupt|Exit|Failure)\b.*")
# What Flink and Spark say when the process at the other end of a call is gone.
_WORKER_LOST = re.compile(
    r"CANCELLED: client cancelled|call already cancelled|Multiplexer hanging up|[Hh]eartbeat of TaskManager|ExecutorLostFailure"
)
_UNREACHABLE = re.compile(
    r"UNAVAILABLE|[Cc]onnection refused|failed to connect to all addresses|FutureTimeoutError|UnknownHostException|DEADLINE_EXCEEDED"
)
_NO_DOWNLOAD = re.compile(r"URLError|HTTPError|Unable to fetch remote")
_STEP = re.compile(r" \[while running '[^']*'\]$")
_LONGEST = 500


def explain(label: str, error: BaseException, messages: list[str], *, elsewhere: bool) -> WinnowError:
    """The error that a failed job ends the command with.

    Args:
      label: name of the job, e.g. "annotate".
      error: what Beam raised in the driver.
      messages: what the engine logged meanwhile; portable engines put the cause there.
      elsewhere: whether the engine is another one than this machine, which may be lost as a whole.

    Returns:
      The `WinnowError` that was raised on a worker; else an `EngineError` where the engine or a worker was lost; else, exit status 1,
      the last line that names an error, without quotations that may be a caption.
    """
    text = "\n".join(["".join(traceback.format_exception(error)), *messages])
    ours = decode(text)
    if ours:
        return ours
    if not elsewhere or _is_python(text):
        return WinnowError(f"{label}: {cause(text)} (the whole traceback is in the log)")
    if _WORKER_LOST.search(text):
        return EngineError(f"a worker process was lost (killed or out of memory) in {label}; run again: what is done is kept")
    said = cause(text)
    if _NO_DOWNLOAD.search(said):
        cure = "pass it as --flink_job_server_jar, --spark_job_server_jar or --prism_location, or one that runs as --job_endpoint"
        return EngineError(f"{label}: Beam cannot download the engine's job server ({said}); {cure}")
    if _UNREACHABLE.search(text):
        return EngineError(f"{label}: the engine or its worker pool cannot be reached: {said}")
    return WinnowError(f"{label}: {said} (the whole traceback is in the log)")


def without_step(error: WinnowError) -> WinnowError:
    """An error of ours less the step that Beam adds to the message of whatever is raised in this process.

    >>> without_step(EngineError("gone [while running 'Judge/Read-ptransform-3']"))
    EngineError('gone')
    """
    return type(error)(_STEP.sub("", str(error)))


def cause(text: str) -> str:
    r"""The line of a Python or Java traceback that says most: where Python failed in a step, else the last error named.

    >>> cause("Traceback:\n  File 'a.py', line 1\nKeyError: 'x' [while running 'Judge']\n\n\tat Foo.java:1")
    "KeyError: 'x' [while running 'Judge']"
    >>> cause("java.lang.IllegalStateException: no slots\n\tat org.Foo.bar(Foo.java:1)")
    'java.lang.IllegalStateException: no slots'
    """
    lines = [line.strip() for line in text.splitlines()]
    errors = [line for line in lines if _ERROR_LINE.match(line)]
    in_step = [line for line in errors if "[while running" in line]
    return _short((in_step or errors or [line for line in lines if line] or ["no message"])[-1])


def _is_python(text: str) -> bool:
    """Whether a step of ours raised, so that what follows from it (cancelled calls) is not taken for the cause."""
    return "[while running '" in text


def _short(line: str) -> str:
    clean = without_text(line)
    return clean if len(clean) <= _LONGEST else clean[:_LONGEST] + " ..."
