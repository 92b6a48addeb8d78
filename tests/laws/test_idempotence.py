"""Law 5, idempotence: killed at any moment and run again, the result is that of a run that nobody disturbed."""

import json
import pathlib
import signal
import subprocess
import sys

from pipeline.run import open_run
from tests.laws.varied import JOB
from tests.runs import ROOT, Ran, contents, run_job, tars, winnow, write_job

# A job in children of one process that has run it once. Each is killed right before, or after, it publishes a certain file;
# then each is run again.
SWEEP = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from pipeline.commands.run import run_phases
from pipeline.run import open_run

def whole(folder):
    run_phases(open_run(f"{folder}/job.yaml", ()), ("annotate", "match", "judge", "emit"))

def run(folder, part, number, when):
    publish, seen = os.replace, []
    def replace(source, target):
        seen.extend([target] if part in target else [])
        now = part in target and len(seen) == number
        if now and when == "before":
            os.kill(os.getpid(), 9)
        publish(source, target)
        if now:
            os.kill(os.getpid(), 9)
    os.replace = replace
    whole(folder)

tasks = json.loads(sys.argv[2])
whole(f"{tasks[0][0]}/../warm")
def in_children(work):
    children = []
    for task in tasks:
        children.append(os.fork())
        if not children[-1]:
            work(*task)
            os._exit(0)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]

killed = in_children(lambda folder, moment: run(folder, *moment))
print(json.dumps([killed, in_children(lambda folder, moment: whole(folder))]))
"""
MOMENTS = (
    ("/annotations/", 1, "before"), ("/signatures/", 3, "after"), ("/matched.json", 1, "before"), ("/ledger/", 2, "after"),
    ("/judged.json", 1, "before"), ("/data/", 3, "after"), ("/emitted/", 5, "after"),
)  # fmt: skip

# Loaded by every interpreter that a run starts: the first to publish a file of a folder ends itself, or its parent.
HOOK = """
import os
publish = os.replace
def replace(source, target):
    publish(source, target)
    if os.environ["DIE_AT"] in str(target) and not os.path.exists(os.environ["DEAD"]):
        open(os.environ["DEAD"], "x").close()
        os.kill(os.getppid() if os.environ["WHO"] == "parent" else os.getpid(), 9)
os.replace = replace
"""


def prepared(folder: pathlib.Path, unbroken, job=JOB) -> pathlib.Path:
    """A folder with the job of the unbroken run, on the same shards."""
    folder.mkdir()
    (folder / "shards").symlink_to(pathlib.Path(unbroken.run.shards[0].path).parent)
    return write_job(folder, tars(job))


def results(ran):
    return contents(ran.work / "ledger", ran.out / "data", ran.work / "annotations", ran.work / "signatures", ran.work / "emitted")


def test_a_run_killed_at_any_file_that_it_publishes_ends_as_if_nothing_had_been(unbroken, tmp_path):
    prepared(tmp_path / "warm", unbroken)
    folders = [str(prepared(tmp_path / f"{number}", unbroken).parent) for number in range(len(MOMENTS))]
    tasks = json.dumps(list(zip(folders, MOMENTS, strict=True)))
    done = subprocess.run([sys.executable, "-c", SWEEP, str(ROOT), tasks], capture_output=True, text=True)
    assert json.loads(done.stdout or "[]") == [[-9] * len(MOMENTS), [0] * len(MOMENTS)], done.stderr
    for folder, moment in zip(folders, MOMENTS, strict=True):
        assert results(Ran(open_run(f"{folder}/job.yaml", ()))) == results(unbroken), moment


def test_a_killed_worker_then_a_killed_driver_change_nothing(unbroken, tmp_path):
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(HOOK)
    job = prepared(tmp_path / "job", unbroken, {**JOB, "workers": 2})

    def killed(at, who):
        return winnow("run", job, PYTHONPATH=str(tmp_path / "hook"), DIE_AT=at, DEAD=str(tmp_path / f"{who} is dead"), WHO=who)

    worker = killed("/annotations/", "itself")
    assert worker.returncode == 5
    assert "a worker process was lost (killed or out of memory) in annotate; run again" in worker.stderr
    assert killed("/ledger/", "parent").returncode == -signal.SIGKILL
    ran = run_job(tmp_path / "job", tars(JOB), documents=True)
    assert results(ran) == results(unbroken)
    assert contents(ran.out) == contents(unbroken.out)
    assert not list(tmp_path.rglob(".winnow-*"))
