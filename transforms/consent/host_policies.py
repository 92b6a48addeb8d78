"""A snapshot of host policies as judge asks it: cut into ranges of hosts, each read whole and parsed once, however many URLs ask."""

import bisect
import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import JobError, MissingError
from schemas.host_policies import BODIES
from transforms.consent.fetched import conformed
from transforms.consent.host_policy import HostPolicy, Served
from transforms.consent.signal import Signal
from transforms.consent.stored import lists_of
from transforms.storage import exists, kept_copy
from transforms.text.url import host_of, normal_url


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Ranges of hosts, which are the row groups of the file.

    Attributes:
      path: the file.
      firsts: the first host of each range, ascending; a host that goes on in the next range begins in the first that has it.
      lasts: the last host of each range.
    """

    path: str
    firsts: tuple[str, ...]
    lasts: tuple[str, ...]

    def range_of(self, host: str) -> int | None:
        """The range that a host, in lower case, begins in; None where no range can hold it."""
        at = bisect.bisect_left(self.lasts, host)
        return at if at < len(self.lasts) and self.firsts[at] <= host else None

    def policies(self, number: int, as_of: str | None) -> "Policies":
        """The policies of a range, and of a host that begins in it and goes on. On a date, those fetched until then."""
        rows: list[dict[str, Any]] = []
        with pq.ParquetFile(kept_copy(self.path)) as file:
            for group in range(number, len(self.firsts)):
                if group > number and self.firsts[group] > self.lasts[number]:
                    break
                for batch in file.iter_batches(row_groups=[group]):
                    rows += conformed(batch, "").to_pylist()
        return Policies([row for row in rows if not (as_of and row["fetched_at"] and row["fetched_at"][: len(as_of)] > as_of)])


class Policies:
    """Policies by host; each is parsed when it is first asked for.

    Args:
      rows: of schema `schemas.host_policies.HOST_POLICIES`.
    """

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        self._served = {(row["host"], row["scheme"]): row for row in rows}
        self._parsed: dict[tuple[str, str], HostPolicy] = {}

    @property
    def hosts(self) -> list[tuple[str, str]]:
        """Every host and scheme."""
        return list(self._served)

    def of(self, host: str, scheme: str) -> HostPolicy | None:
        """The policy of a host; that of its other scheme where none of its files was fetched; None where neither was."""
        for key in ((host, scheme), (host, "https"), (host, "http")):
            if key in self._served and key not in self._parsed:
                row = self._served[key]
                self._parsed[key] = HostPolicy(Served(row["fetched_at"], row["status_robots"], *(row[name] for name in BODIES)))
            if key in self._parsed and self._parsed[key].seen:
                return self._parsed[key]
        return None


def ask(snapshot: Snapshot, urls: Sequence[str | None], agents: Sequence[str], as_of: str | None) -> tuple[pa.ListArray, pa.Int32Array]:
    """What the hosts of a few URLs say of them, list<SIGNAL>, and which of their files were fetched; null where a host is not known.

    Args:
      snapshot: the hosts.
      urls: as a source has them.
      agents: crawlers that fetch for training.
      as_of: policies fetched later do not count; None: all do.
    """
    ranges: dict[int, Policies] = {}
    answers: dict[tuple[Signal, ...], int] = {}
    numbers: list[int | None] = []
    seen: list[int | None] = []
    for url in urls:
        normal = normal_url(url or "")
        host = host_of(normal)
        place = None if host is None else snapshot.range_of(host)
        if place is not None and place not in ranges:
            ranges[place] = snapshot.policies(place, as_of)
        policy = None if host is None or place is None else ranges[place].of(host, normal.partition(":")[0])
        numbers.append(None if policy is None else answers.setdefault(policy.signals(normal, agents), len(answers)))
        seen.append(None if policy is None else policy.seen)
    return lists_of(numbers, list(answers)), pa.array(seen, pa.int32())


@functools.lru_cache(maxsize=2)
def load_snapshot(path: str, version: str) -> Snapshot:  # noqa: ARG001  another version is another snapshot
    """Reads the hosts of a snapshot and checks that it is one.

    Raises:
      MissingError: there is no such file.
      JobError: it is no Parquet file with a sorted column `host`; says how to make one.
    """
    if not exists(path):
        raise MissingError(f"host_policies: there is no file {path}; make it with `winnow snapshot`, or take it out of the job")
    cure = f"make a snapshot of it: winnow snapshot NEW.parquet {path}"
    firsts: list[str] = []
    lasts: list[str] = []
    try:
        with pq.ParquetFile(kept_copy(path)) as file:
            if "host" not in file.schema_arrow.names or not set(BODIES) & set(file.schema_arrow.names):
                raise JobError(f"host_policies: {path} has no column host, or none of {', '.join(BODIES)}; {cure}")
            for group in range(file.num_row_groups):
                hosts = file.read_row_group(group, ["host"]).column("host").to_pylist()
                if None in hosts or hosts != sorted(hosts) or (lasts and hosts and hosts[0] < lasts[-1]):
                    raise JobError(f"host_policies: {path} is not sorted by host; {cure}")
                if hosts:
                    firsts.append(hosts[0])
                    lasts.append(hosts[-1])
    except (pa.ArrowInvalid, OSError) as error:
        raise JobError(f"host_policies: {path} is no Parquet file that can be read ({error}); {cure}") from error
    return Snapshot(path, tuple(firsts), tuple(lasts))
