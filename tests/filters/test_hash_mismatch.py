import dataclasses
import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from schemas.job import Decode
from tests.filters.conformance import batch_of, check_filter, check_measures, findings
from transforms.filters.hash_mismatch import HashMismatch
from transforms.images.decode import open_picture
from transforms.images.phash import hash_pictures


def picture(seed=0, kind="JPEG", size=(300, 240), **options):
    """A smooth picture of its own for every seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(out, kind, **options)
    return out.getvalue()


def again(raw):
    """The same picture, written again as img2dataset does."""
    out = io.BytesIO()
    Image.open(io.BytesIO(raw)).convert("RGB").save(out, "JPEG", quality=95)
    return out.getvalue()


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


def phash(raw):
    return int(hash_pictures([open_picture(raw, Decode(), "fast")]).phash[0])


def words_of(rows, subject=None, mode="fast"):
    subject = subject or HashMismatch()
    batch = dataclasses.replace(batch_of(rows, subject), mode=mode)
    found = [set() for _ in rows]
    for finding in findings(subject, batch, subject.measure(batch)):
        for row in finding.rows:
            found[row].add(f"{finding.word}!" if finding.proven else finding.word)
    return found


HONEST = [{"image": raw, "sha256": sha256(raw), "url": f"http://x.example/{seed}.jpg"} for seed, raw in enumerate(map(picture, range(20)))]
SWAPPED = {"image": picture(50), "sha256": "0" * 64, "url": "http://x.example/a.jpg"}


def test_a_swapped_file_is_noticed_and_honest_ones_are_not():
    check_filter(HashMismatch(), keeps=HONEST, rejects=[SWAPPED])
    assert HashMismatch().action == "flag"


def test_without_bytes_or_a_recorded_hash_nothing_is_said():
    rows = [{"image": picture()}, {"sha256": "0" * 64}, {"image": picture(), "sha256": "n/a"}, {"image": picture(), "sha256": None}]
    assert HashMismatch().measure(batch_of(rows)).to_pylist() == [None] * 4
    assert words_of(rows) == [set()] * 4


@pytest.mark.parametrize("name", ["sha256", "sha1", "md5"])
def test_every_recorded_hash_counts_however_it_is_written(name):
    raw = picture()
    digest = hashlib.new(name, raw)
    other = bytes(digest.digest_size)
    equal = [digest.hexdigest(), digest.hexdigest().upper(), f"{name}:{digest.hexdigest()}"]
    measured = HashMismatch().measure(batch_of([{"image": raw, name: text} for text in [*equal, other.hex()]])).to_pylist()
    assert [row["differs"] for row in measured] == [False, False, False, True]
    assert [
        row["differs"]
        for row in HashMismatch().measure(batch_of([{"image": raw, name: digest.digest()}, {"image": raw, name: other}])).to_pylist()
    ] == [False, True]


def test_a_re_encoded_minority_is_not_called_tampered():
    """D09, first shard: 12 of 100 were PNG or WebP and hold JPEG; no perceptual hash is recorded."""
    rows = [dict(HONEST[row % 20], url=f"http://x.example/{row}.jpg") for row in range(88)]
    for row in range(12):
        original = picture(100 + row, ("PNG", "WEBP")[row % 2])
        rows.append({"image": again(original), "sha256": sha256(original), "url": f"http://x.example/{row}.{('png', 'webp')[row % 2]}"})
    assert words_of(rows) == [set()] * 88 + [{"hash_not_comparable"}] * 12


def test_another_picture_is_told_from_the_same_one_by_its_recorded_perceptual_hash():
    """D09, second shard: 12 of 100 hold another picture; they are rejected whatever the action for file hashes is."""
    rows = [dict(HONEST[row % 20], url=f"http://x.example/{row}.jpg", phash=phash(HONEST[row % 20]["image"])) for row in range(80)]
    recorded = [f"{row['phash']:016x}" for row in rows]
    same = [picture(100 + seed, "PNG") for seed in range(8)]
    rows += [{"image": again(raw), "sha256": sha256(raw), "phash": phash(again(raw)), "url": "http://x.example/a"} for raw in same]
    recorded += [f"{phash(raw):016x}" for raw in same]
    rows += [{"image": picture(200 + seed), "sha256": sha256(picture(seed)), "phash": phash(picture(200 + seed))} for seed in range(12)]
    recorded += [f"{phash(picture(seed)):016x}" for seed in range(12)]
    assert judged_with_phash(rows, recorded) == [set()] * 80 + [{"hash_not_comparable"}] * 8 + [{"hash_mismatch!"}] * 12


def judged_with_phash(rows, recorded, subject=None, mode="fast"):
    """The rows' `phash` is the picture's own; the recorded one is a column of that role."""
    subject = subject or HashMismatch()
    batch = batch_of([{**row, "recorded": said} for row, said in zip(rows, recorded, strict=True)], subject)
    samples = dataclasses.replace(batch.samples, roles={**batch.samples.roles, "phash": "recorded"})
    batch = dataclasses.replace(batch, samples=samples, mode=mode)
    found = [set() for _ in rows]
    for finding in findings(subject, batch, subject.measure(batch)):
        for row in finding.rows:
            found[row].add(f"{finding.word}!" if finding.proven else finding.word)
    return found


@pytest.mark.parametrize(("bits", "mode", "another"), [(4, "exact", False), (5, "exact", True), (6, "fast", False), (7, "fast", True)])
def test_the_radius_is_four_bits_and_two_more_where_pictures_are_decoded_fast(bits, mode, another):
    rows = [{**SWAPPED, "phash": 2**bits - 1}] + [{**row, "phash": 0} for row in HONEST]
    words = judged_with_phash(rows, ["0" * 16] * 21, mode=mode)
    assert words[0] == ({"hash_mismatch!"} if another else {"hash_not_comparable"})
    assert words[1:] == [set()] * 20


def test_the_evidence_of_another_picture_tells_both_distances():
    rows = [{**row, "phash": 0, "recorded": "0" * 16} for row in HONEST] + [{**SWAPPED, "phash": 2**9 - 1, "recorded": "0" * 16}]
    batch = batch_of(rows)
    samples = dataclasses.replace(batch.samples, roles={**batch.samples.roles, "phash": "recorded"})
    batch = dataclasses.replace(batch, samples=samples)
    [found] = findings(HashMismatch(), batch, HashMismatch().measure(batch))
    assert (found.rows.tolist(), found.scores.tolist(), found.threshold, found.details) == ([20], [9.0], 6, "phash")


def test_a_crawl_that_was_written_again_as_a_whole_accuses_nobody():
    rows = [{"image": again(row["image"]), "sha256": row["sha256"]} for row in HONEST]
    assert words_of(rows) == [{"hash_not_comparable"}] * 20
    assert words_of([*rows[:5], *HONEST[:15]])[:5] == [{"hash_not_comparable"}] * 5
    assert words_of([*rows[:4], *HONEST[:16]])[:4] == [{"hash_mismatch"}] * 4


def test_pictures_that_were_framed_as_a_whole_are_not_other_pictures():
    rows = [{**row, "sha256": "0" * 64, "phash": 0} for row in HONEST * 5]
    assert judged_with_phash(rows, ["f" * 16] * 100) == [{"hash_not_comparable"}] * 100


def test_a_few_pictures_that_are_all_others_are_no_sign_of_framing():
    """D09"""
    rows = [{**row, "sha256": "0" * 64, "phash": 0} for row in HONEST[:12]]
    assert judged_with_phash(rows, ["f" * 16] * 12) == [{"hash_mismatch!"}] * 12


def test_a_perceptual_hash_alone_is_enough():
    rows = [{"image": row["image"], "phash": 0} for row in HONEST]
    assert judged_with_phash(rows, ["0" * 16] * 19 + ["00ff00ff00ff00ff"]) == [set()] * 19 + [{"hash_mismatch!"}]


def test_equal_bytes_are_the_recorded_picture_whatever_its_perceptual_hash_says():
    assert judged_with_phash([{**row, "phash": 0} for row in HONEST], ["f" * 16] * 2 + ["0" * 16] * 18) == [set()] * 20


@pytest.mark.parametrize(
    ("beside", "written_again"),
    [
        ({"original_width": 600, "original_height": 480}, True),
        ({"original_width": 300.0, "original_height": 240.0}, False),
        ({"original_width": 240, "original_height": 300}, False),
        ({"original_width": None, "original_height": 480}, False),
        ({"width": 301, "height": 240}, True),
        ({"mime": "image/png"}, True),
        ({"mime": "image/jpeg; charset=binary"}, False),
        ({"url": "http://x.example/a.b/c.PNG?w=300"}, True),
        ({"url": "http://x.example/a.JPEG#x"}, False),
        ({"url": "http://x.example/a.php?f=a.png"}, False),
        ({"url": "http://png"}, False),
    ],
)
def test_what_was_plainly_written_again_is_not_comparable(beside, written_again):
    words = words_of([{**SWAPPED, **beside}, *HONEST])
    assert words == [{"hash_not_comparable" if written_again else "hash_mismatch"}, *([set()] * 20)]


def test_a_picture_that_cannot_be_read_is_compared_by_its_bytes():
    raw = b"<html>gone</html>"
    rows = [{"image": raw, "sha256": sha256(raw)}, {"image": raw, "sha256": "0" * 64}, *HONEST]
    assert words_of(rows)[:2] == [set(), {"hash_mismatch"}]
    check_measures(HashMismatch(), rows)


def test_the_recorded_hash_is_read_as_imagehash_writes_it():
    import imagehash

    raw = picture(7)
    own = int(hash_pictures([open_picture(raw, Decode(), "exact")]).phash[0])
    assert judged_with_phash([{"image": raw, "phash": own}], [str(imagehash.phash(Image.open(io.BytesIO(raw))))], mode="exact") == [set()]
