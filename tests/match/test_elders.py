"""Rows of earlier runs: new rows are held against them, and what was found about them stays."""

import dataclasses
import hashlib
import pathlib

import numpy as np
import pyarrow as pa

import pipeline.match
from pipeline.match import match
from schemas.job import Dedup
from tests.match.signed_rows import InProcess, Row, noisy, photo, signed, write
from transforms.images.alignment import AGREE
from transforms.match import elders, verification
from transforms.match.clusters import Clusters, read_clusters
from transforms.match.elders import BENCHMARK, BINDING, HELD, NO_PART, elder_set, read_ties, write_places
from transforms.match.grouping import BY_CAPTION, BY_PICTURE, BY_POLICY
from transforms.match.rows import ElderFile


@dataclasses.dataclass
class Elder:
    """A row of the elder side: its kind, and the place within its set of the first row of its cluster."""

    row: Row
    kind: int = HELD
    first: int = -1


def elder_files(rows: list[Elder], folder: pathlib.Path, sizes: list[int] | None = None) -> tuple[ElderFile, ...]:
    """The rows as one set of these many rows a file."""
    files, out, at = write(signed([elder.row for elder in rows]), folder, sizes), [], 0
    for number, file in enumerate(files):
        mine = rows[at : at + file.rows]
        first = np.array([elder.first for elder in mine], np.int64)
        path = str(folder / f"{number}.places.arrow")
        write_places(path, np.array([elder.kind for elder in mine], np.uint8), first, first)
        out.append((file.path, file.rows, path))
        at += file.rows
    return elder_set(out)


def held(rows: list[Row], sets: list[list[Elder]], folder: pathlib.Path, policy="image", **options) -> tuple[Clusters, np.ndarray]:
    """Clusters and ties of rows held against sets of elder rows."""
    files = [file for number, some in enumerate(sets) for file in elder_files(some, folder / f"elders{number}", options.get("sizes"))]
    options.pop("sizes", None)
    engine = options.pop("engine", None) or InProcess()
    match(
        write(signed(rows), folder / "own"),
        str(folder / "c"),
        Dedup(policy=policy, images={"reach": "plain"}),
        engine,
        elders=files,
        **options,
    )
    bits = {"file_bits": options["owner_bits"]} if "owner_bits" in options else {}
    found = read_clusters(str(folder / "c"), 0, len(rows), **bits)
    return found, read_ties(str(folder / "c"), 0, len(rows), **bits)


def told(ties: np.ndarray, graph: int = BY_POLICY) -> list[tuple[int, int, int]]:
    return [(int(t["row"]), int(t["elder"]), int(t["kind"])) for t in ties if t["graph"] == graph]


def test_a_new_row_joins_the_elder_cluster_of_the_row_that_it_is_like(tmp_path):
    """A10: a copy of a row that was kept, and one of a row that was dropped there as a duplicate, join that cluster."""
    kept, dropped, alone = photo(1), noisy(photo(1), 5, 12.0), photo(2)
    rows = [Row("one", noisy(dropped, 7)), Row("two", photo(3)), Row("three", alone), Row("four", noisy(photo(3), 4))]
    found, ties = held(rows, [[Elder(Row("a", kept), HELD, 0), Elder(Row("b", alone)), Elder(Row("c", dropped), HELD, 0)]], tmp_path)
    assert found.cluster.tolist() == [4, found.cluster[1], 5, found.cluster[1]]
    assert found.cluster[1] in (1, 3), "rows of the run alone have a leader of their own"
    assert found.link.tolist()[::2] == [1, 1]
    assert found.agreement[2] == 1.0
    assert AGREE <= found.agreement[0] < 1
    assert len(ties) == 0


def test_a_row_that_was_rejected_there_takes_no_part(tmp_path):
    """A10: what was never released is no elder."""
    rows = [Row("one", noisy(photo(1), 1)), Row("one", photo(2))]
    found, ties = held(rows, [[Elder(Row("one", photo(1)), NO_PART), Elder(Row("one", photo(2)), NO_PART)]], tmp_path)
    assert found.cluster.tolist() == [-1, -1]
    assert found.caption_cluster.tolist() == [0, 0] or found.caption_cluster.tolist() == [1, 1]
    assert len(ties) == 0


def test_what_was_taken_down_and_what_is_kept_out_ties_a_row_whatever_cluster_it_has(tmp_path):
    """A10: a copy of a row that was taken down is told, beside the kept row and the benchmark picture that it is like as well."""
    rows = [Row("one", noisy(photo(1), 1)), Row("two", photo(2)), Row("three", noisy(photo(2), 9))]
    first = [Elder(Row("x", photo(1))), Elder(Row("y", photo(1)), BINDING), Elder(Row("z", photo(2)), BINDING)]
    found, ties = held(rows, [first, [Elder(Row("q", noisy(photo(1), 3)), BENCHMARK)]], tmp_path)
    assert found.cluster[0] == 3
    assert found.cluster[1] == found.cluster[2] < 3, "nobody was kept there: they are a cluster of their own"
    assert told(ties) == [(0, 4, BINDING), (0, 6, BENCHMARK), (1, 5, BINDING), (2, 5, BINDING)]
    assert ties["agreement"][2] == 1.0
    uids = np.frombuffer(b"".join(signed([elder.row for elder in first]).column("uid").to_pylist()), "V16")
    assert ties["uid"][0] == uids[1]


def test_captions_are_held_against_elder_captions(tmp_path):
    text = "a small lighthouse on a rock in the evening light before the storm"
    rows = [Row(text + "s", photo(1)), Row("ok", photo(2)), Row(text.upper(), photo(3))]
    elder = [Elder(Row(text, photo(7))), Elder(Row("ok", photo(8))), Elder(Row(text, photo(9)), BENCHMARK)]
    found, ties = held(rows, [elder], tmp_path)
    assert found.caption_cluster.tolist() == [3, 4, 3]
    assert found.cluster.tolist() == [-1, -1, -1]
    assert told(ties, BY_CAPTION) == [(0, 5, BENCHMARK), (2, 5, BENCHMARK)]


def test_under_both_the_elder_row_that_has_both_is_found(tmp_path):
    """The picture stands in one elder row, the caption in another, and only a third has the two."""
    elder = [Elder(Row("one caption here", photo(1))), Elder(Row("another caption", photo(2))), Elder(Row("another caption", photo(1)))]
    found, _ = held([Row("another caption", photo(1)), Row("one caption here", photo(2))], [elder], tmp_path, "image_and_caption")
    assert found.cluster.tolist() == [4, -1]
    assert found.link.tolist() == [3, 0]


def test_under_both_a_picture_alone_ties_a_row_to_what_is_kept_out(tmp_path):
    rows = [Row("one caption here", noisy(photo(1), 1)), Row("another caption", photo(1)), Row("a third caption", photo(2))]
    found, ties = held(rows, [[Elder(Row("nothing alike at all", photo(1)), BENCHMARK)]], tmp_path, "image_and_caption")
    assert told(ties, BY_PICTURE) == [(0, 3, BENCHMARK), (1, 3, BENCHMARK)]
    assert told(ties) == []
    assert found.cluster.tolist() == [-1, -1, -1]


def words(seed: int) -> str:
    """A caption like no other."""
    return hashlib.sha256(bytes([seed])).hexdigest()


def many() -> tuple[list[Row], list[Elder]]:
    """20 elder photos, each twice, as one cluster; new copies of three of four of them, and new photos."""
    elder = [Elder(Row(words(i), noisy(photo(i // 2), i)), HELD, i // 2 * 2) for i in range(40)]
    rows = [Row(words(100 + i), noisy(photo(i), 100 + i)) for i in range(28) if i % 4]
    return rows, elder


def test_owners_ranges_passes_and_files_cannot_show(tmp_path, monkeypatch):
    rows, elder = many()
    plain, _ = held(rows, [elder], tmp_path / "a", "image_or_caption")
    assert plain.cluster.tolist() == [len(rows) + 2 * i if i < 20 else -1 for i in range(28) if i % 4]
    monkeypatch.setattr(pipeline.match, "BASE_BYTES", 1)
    options = {"owner_bits": 5, "partition_bytes": 20_000, "memory_bytes": 150_000, "sizes": [5, 7, 11, 3, 14]}
    cut, _ = held(rows, [elder], tmp_path / "b", "image_or_caption", **options)
    for name in ("cluster", "caption_cluster", "link", "agreement"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(plain, name), err_msg=name)


def test_no_pair_of_two_elder_rows_is_verified_and_none_of_their_pictures_is_aligned_with_another(tmp_path, monkeypatch):
    asked = []
    check = verification.picture_agreements

    def seen(left, at_left, right, at_right):
        asked.append(len(at_left))
        return check(left, at_left, right, at_right)

    monkeypatch.setattr(verification, "picture_agreements", seen)
    elder = [Elder(Row(None, noisy(photo(1), i)), HELD, 0) for i in range(20)] + [Elder(Row(None, photo(50 + i))) for i in range(5)]
    found, _ = held([Row(None, noisy(photo(1), 99)), Row(None, photo(70))], [elder], tmp_path)
    assert found.cluster.tolist() == [2, -1]
    assert sum(asked) <= 20, "only pairs of the one row"


def test_elder_rows_alone_are_nothing_to_match(tmp_path):
    found, ties = held([], [[Elder(Row("a", photo(1)))]], tmp_path)
    assert len(found.cluster) == len(ties) == 0


def test_places_of_an_elder_file_have_the_type_that_is_told(tmp_path):
    [file] = elder_files([Elder(Row("a", photo(1)), HELD, 0)], tmp_path)
    with pa.memory_map(file.places) as source:
        assert pa.ipc.open_file(source).schema == elders.PLACE
