"""The parts below the phase: summaries added up, domains ranked, pictures chosen, rows of a source that is gone."""

import base64
import io
import json
import shutil

import pyarrow as pa
import pytest
from PIL import Image

from pipeline.document import document
from pipeline.documents.combine import AddUp, pack, partition, unpack
from pipeline.documents.counts import open_counts
from pipeline.documents.croissant import RAI
from pipeline.documents.domains import top_domains, write_csv
from pipeline.documents.thumbnails import thumbnail
from pipeline.run import reopen_run
from schemas.summaries import SUMMARY
from tests import builders
from transforms.summaries import merged


def summary(*lines: tuple) -> pa.Table:
    """Lines of (metric, a, b, c, rows, bytes, weight)."""
    columns = zip(*lines, strict=True)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, SUMMARY, strict=True)], schema=SUMMARY)


def domains(tmp_path, *lines: tuple):
    path = tmp_path / "summary.parquet"
    builders.write_parquet(path, summary(*lines))
    with open_counts([str(path)]) as counts:
        return top_domains(counts)


def test_summaries_add_up_to_the_same_bytes_in_any_order():
    parts = [summary(("reason", f"r{n % 3}", None, None, n, 10 * n, 0), ("domain", "a.example", "kept", None, 1, n, 0)) for n in range(40)]
    blocks = [pack(part) for part in parts]
    combine = AddUp()

    def added(order):
        piles = [combine.create_accumulator() for _ in range(3)]
        for place, number in enumerate(order):
            piles[place % 3] = combine.add_input(piles[place % 3], blocks[number])
        return combine.extract_output(combine.merge_accumulators(piles))

    forth, back = added(range(40)), added(range(39, -1, -1))
    assert forth == back
    assert unpack(forth).equals(merged(parts))
    assert unpack(forth).column("rows").to_pylist() == [40, 273, 247, 260]


def test_a_count_belongs_to_one_part_whatever_shard_it_comes_from():
    table = summary(*((f"m{n % 5}", f"a{n}", None, "c", 1, 0, 0) for n in range(500)))
    places = partition(table, 8)
    assert places.min() == 0
    assert places.max() == 7
    assert partition(table.slice(100, 50), 8).tolist() == places[100:150].tolist()


def test_counts_of_several_files_are_added_where_they_are_asked_for(tmp_path):
    for number in range(2):
        builders.write_parquet(
            tmp_path / f"{number}.parquet", summary(("flag", "animated", None, None, 3, 0, 0), ("flag", None, None, None, 1, 0, 0))
        )
    with open_counts([str(tmp_path / "0.parquet"), str(tmp_path / "1.parquet")]) as counts:
        assert counts.rows("flag") == {"-": 2, "animated": 6}
        assert counts.rows("reason") == {}


def test_the_largest_tenth_of_domains_is_listed_by_bytes(tmp_path):
    lines = [("domain", f"d{n:02d}.example", "kept", None, 2, 100 * n, 0) for n in range(1, 21)]
    lines += [("domain", "gone.example", "all", None, 9, 99999, 0), ("domain_pixels", "d20.example", None, None, 2, 640, 0)]
    found = domains(tmp_path, *lines)
    assert (found.number, found.for_sme, found.measure) == (20, 1, "image_bytes")
    assert write_csv(found).decode().splitlines() == [
        "registrable_domain,items,image_bytes,pixels,rank,cumulative_share",
        "d20.example,2,2000,640,1,0.095238",
        "d19.example,2,1900,0,2,0.185714",
    ]


def test_domains_of_equal_size_are_listed_by_name(tmp_path):
    lines = [("domain", name, "kept", None, 1, 0, 0) for name in ("b.example", "c.example", "a.example")]
    found = domains(tmp_path, *lines)
    assert found.measure == "items"
    assert [line[0] for line in found.lines] == ["a.example"]


def test_no_address_stands_among_the_domains(tmp_path):
    """A13: personal data in the columns beside the text."""
    found = domains(tmp_path, ("domain", "jane.doe@example.org", "kept", None, 9, 900, 0), ("domain", "example.org", "kept", None, 1, 1, 0))
    assert [line[0] for line in found.lines] == ["example.org"]
    assert found.number == 1


def test_a_name_in_a_list_of_domains_cannot_break_the_table(tmp_path):
    found = domains(tmp_path, ("domain", 'a,"b"\n.example', "kept", None, 9, 900, 0))
    assert write_csv(found).decode().splitlines()[1:] == ['"a,""b""', '.example",9,900,0,1,1.0']


def test_a_thumbnail_is_small_and_carries_no_metadata():
    exif = Image.Exif()
    exif[0x010F] = "maker"
    drawn = thumbnail(builders.jpeg(640, 200, exif=exif.tobytes()))
    assert (drawn.width, drawn.height) == (160, 50)
    image = Image.open(io.BytesIO(base64.b64decode(drawn.base64)))
    assert not image.getexif()
    assert thumbnail(b"no picture") is None


def test_pictures_of_the_datasheet_are_kept_ones_of_which_nothing_was_noticed(finished):
    from pipeline.documents.evidence import gather
    from pipeline.documents.thumbnails import thumbnails

    with gather(reopen_run(str(finished.out), None)) as evidence:
        shown = thumbnails(evidence)
    kept = {thumbnail(builders.jpeg(256, 224, seed=number)).base64 for number in range(30)}
    assert len(shown) == 8
    assert {picture.base64 for picture in shown} <= kept


def test_a_flagged_picture_is_not_shown(finished, tmp_path):
    from pipeline.documents.evidence import gather
    from pipeline.documents.thumbnails import thumbnails

    for name in ("out", "out.work"):
        shutil.copytree(finished.folder / name, tmp_path / name)
    path = tmp_path / "out.work" / "ledger" / "00000.parquet"
    import pyarrow.parquet as pq

    rows = pq.read_table(path)
    changed = [row | ({"flags": ["nsfw"]} if row["verdict"] == "kept" and place % 2 else {}) for place, row in enumerate(rows.to_pylist())]
    builders.write_parquet(path, pa.Table.from_pylist(changed, rows.schema))
    allowed = {thumbnail(builders.jpeg(256, 224, seed=n)).base64 for n in (3, *range(0, 30, 2))}  # 3: another row has the same picture
    with gather(reopen_run(str(tmp_path / "out"), None)) as evidence:
        assert {picture.base64 for picture in thumbnails(evidence)} <= allowed


def test_where_the_source_is_gone_the_review_page_says_so(finished, tmp_path):
    for name in ("out", "out.work"):
        shutil.copytree(finished.folder / name, tmp_path / name)
    record = json.loads((tmp_path / "out.work" / "run.json").read_text())
    for shard in record["shards"]:
        shard["path"] = str(tmp_path / "gone.tar")
        shard["sidecar"] = None
    (tmp_path / "out.work" / "run.json").write_text(json.dumps(record))
    document(reopen_run(str(tmp_path / "out"), None))
    text = (tmp_path / "out.work" / "review" / "review.html").read_text()
    assert "The source is gone or has changed." in text
    assert "duplicate_image" in text
    assert (tmp_path / "out" / "datasheet.html").read_bytes() == (finished.out / "datasheet.html").read_bytes()


def test_croissant_uses_the_words_of_the_vocabulary(finished):
    document_ = finished.document("croissant.json")
    used = {name.removeprefix("rai:") for name in document_ if name.startswith("rai:")}
    assert used
    assert used <= RAI
    assert document_["@context"]["@vocab"] == "https://schema.org/"
    assert {file["encodingFormat"] for file in document_["distribution"]} == {"application/x-parquet"}


@pytest.mark.parametrize("field", ["name", "description", "license", "url", "creator", "datePublished", "version", "conformsTo"])
def test_croissant_has_what_the_job_declares(finished, field):
    assert finished.document("croissant.json")[field]
