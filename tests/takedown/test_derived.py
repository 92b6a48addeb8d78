import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.cli import run_command
from tests.runs import stamps
from transforms.takedown import derived

GONE = f"{7:032x}"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set/inner").mkdir(parents=True)
    for name, first in (("a", 0), ("b", 100)):
        table = pa.table({"uid": [f"{first + n:032x}" for n in range(10)], "n": [str(n) for n in range(10)]})
        table = table.replace_schema_metadata({"made": "by somebody"})
        with pq.ParquetWriter(tmp_path / f"set/{name}.parquet", table.schema, compression="snappy") as writer:
            writer.write_table(table, row_group_size=4)
            writer.add_key_value_metadata({"schema_version": "1"})
    upper = pa.table({"uid": pa.array([GONE.upper(), None], pa.large_string())})
    pq.write_table(upper, tmp_path / "set/inner/c.parquet", compression="none")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "set/d.parquet")
    (tmp_path / "removals.csv").write_text(f"kind,value\nuid,{GONE}\nurl,https://a.example/\n")
    return tmp_path


def test_only_files_that_hold_a_removed_row_are_written_again(folder, capsys):
    before = stamps(folder / "set")
    assert run_command(["apply-removals", str(folder / "set"), "--removals", str(folder / "removals.csv")]) == 0
    told = capsys.readouterr().err
    assert "2 rows went; 2 of 3 files were written again" in told
    assert "1 files hold no uid" in told
    after = stamps(folder / "set")
    assert {name for name in before if after[name] != before[name]} == {"a.parquet"}
    assert GONE not in pq.read_table(folder / "set/a.parquet").column("uid").to_pylist()
    assert pq.read_table(folder / "set/inner/c.parquet").column("uid").to_pylist() == [None]


def test_row_groups_compression_metadata_and_other_rows_stay(folder):
    old, rows = pq.ParquetFile(folder / "set/a.parquet"), pq.read_table(folder / "set/a.parquet").to_pylist()
    assert derived.remove_rows(str(folder / "set/a.parquet"), pa.array([GONE])) == 1
    new = pq.ParquetFile(folder / "set/a.parquet")
    assert [new.metadata.row_group(n).num_rows for n in range(new.num_row_groups)] == [4, 3, 2]
    assert new.metadata.row_group(0).column(0).compression == old.metadata.row_group(0).column(0).compression
    for name, value in old.metadata.metadata.items():
        assert new.metadata.metadata[name] == value
    assert {b"made", b"schema_version"} <= set(new.metadata.metadata)
    assert new.read().to_pylist() == [row for row in rows if row["uid"] != GONE]


def test_a_file_of_which_every_row_goes_has_columns_and_no_row(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"uid": [GONE]}), path)
    assert derived.remove_rows(str(path), pa.array([GONE])) == 1
    assert pq.read_table(path).to_pylist() == []
    assert pq.ParquetFile(path).num_row_groups == 0


def test_a_write_that_breaks_off_leaves_the_file_as_it_was(folder, monkeypatch):
    before = (folder / "set/a.parquet").read_bytes()

    counted, real = [], derived._covered

    def covered(column, uids):
        counted.append(column)
        if len(counted) > 3:  # three row groups are counted first, then they are written
            raise KeyboardInterrupt
        return real(column, uids)

    monkeypatch.setattr(derived, "_covered", covered)
    with pytest.raises(KeyboardInterrupt):
        derived.remove_rows(str(folder / "set/a.parquet"), pa.array([GONE]))
    assert (folder / "set/a.parquet").read_bytes() == before
    assert [path.name for path in (folder / "set").iterdir() if path.name.startswith(".")] == []


def test_a_list_without_uids_and_a_folder_without_them_are_told(folder, capsys):
    (folder / "urls.csv").write_text("kind,value\nurl,https://a.example/\n")
    assert run_command(["apply-removals", str(folder / "set"), "--removals", str(folder / "urls.csv")]) == 2
    assert run_command(["apply-removals", str(folder / "none"), "--removals", str(folder / "removals.csv")]) == 7
    assert run_command(["apply-removals", str(folder / "set"), "--removals", str(folder / "none.csv")]) == 4
    assert "no uid" in capsys.readouterr().err
