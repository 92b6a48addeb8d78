"""What consent costs beside everything else: rows without pictures against a list of hashes and a snapshot of host policies.

    python tests/benchmarks/consent.py FOLDER [--rows 10000000] [--hosts 200000] [--hashes 5000000] [--rows-a-shard 100000] [--profile]

FOLDER is filled where it is empty, and used again. What is measured is judge's own code: the hosts are asked by the pipeline that judge
runs, in this process, then the opt-out filter evaluates every shard once, list and hosts' answers joined. The last line of standard
output is one JSON object: CPU seconds of reading the list, of parsing every host once and asking it one URL, of asking the hosts and of
evaluating; rows a CPU second of the last two less the parsing; and the peak of the process's resident bytes.
"""

import argparse
import cProfile
import hashlib
import json
import pathlib
import pstats
import resource
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine import Engine
from pipeline.policies import AskHostPolicies, Question, shard_numbers, with_host_signals
from schemas.annotations import BASE
from schemas.host_policies import HOST_POLICIES, ROW_GROUP
from schemas.layout import Layout
from schemas.versions import versions
from transforms.consent.host_policies import load_snapshot
from transforms.consent.robots import TRAINING_AGENTS
from transforms.filters.base import Context
from transforms.filters.opt_out import OptOut
from transforms.storage import read_parquet, version_of
from transforms.text.url import normal_url

LISTED = 1_000  # rows of a shard whose hash is in the list
AGENTS = "".join(f"User-agent: {agent}\n" for agent in ("GPTBot", "ClaudeBot", "CCBot", "Google-Extended", "Bytespider"))
# Kinds of robots.txt, with how many of a thousand hosts have each.
KINDS = (
    (450, "User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\n\nSitemap: https://{host}/wp-sitemap.xml\n"),
    (150, ""),
    (150, "User-agent: *\nContent-Signal: search=yes,ai-train=no\nAllow: /\n\n" + AGENTS + "Disallow: /\n"),
    (100, "User-agent: *\n" + "".join(f"Disallow: /{name}\n" for name in ("cart*", "*?sort=", "search", "*/feed/$", "private/", "tmp/"))),
    (60, AGENTS + "Disallow: /\n\nUser-agent: *\nAllow: /\n"),
    (50, "User-agent: *\nDisallow: /\n"),
    (40, "".join(f"User-agent: bot{number}\nDisallow: /{number}\n\n" for number in range(100)) + "User-agent: *\nDisallow: /images/7\n"),
)


def main() -> None:
    """Fills the folder, and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    for name, number in (("rows", 10_000_000), ("hosts", 200_000), ("hashes", 5_000_000), ("rows-a-shard", 100_000)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    fill(given.folder, given.rows, given.hosts, given.hashes, given.rows_a_shard)
    profile = cProfile.Profile() if given.profile else None
    found = measured(given.folder, profile)
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    print(json.dumps(found))


def measured(folder: pathlib.Path, profile: cProfile.Profile | None) -> dict[str, float]:
    """CPU seconds of each part, rows a CPU second, and the peak in MiB."""
    snapshot, files = str(folder / "hosts.parquet"), sorted(str(path) for path in folder.glob("annotations/*.parquet"))
    layout = Layout(str(folder / "out"), str(folder / "work"))
    rule = OptOut(lists=(str(folder / "list.csv"),), host_policies=snapshot)
    names = tuple(pathlib.Path(path).stem for path in files)
    question = Question(snapshot, version_of(snapshot), TRAINING_AGENTS, None, names, tuple(files), layout, versions())
    marks = [time.process_time()]
    rule.list_files()
    marks.append(time.process_time())
    hosts = 0
    for number in range(len(load_snapshot(snapshot, question.version).firsts)):
        policies = load_snapshot(snapshot, question.version).policies(number, None)
        for host, scheme in policies.hosts:
            found = policies.of(host, scheme)
            assert found is not None
            found.signals(f"https://{host}/", TRAINING_AGENTS)
            hosts += 1
    marks.append(time.process_time())
    if profile is not None:
        profile.enable()
    Engine.from_job(1).run("host policies", lambda root: root | shard_numbers(len(names)) | AskHostPolicies(question))
    marks.append(time.process_time())
    rows, reserved = 0, 0
    for name, path in zip(names, files, strict=True):
        [batch] = read_parquet(path).combine_chunks().to_batches(max_chunksize=rows_of(path))
        annotations = with_host_signals(batch, layout.policy_file(name))
        evaluated = rule.evaluated(annotations.column(rule.name), Context(annotations, {}, {}))
        rows += annotations.num_rows
        reserved += sum(len(finding.rows) for finding in evaluated.findings())
    marks.append(time.process_time())
    if profile is not None:
        profile.disable()
    list_s, parse_s, ask_s, evaluate_s = np.diff(marks).tolist()
    return {
        "rows": rows, "hosts": hosts, "findings": reserved, "list_cpu_s": round(list_s, 1), "parse_cpu_s": round(parse_s, 1),
        "ask_cpu_s": round(ask_s, 1), "evaluate_cpu_s": round(evaluate_s, 1),
        "rows_a_cpu_second": round(rows / (ask_s - parse_s + evaluate_s)),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }  # fmt: skip


def rows_of(path: str) -> int:
    """Rows of a Parquet file, by its footer."""
    return int(pq.read_metadata(path).num_rows)


def fill(folder: pathlib.Path, rows: int, hosts: int, hashes: int, rows_a_shard: int) -> None:
    """Writes the list, the snapshot and the annotations, where they are not there."""
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(5)
    names = sorted(f"{draw.integers(1 << 40):x}.site{number % 997}.example" for number in range(hosts))
    if not (folder / "hosts.parquet").exists():
        kinds = draw.choice(len(KINDS), hosts, p=[share / 1000 for share, _ in KINDS])
        bodies = [KINDS[kind][1].format(host=host).encode() for kind, host in zip(kinds.tolist(), names, strict=True)]
        columns = {"host": names, "scheme": ["https"] * hosts, "status_robots": [200] * hosts, "robots_txt": bodies}
        table = pa.table([pa.array(columns.get(f.name, [None] * hosts), f.type) for f in HOST_POLICIES], schema=HOST_POLICIES)
        pq.write_table(table, folder / "hosts.parquet", row_group_size=ROW_GROUP)
    if not (folder / "list.csv").exists():
        digests = listed(hashes)
        with (folder / "list.csv").open("w") as file:
            file.write("kind,value\n")
            file.writelines(f"sha256,{digests[at : at + 32].hex()}\n" for at in range(0, len(digests), 32))
    for number in range(-(-rows // rows_a_shard)):
        path = folder / "annotations" / f"{number:05d}.parquet"
        if not path.exists():
            pq.write_table(annotations_of(min(rows_a_shard, rows - number * rows_a_shard), number, names), path, compression="zstd")


def listed(hashes: int) -> bytes:
    """Digests of the list, packed."""
    return np.random.default_rng(7).bytes(32 * hashes)


def annotations_of(rows: int, number: int, hosts: list[str]) -> pa.Table:
    """Annotations of rows without pictures: what the opt-out filter looks at."""
    draw, bad = np.random.default_rng([5, number]), listed(LISTED)
    places = draw.integers(len(hosts), size=rows).tolist()
    urls = [f"https://{hosts[host]}/images/{number % 9}/photo-{row}.jpg" for row, host in enumerate(places)]
    measured = {"signals": [], "observable": 1, "headers_unreadable": False, "creators": []}
    columns = {
        "uid": [draw.bytes(16).hex() for _ in urls], "source": ["main"] * rows, "shard": [f"{number:05d}"] * rows, "row": range(rows),
        "url": urls, "url_id": [hashlib.sha256(normal_url(url).encode()).digest()[:16] for url in urls],
        "domain": [".".join(hosts[host].rsplit(".", 2)[-2:]) for host in places],
        "sha256": [bad[32 * row : 32 * row + 32] if row < LISTED else draw.bytes(32) for row in range(rows)],
    }  # fmt: skip
    arrays = [pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(rows, f.type) for f in BASE]
    schema = pa.schema([*(field.with_nullable(True) for field in BASE), ("opt_out", OptOut.measured)])
    return pa.table([*arrays, pa.array([measured] * rows, OptOut.measured)], schema=schema)


if __name__ == "__main__":
    main()
