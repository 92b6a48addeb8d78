"""What `winnow snapshot` costs: an archive of robots.txt as Common Crawl keeps them, of as many hosts as are asked for.

    python tests/benchmarks/snapshot.py FOLDER [--hosts 1000000] [--archives 10]

FOLDER is filled where it is empty, and used again. The last line of standard output is one JSON object: CPU seconds, hosts a CPU second,
bytes of the archives and of the snapshot, and the peak of the process's resident bytes.
"""

import argparse
import gzip
import json
import pathlib
import resource
import time

import numpy as np

from pipeline.commands.snapshot import snapshot

BODY = (
    "User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\nDisallow: /{number}/\n\nSitemap: https://{host}/wp-sitemap.xml\n"
    * 4
)
HTTP = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}"
WARC = (
    "WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{number:032x}>\r\nWARC-Date: 2025-10-0{day}T00:00:00Z\r\n"
    "WARC-Target-URI: https://{host}/robots.txt\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {length}\r\n\r\n"
    "{http}\r\n\r\n"
)


def main() -> None:
    """Fills the folder, and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--hosts", type=int, default=1_000_000)
    parser.add_argument("--archives", type=int, default=10)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    archives = [given.folder / f"{number:03d}.warc.gz" for number in range(given.archives)]
    for number, path in enumerate(archives):
        if not path.exists():
            path.write_bytes(b"".join(records(number, given.hosts // given.archives)))
    before = time.process_time()
    out = given.folder / "hosts.parquet"
    hosts = snapshot(str(out), [str(given.folder / "*.warc.gz")])
    spent = time.process_time() - before
    read = sum(path.stat().st_size for path in archives)
    print(json.dumps({
        "hosts": hosts, "cpu_s": round(spent, 1), "hosts_a_cpu_second": round(hosts / spent), "archive_bytes": read,
        "snapshot_bytes": out.stat().st_size, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }))  # fmt: skip


def records(archive: int, hosts: int) -> list[bytes]:
    """Records of an archive, each compressed by itself, hosts in no order."""
    numbers = np.random.default_rng(archive).permutation(hosts) + archive * hosts
    found = []
    for number in numbers.tolist():
        host = f"www.site{number * 7919 % 1_000_003:07d}.example"
        body = BODY.format(number=number, host=host)
        http = HTTP.format(length=len(body), body=body)
        record = WARC.format(number=number, day=1 + number % 9, host=host, length=len(http), http=http)
        found.append(gzip.compress(record.encode(), 1, mtime=0))
    return found


if __name__ == "__main__":
    main()
