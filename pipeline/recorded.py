"""The job in the record of a run (`run.json`), as this version reads it: keys that were renamed since under the names they have today."""

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from pipeline.jobfile import build_job, job_model, lay_over
from schemas.job import Job

RENAMED: Final[Mapping[tuple[str, ...], str]] = {("filters", "nsfw", "exceptions"): "allow", ("filters", "toxicity", "ignore"): "allow"}


def recorded_job(recorded: Mapping[str, Any], name: str, settings: Sequence[str] = ()) -> Job:
    """The job of a record.

    Args:
      recorded: the job as it was written down.
      name: path of the record, for messages.
      settings: `key.path=value` laid over it.

    Raises:
      JobError: it does not fit the model; names every wrong key.
    """
    content = _under_new_names(recorded)
    for setting in settings:
        lay_over(content, setting)
    return build_job(content, os.getcwd(), "--set" if settings else name)


def job_as_far_as_known(recorded: Mapping[str, Any], name: str) -> tuple[Job, list[str]]:
    """The same without what this version knows no more: keys that have vanished, filters that are not installed, values it does not take.

    Args:
      recorded: the job as it was written down, by whatever version.
      name: path of the record, for messages.

    Returns:
      The job, in which defaults stand for what was left out; and the paths of what was, in the order found.

    Raises:
      JobError: a key that is needed is missing.
    """
    content = _under_new_names(recorded)
    left: list[str] = []
    while (path := _first_wrong(content)) is not None:
        if not (taken := _take_out(content, path)):
            break  # what is wrong is what is not there: the message is the model's own
        left.append(taken)
    return build_job(content, os.getcwd(), name), left


def _under_new_names(recorded: Mapping[str, Any]) -> dict[str, Any]:
    content = copy.deepcopy(dict(recorded))
    for (*parents, old), new in RENAMED.items():
        section: Any = content
        for part in parents:
            section = section.get(part) if isinstance(section, dict) else None
        if isinstance(section, dict) and old in section:
            section.setdefault(new, section.pop(old))
    return content


def _first_wrong(content: Mapping[str, Any]) -> tuple[int | str, ...] | None:
    try:
        job_model().model_validate(content)
    except ValidationError as error:
        return error.errors()[0]["loc"]
    return None


def _take_out(content: Any, path: Sequence[int | str]) -> str:
    """Takes out what lies deepest along a path; returns its own path, empty where there is nothing."""
    steps: list[int | str] = []
    place, inside = content, None
    for part in path:
        there = part in place if isinstance(place, dict) else isinstance(place, list) and isinstance(part, int) and part < len(place)
        if not there:
            break
        inside, place = place, place[part]
        steps.append(part)
    if inside is None:
        return ""
    del inside[steps[-1]]
    return ".".join(map(str, steps))
