"""What each signal said is counted exactly, by rows and by domains, over all shards."""

import json
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.documents.consent import by_signal, protocols
from pipeline.signals import silent, spoke
from tests.builders import sample
from tests.runs import run_samples
from transforms.consent.signal import PLACES, PROTOCOLS


def test_signals_are_counted_over_all_shards(tmp_path: pathlib.Path) -> None:
    said = ["noai", "noai", "nofollow", None, None, "noai"]
    hosts = ["a.example", "www.b.example", "a.example", "c.example", "d.example", "img.b.example"]
    samples = [
        sample(number, url=f"https://{host}/{number}.jpg", http_headers=None if tag is None else json.dumps({"X-Robots-Tag": tag}))
        for number, (host, tag) in enumerate(zip(hosts, said, strict=True))
    ]
    pq.write_table(
        pa.table({"host": ["c.example", "d.example"], "robots_txt": [b"", b"User-agent: *\nDisallow: /\n"]}), tmp_path / "h.parquet"
    )
    ran = run_samples(tmp_path, samples, {"filters": {"opt_out": {"host_policies": "h.parquet"}}}, per_shard=2)
    lines = {line["signal"]: line for line in by_signal(json.loads((ran.work / "judged.json").read_text())["signals"], len(samples))}
    tag, robots = lines["x_robots_tag"], lines["robots_txt"]
    assert (tag["reserved"], tag["reserved_domains"], tag["silent"], tag["not_observable"], tag["observable_domains"]) == (3, 2, 1, 2, 2)
    assert (robots["reserved"], robots["reserved_domains"], robots["silent"], robots["not_observable"]) == (1, 1, 1, 4)
    assert lines["plus_data_mining"]["silent"] + lines["plus_data_mining"]["not_observable"] == 6
    assert (lines["page_noai"]["observable"], lines["page_noai"]["not_observable_share"]) == (0, 1.0)
    assert lines["tdm_reservation_file"]["not_observable"] == 6  # nobody fetched it
    assert not [signal for signal in lines if signal.startswith("list_")]
    honoured = {line["protocol"].split()[0]: (line["observable"], line["reserved"]) for line in protocols(list(lines.values()))}
    assert (honoured["X-Robots-Tag"], honoured["Robots"], honoured["ai.txt"]) == ((4, 3), (2, 1), (0, 0))


def test_every_signal_is_of_one_protocol() -> None:
    assert sorted(signal for signals in PROTOCOLS.values() for signal in signals) == sorted(PLACES)


def test_a_row_that_reserves_and_permits_is_counted_once_among_those_that_spoke() -> None:
    seen = {"manifest": np.array([True, True, False])}
    said = {("training_mining", "reserves"): np.array([0]), ("training_mining", "permits"): np.array([0])}
    spoken = {(signal, "spoke"): rows for signal, rows in spoke(said).items()}
    assert spoken["training_mining", "spoke"].tolist() == [0]
    assert silent(said | spoken, seen) == {"training_mining": 1}


def test_shares_add_up_by_rows_and_by_domains() -> None:
    counted = [
        ("every row", "", 10, 6), ("headers", "could speak", 7, 5), ("x_robots_tag", "reserves", 3, 2), ("x_robots_tag", "spoke", 3, 2),
        ("x_robots_tag", "silent", 4, 0),
    ]  # fmt: skip
    [line] = [line for line in by_signal(counted, 10) if line["signal"] == "x_robots_tag"]
    assert [line[f"{state}_share"] for state in ("observable", "reserved", "permitted", "silent", "not_observable")] == [
        0.7,
        0.3,
        0,
        0.4,
        0.3,
    ]
    assert [line[f"{state}_domains"] for state in ("observable", "reserved", "permitted", "silent", "not_observable")] == [5, 2, 0, 3, 1]
    assert line["silent_domain_share"] == 0.5
