"""Law 6, bounded memory: a worker's peak depends neither on what a picture claims to be nor on how many shards there are."""

import io
import json
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.builders import encode, sample, write_webdataset
from tests.images.side_data import chunk
from tests.runs import ROOT, tars, write_job

MIB = 1 << 20
# Runs jobs one after the other in one process and prints its peak, in bytes, after each.
PEAKS = """
import re, sys
sys.path.insert(0, sys.argv[1])
from pipeline.commands.run import run_phases
from pipeline.run import open_run
for job in sys.argv[2:]:
    run_phases(open_run(job, ()), ("annotate", "match", "judge", "emit"))
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024)
"""


def huge_png(side: int) -> bytes:
    """A valid RGB PNG of black pixels; its pixels are written as copies of one deflated block, so that it takes no time to make."""
    length = side * (3 * side + 1)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    last = zlib.compressobj(9, zlib.DEFLATED, -15)
    rest = last.compress(bytes(length % MIB)) + last.flush()
    adler = struct.pack(">I", (length % 65521) << 16 | 1)  # of zeros: a = 1, b = their number
    stream = b"\x78\xda" + block * (length // MIB) + rest + adler
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", stream) + chunk(b"IEND", b"")


def noise(seed: int) -> bytes:
    """A picture of 8 MB that cannot be packed."""
    return encode(Image.fromarray(np.random.default_rng(seed).integers(0, 256, (1_000, 2_700, 3), np.uint8)), "BMP")


@pytest.fixture(scope="module")
def peaks(tmp_path_factory):
    """Peaks in bytes after 3 shards, after 15 more of the same kind in a job of their own, and after a bomb."""
    folder = tmp_path_factory.mktemp("memory")
    rows = {"few": [sample(n, jpg=noise(n)) for n in range(3)], "many": [sample(n, jpg=noise(n)) for n in range(15)]}
    rows["bomb"] = [sample(0, jpg=huge_png(30_000)), sample(1)]
    jobs = []
    for name, samples in rows.items():
        write_webdataset(folder / name / "shards", samples, 2 if name == "bomb" else 1)
        jobs.append(str(write_job(folder / name, tars({"source": {"max_unreadable": 0.5}}))))
    done = subprocess.run([sys.executable, "-c", PEAKS, str(ROOT), *jobs], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    bomb = json.loads((folder / "bomb" / "out.work" / "judged.json").read_text())["ledger"]
    assert bomb["00000"]["verdicts"] == {"kept": 1, "unreadable": 1}
    return dict(zip(rows, map(int, done.stdout.split()), strict=True))


def test_five_times_the_shards_take_no_more_memory(peaks):
    assert peaks["many"] - peaks["few"] < 40 * MIB  # the 12 further shards are 97 MB


def test_a_picture_of_thirty_thousand_pixels_a_side_takes_no_memory(peaks):
    assert peaks["bomb"] < 1_536 * MIB
    assert peaks["bomb"] - peaks["many"] < 100 * MIB


def test_the_bomb_is_a_picture():
    with Image.open(io.BytesIO(huge_png(700))) as image:
        assert np.array(image).shape == (700, 700, 3)
