"""Signature files: which columns are written, and what is read where one is not."""

import os

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import InputError
from schemas.signatures import DETAIL, SIGNATURE, THUMBNAIL_SIDE
from tests.match.signed_rows import Row, photo, signed
from transforms.match import local_columns
from transforms.match.columns import expect_rows, no_rows, open_columns, read_rows, write_columns
from transforms.match.detail_column import DETAILED, DETAILS
from transforms.match.local_columns import FETCHED


def names_in(path: str) -> list[str]:
    with pa.OSFile(path) as source:
        return pa.ipc.open_file(source).schema.names


def test_columns_that_are_zero_in_every_row_are_left_out_and_read_as_zeros(tmp_path):
    batch, path = signed([Row("a red kite"), Row(None), Row("short")]), str(tmp_path / "a.arrow")
    write_columns([batch.slice(0, 1), batch.slice(1)], path)
    assert names_in(path) == ["uid", "order", "caption_kind", "caption_id", "caption_bands", "caption_minhash"]
    found = open_columns(path, [*SIGNATURE.names, DETAILED])
    assert (found[DETAILED].tolist(), found[DETAILS].shape) == ([False] * 3, (0, DETAIL))
    for name in set(SIGNATURE.names) - {DETAILS}:
        width = {} if found[name].ndim == 1 else {"width": found[name].shape[1]}
        assert width == ({"width": batch.column(name).type.byte_width} if pa.types.is_fixed_size_binary(batch.column(name).type) else {})
        values = batch.column(name).to_pylist()
        assert [row.tobytes() if width else row.item() for row in found[name]] == values


def test_a_shard_with_pictures_has_the_columns_of_its_pixels(tmp_path):
    path = str(tmp_path / "a.arrow")
    write_columns([signed([Row(None, photo(1))])], path)
    assert {"thumbnail", "picture_hashes", "has_hashes"} <= set(names_in(path))
    assert "text_minhash" not in names_in(path)


def test_no_rows_are_a_file_too(tmp_path):
    path = str(tmp_path / "a.arrow")
    write_columns([], path)
    found = open_columns(path, SIGNATURE.names)
    for name, column in found.items():
        assert column.shape == no_rows(name).shape
        assert column.dtype == no_rows(name).dtype


def test_a_file_of_another_version_is_refused(tmp_path):
    path = str(tmp_path / "a.arrow")
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, SIGNATURE) as writer:
        writer.write_batch(signed([Row("a red kite")]))
    with pytest.raises(InputError, match=r"a\.arrow: signatures of another version"):
        open_columns(path, ["uid"])


def test_columns_of_a_local_file_are_not_copied(tmp_path):
    path = str(tmp_path / "a.arrow")
    write_columns([signed([Row("a red kite")] * 500)], path)
    before = pa.total_allocated_bytes()
    columns = open_columns(path, ["caption_minhash", "thumbnail"])
    assert pa.total_allocated_bytes() - before < columns["caption_minhash"].nbytes


@pytest.mark.parametrize("apart", [0, local_columns.APART, 1 << 30], ids=["all", "wide", "none"])
def test_rows_here_and_there_are_those_of_the_map_however_many_columns_are_read_one_by_one(tmp_path, monkeypatch, apart):
    path, count, names = str(tmp_path / "a.arrow"), 200, ("thumbnail", "picture_hashes", "caption_kind", "text_minhash", "has_hashes")
    monkeypatch.setattr(local_columns, "APART", apart)
    batch = signed([Row("a red kite", photo(i)) for i in range(4)])
    write_columns([batch.take(np.random.default_rng(2).integers(0, 4, count))], path)
    wanted = np.arange(1, count, 19)
    expect_rows(path, "thumbnail", wanted)
    found, whole = read_rows(path, names, count, wanted), open_columns(path, names)
    for name in names:
        np.testing.assert_array_equal(found[name], whole[name][wanted], err_msg=name)
        assert found[name].dtype == whole[name].dtype
    with pytest.raises(InputError, match="200 rows where one batch of 201 rows was written"):
        read_rows(path, names, count + 1, wanted)


def test_a_column_that_ends_too_early_is_told_by_name(tmp_path, monkeypatch):
    path = str(tmp_path / "a.arrow")
    write_columns([signed([Row(None, photo(1))]).take([0] * 100)], path)
    monkeypatch.setattr(os, "pread", lambda *_: b"")
    with pytest.raises(InputError, match=r"a\.arrow: the file ends within a column"):
        read_rows(path, ["thumbnail"], 100, np.array([1, 99]))


def test_what_is_expected_is_fetched_in_runs_and_nothing_far_between(tmp_path, monkeypatch):
    path, count = str(tmp_path / "a.arrow"), 400
    write_columns([signed([Row("a red kite", photo(1))]).take([0] * count)], path)
    asked = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _, at, length, __: asked.append((at, length)))
    wanted = np.concatenate([np.arange(0, 100, 3), np.arange(300, 400)])
    expect_rows(path, "thumbnail", wanted)
    fetched = sum(length for _, length in asked)
    assert all(length <= FETCHED for _, length in asked)
    assert fetched == 200 * THUMBNAIL_SIDE**2
