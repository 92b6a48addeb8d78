import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import DifferenceError, JobError
from schemas.removals import HEAD, REMOVALS
from transforms.consent.list_files import read_list
from transforms.takedown.chain import (
    appended,
    checked,
    covering,
    next_id,
    read_removals,
    removed_uids,
    restored,
    shared,
    standing,
    write_removals,
)


def removal(number: int, **changed: object) -> dict:
    row = {
        **dict.fromkeys(REMOVALS.names), "removal_id": f"r-{number:06d}", "effective_version": "2.0.0", "action": "remove",
        "reason": "taken_down", "published": True, "uid": f"{number:032x}", "kind": "sha256", "value": f"{number:064x}",
    }  # fmt: skip
    del row["prev_hash"]
    return row | changed


@pytest.fixture
def ledger() -> pa.Table:
    rows = [removal(1), removal(1, kind="uid", value=f"{1:032x}"), removal(2, reason="illegal"), removal(3, reason="opt_out")]
    return appended(REMOVALS.empty_table(), rows)


def test_what_is_appended_later_hangs_on_the_same_chain(ledger, tmp_path):
    path = str(tmp_path / "removals.parquet")
    write_removals(path, appended(ledger, [removal(4)]))
    read = read_removals(path)
    assert read.num_rows == 5
    assert next_id(read) == 5
    whole = [*({name: row[name] for name in row if name != "prev_hash"} for row in ledger.to_pylist()), removal(4)]
    assert appended(REMOVALS.empty_table(), whole).equals(read, check_metadata=True)


def test_the_first_number_is_one_where_there_is_no_ledger(tmp_path):
    assert next_id(read_removals(str(tmp_path / "none.parquet"))) == 1


def tampered(ledger: pa.Table) -> dict[str, pa.Table]:
    rows = ledger.to_pylist()
    said = ledger.schema.metadata
    return {
        "changed": pa.Table.from_pylist([rows[0], {**rows[1], "value": "0" * 32}, *rows[2:]], REMOVALS).replace_schema_metadata(said),
        "last changed": pa.Table.from_pylist([*rows[:-1], {**rows[-1], "reason": "illegal"}], REMOVALS).replace_schema_metadata(said),
        "left out": pa.Table.from_pylist([rows[0], *rows[2:]], REMOVALS).replace_schema_metadata(said),
        "cut": ledger.slice(0, 3),
        "swapped": ledger.take([1, 0, 2, 3]),
        "empty": ledger.slice(0, 0),
        "no end": ledger.replace_schema_metadata(None),
        "another end": ledger.replace_schema_metadata({HEAD: "0" * 64}),
    }


@pytest.mark.parametrize("how", ["changed", "last changed", "left out", "cut", "swapped", "empty", "no end", "another end"])
def test_a_chain_that_was_tampered_with_is_refused(ledger, how):
    assert checked("a", ledger) is ledger
    with pytest.raises(DifferenceError, match=r"a: the chain of removals"):
        checked("a", tampered(ledger)[how])


def test_what_is_restored_stands_no_longer_and_can_be_removed_again(ledger):
    after = restored("a", ledger, ["r-000001"], "2.0.0")
    checked("a", after)
    assert set(standing(after).column("removal_id").to_pylist()) == {"r-000002", "r-000003"}
    with pytest.raises(DifferenceError, match="r-000001"):
        restored("a", after, ["r-000001"], "2.0.0")
    again = appended(after, [removal(4, uid=f"{1:032x}")])
    assert f"{1:032x}" in standing(again).column("uid").to_pylist()


def test_other_removals_of_the_same_content_are_known_by_value_and_by_near_hashes():
    hashes = [removal(n, kind="phash", value=f"{word:016x}", radius=2) for n, word in ((5, 0xFF), (6, 0xF0), (7, 0xF000))]
    ledger = appended(REMOVALS.empty_table(), [removal(1), removal(2, value=f"{1:064x}"), removal(3), *hashes])
    assert covering(ledger, ledger.slice(0, 1)) == {"r-000001", "r-000002"}
    assert covering(ledger, ledger.slice(3, 1)) == {"r-000005", "r-000006"}


def test_what_is_illegal_is_never_restored(ledger):
    with pytest.raises(JobError, match="r-000002: was removed as illegal"):
        restored("a", ledger, ["r-000001", "r-000002"], "2.0.0")


def test_the_ledger_is_a_list_of_opt_outs_as_it_is(ledger, tmp_path):
    path = str(tmp_path / "removals.parquet")
    write_removals(path, restored("a", ledger, ["r-000003"], "2.0.0"))
    found = [(entry.kind, entry.value, entry.reason) for entry in read_list(path)]
    assert found == [
        ("sha256", f"{1:064x}", "taken_down"), ("uid", f"{1:032x}", "taken_down"), ("sha256", f"{2:064x}", "illegal"),
    ]  # fmt: skip
    assert removed_uids(path) == {f"{1:032x}", f"{2:032x}"}


def test_what_is_handed_out_names_each_uid_once_and_nothing_illegal(ledger, tmp_path):
    pq.write_table(shared(ledger), tmp_path / "shared.parquet")
    assert [entry.value for entry in read_list(str(tmp_path / "shared.parquet"))] == [f"{1:032x}", f"{3:032x}"]
