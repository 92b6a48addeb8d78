"""Captions on their way from the shard they lie in to the row that carries them."""

import pyarrow as pa

from schemas.ledger import CARRIED
from tests.builders import jpeg, make_shard, make_source, sample, write_parquet, write_webdataset
from transforms.carry import Carried, answers, asks

NAMES = {"ours": 0, "tars": 1, "lists": 2}


def asked(folder, rows):
    path = write_parquet(folder / "ours.parquet", pa.Table.from_pylist(rows, CARRIED))
    return dict(asks(str(path), 0, NAMES))


def line(row, shard, from_row):
    return {"row": row, "shard": shard, "from_row": from_row}


def test_captions_arrive_in_the_order_that_judge_gave_them_whoever_answers_first(tmp_path):
    [tar] = write_webdataset(tmp_path / "t", [sample(n, jpg=jpeg(8, 8), caption=f"tar caption {n}") for n in range(3)], sidecar=False)
    rows = [{"URL": f"https://a.example/{n}", "TEXT": text} for n, text in enumerate(["write to jo@mail.example", None, "ärger im Büro"])]
    sent = asked(tmp_path, [line(4, "lists", 2), line(4, "tars", 2), line(4, "lists", 0), line(7, "tars", 2), line(9, "lists", 1)])
    assert sorted(sent) == [1, 2]
    found = dict(answers(make_shard(tar, "webdataset"), make_source("webdataset", tar), [sent[1]], ("email",)))
    listed = write_parquet(tmp_path / "lists.parquet", rows)
    more = dict(answers(make_shard(listed, "urls"), make_source("urls", listed), [sent[2]], ("email",)))
    assert list(found) == list(more) == [0]
    for blocks in ([found[0], more[0]], [more[0], found[0]]):
        carried = Carried.of(blocks)
        assert carried.by(4) == ["ärger im Büro", "tar caption 2", "write to <EMAIL>"]
        assert (carried.by(7), carried.by(9), carried.by(5)) == (["tar caption 2"], [], [])
    assert Carried.of([]).by(4) == []


def test_personal_data_stays_where_the_job_does_not_write_it_over(tmp_path):
    listed = write_parquet(tmp_path / "lists.parquet", [{"URL": "https://a.example/1", "TEXT": "write to jo@mail.example"}])
    sent = asked(tmp_path, [line(0, "lists", 0)])
    [(_, block)] = answers(make_shard(listed, "urls"), make_source("urls", listed), [sent[2]], ())
    assert Carried.of([block]).by(0) == ["write to jo@mail.example"]


def test_no_picture_is_read_for_a_caption(tmp_path, monkeypatch):
    [tar] = write_webdataset(tmp_path / "t", [sample(n) for n in range(3)])
    sent = asked(tmp_path, [line(0, "tars", 1)])
    monkeypatch.setattr("transforms.read.webdataset.WebdatasetReader._images", None)
    monkeypatch.setattr("transforms.read.parquet.ParquetReader._pictures", None)
    assert len(dict(answers(make_shard(tar, "webdataset"), make_source("webdataset", tar), [sent[1]], ()))) == 1
    whole = write_parquet(tmp_path / "p.parquet", [{"jpg": jpeg(), "caption": "one"}, {"jpg": jpeg(), "caption": "two"}])
    [(_, block)] = answers(make_shard(whole, "parquet"), make_source("parquet", whole), [sent[1]], ())
    assert Carried.of([block]).by(0) == ["two"]
