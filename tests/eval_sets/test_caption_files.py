"""Captions of benchmarks are read from every form they are published in."""

import gzip
import json

import pytest

from schemas.errors import JobError, MissingError
from tests.builders import write_parquet
from transforms.eval_sets.caption_files import read_captions

TWO = ["two dogs run along a beach", 'a man reads "the times" on a bench']


@pytest.mark.parametrize(
    ("name", "text", "column"),
    [
        ("captions.txt", "\n".join([TWO[0], "", TWO[1]]), None),
        ("Flickr8k.token.txt", "".join(f"1.jpg#{n}\t{text}\n" for n, text in enumerate(TWO)), 2),
        ("captions.tsv", f"file\tcaption\n1.jpg\t{TWO[0]}\n2.jpg\t{TWO[1]}\n", "caption"),
        ("captions.csv", f'file,caption\n1.jpg,{TWO[0]}\n2.jpg,"{TWO[1].replace(chr(34), chr(34) * 2)}"\n', "caption"),
        ("captions.jsonl", "".join(json.dumps({"caption": text}) + "\n" for text in TWO), "caption"),
        ("captions.json", json.dumps([{"id": 1, "caption": TWO}]), "caption"),
        ("captions_val2014.json", json.dumps({"images": [{"id": 1}], "annotations": [{"caption": text} for text in TWO]}), "caption"),
        ("dataset_flickr8k.json", json.dumps({"images": [{"sentences": [{"raw": text} for text in TWO]}]}), "sentences.raw"),
        ("dotted.jsonl", "".join(json.dumps({"text.en": text}) + "\n" for text in TWO), "text.en"),
    ],
)
def test_every_form_gives_the_captions_in_their_order(name, text, column, tmp_path):
    for path, content in ((tmp_path / name, text.encode()), (tmp_path / f"{name}.gz", gzip.compress(text.encode()))):
        path.write_bytes(content)
        assert list(read_captions(str(path), column)) == TWO


def test_a_column_of_parquet_may_hold_several_captions_a_row(tmp_path):
    one = write_parquet(tmp_path / "one.parquet", [{"text": TWO[0]}, {"text": None}, {"text": TWO[1]}])
    lists = write_parquet(tmp_path / "lists.parquet", [{"text": TWO}, {"text": []}])
    assert list(read_captions(str(one), "text")) == TWO
    assert list(read_captions(str(lists), "text")) == TWO


@pytest.mark.parametrize(
    ("name", "text", "column", "says"),
    [
        ("a.csv", "file,caption\n", "text", "there is no column 'text'; it has file, caption"),
        ("a.jsonl", '{"caption": "one"}\n{"caption"\n', "caption", "line 2: is no JSON"),
        ("a.json", '[{"caption": "one"}]', "text", "there is no column 'text'; it has caption"),
        ("a.json", '[{"sentences": [{"raw": "one"}]}]', "sentences", "column 'sentences' holds dict, not text"),
        ("a.json", '[{"sentences": [{"raw": "one"}]}]', "sentences.text", "holds no caption"),
        ("a.json", '[{"caption": 7}]', "caption", "column 'caption' holds int, not text"),
        ("a.tsv", "1.jpg\tone\n2.jpg\n", 2, "line 2: has 1 fields, none at place 2"),
        ("a.csv", "caption,caption\none,two\n", "caption", "there is more than one column 'caption'"),
        ("a.csv", 'caption\n"one\ntwo\n', "caption", "line 3: is no CSV"),
        ("a.txt", "", None, "holds no caption; put the whole file there"),
        ("a.csv", "caption\n", "caption", "holds no caption"),
        ("a.csv", "image,caption\n1.jpg,one\n", None, "is a table, not a caption a line; name the one that holds captions"),
        ("Flickr8k.token", "1.jpg#0\tone\n1.jpg#1\ttwo\n", None, "is a table"),
        ("coco", '{"annotations": [\n{"caption": "one"}\n]}', None, "is a table"),
        ("lines", '{"caption": "one"}\n{"caption": "two"}\n', None, "is a table"),
    ],
)
def test_what_cannot_be_read_is_named(name, text, column, says, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(JobError, match=says):
        list(read_captions(str(tmp_path / name), column))


def test_a_parquet_file_needs_its_column_named(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [{"text": TWO[0]}])
    with pytest.raises(JobError, match="name one with `column`; it has text"):
        list(read_captions(str(path), None))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingError, match=r"dedup\.eval_overlap\.captions: there is no file .*gone\.txt"):
        list(read_captions(str(tmp_path / "gone.txt"), None))
