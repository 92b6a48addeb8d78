"""A takedown of a small release, killed twice on its way: what goes, what stays as it is, and what nobody can find any more."""

import dataclasses
import hashlib
import json
import pathlib
import shutil
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from rich.console import Console

import pipeline.run
from pipeline.cli import run_command
from pipeline.commands.run import check_published, run_phases
from pipeline.commands.tune import tune
from pipeline.judge import check_conservation
from pipeline.removals import with_removals
from pipeline.run import open_run, reopen_run
from pipeline.takedown import release, rewrite
from schemas.removals import REMOVALS
from schemas.versions import versions
from tests.builders import jpeg, sample
from tests.runs import Ran, contents, rows_of, run_samples, stamps, tars, write_job
from transforms.takedown.chain import checked, read_removals

JOB = {"dedup": {"keep_captions": True}, "rebalance": {"target": "preserve"}}
ILLEGAL, NEAR, LISTED, STAYS, OPTED_OUT, FREE = (f"pair_{number:02d}_of_14" for number in (1, 5, 6, 3, 8, 13))
GONE = (ILLEGAL, NEAR, LISTED, OPTED_OUT)


@dataclasses.dataclass(frozen=True)
class Taken:
    """A release, the one made from it by a takedown, what the old folders held before, and the keys of the old rows."""

    ran: Ran
    folder: pathlib.Path
    before: dict[str, bytes]

    @property
    def out(self) -> pathlib.Path:
        return self.folder / "out-2.0.0"

    @property
    def work(self) -> pathlib.Path:
        return self.folder / "out-2.0.0.work"

    def ledger(self) -> dict[str, dict[str, Any]]:
        """Rows of the new ledger by their old keys."""
        keys = {(row["shard"], row["row"]): row["key"] for row in self.ran.ledger()}
        return {keys[row["shard"], row["row"]]: row for row in rows_of(self.work / "ledger")}

    def document(self, name: str) -> Any:
        return json.loads((self.out / name).read_text(encoding="utf-8"))


def given() -> list[dict[str, Any]]:
    """Fourteen pairs in shards of four: a picture that is illegal and one like it elsewhere, a copy at a listed URL, and others."""
    rows = [sample(n, key=f"pair_{n:02d}_of_14", caption=f"picture number {n} of a wall in town {'abcdefghijklmn'[n]}") for n in range(14)]
    rows[1]["jpg"] = jpeg(128, 96, seed=50)
    rows[5] |= {"jpg": jpeg(128, 96, seed=50, quality=60), "caption": "what nobody may see again"}
    rows[3]["jpg"] = jpeg(128, 96, seed=60)
    rows[6] |= {"jpg": jpeg(96, 72, seed=60), "caption": "a smaller one, at the listed place", "url": "https://listed.example/6.jpg"}
    return rows


class Killed(Exception):
    pass


def killed(*_: Any, **__: Any) -> None:
    raise Killed


@pytest.fixture(scope="module")
def taken(tmp_path_factory) -> Taken:
    folder = tmp_path_factory.mktemp("takedown")
    ran = run_samples(folder, given(), JOB, per_shard=4, documents=True)
    uid = ran.by_key()[OPTED_OUT]["uid"]
    entries = [
        f"sha256,{hashlib.sha256(given()[1]['jpg']).hexdigest()},illegal,a hotline,2026-01-02",
        "url,HTTPS://listed.example:443/6.jpg#there,DMCA,somebody,",
        f"uid,{uid},opt_out,,",
    ]
    (folder / "list.csv").write_text("\n".join(["kind,value,reason,source,valid_from", *entries]) + "\n")
    before = contents(ran.out, ran.work)
    flags = [
        {"url": given()[number]["url"], "kind": "bad", "reporter": "ab" * 16, "evidence": given()[number]["caption"]} for number in (5, 13)
    ]
    (folder / "flags.jsonl").write_text("\n".join(map(json.dumps, flags)))
    queue = ran.work / "review/flags.parquet"
    for module, step in ((rewrite, "rewrite_public"), (release, "document")):
        assert run_command(["flag", str(ran.out), str(folder / "flags.jsonl")]) == 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, step, killed)
            if step == "document":  # by another version, which names its files otherwise: what it left is swept
                patch.setattr(pipeline.run, "versions", lambda: {**versions(), "code": "another"})
            assert run_command(["takedown", str(ran.out), str(folder / "list.csv")]) == 1
        waiting = {f"{ran.work.name}/review/flags.parquet": queue.read_bytes()}
        assert contents(ran.out, ran.work) == before | waiting
        assert not (folder / "out-2.0.0/manifest.json").exists()
    assert run_command(["takedown", str(ran.out), str(folder / "list.csv")]) == 0
    queue.unlink()
    return Taken(ran, folder, before)


def test_a_near_duplicate_of_a_listed_hash_goes_with_it_and_no_dropped_duplicate_takes_its_place(taken):
    ledger = taken.ledger()
    assert {key for key, row in ledger.items() if "removed_later" in row["flags"]} == set(GONE)
    assert "illegal" in ledger[ILLEGAL]["reasons"]
    assert "illegal" in ledger[NEAR]["reasons"]
    old = {key for key, row in taken.ran.by_key().items() if row["verdict"] == "kept"}
    assert {key for key, row in ledger.items() if row["verdict"] == "kept"} == old - set(GONE)
    told = {entry["reason"]: entry["detail"] for entry in ledger[LISTED]["evidence"]}
    assert told["taken_down"] == "url in list.csv, row 3"
    assert told["removed_later"] == "not in version 2.0.0"


def test_a_takedown_that_was_killed_left_the_old_release_whole(taken):
    assert contents(taken.ran.out, taken.ran.work) == taken.before


def test_data_files_that_lose_nothing_are_the_same_files(taken):
    old, new = stamps(taken.ran.out / "data"), stamps(taken.out / "data")
    same = {name for name, stamp in new.items() if stamp == old[name]}
    touched = {f"{taken.ran.by_key()[key]['shard']}.parquet" for key in (*GONE, STAYS) if taken.ran.by_key()[key]["verdict"] == "kept"}
    assert same == set(old) - touched
    assert same
    manifest = taken.document("manifest.json")
    for name in new:
        content = (taken.out / "data" / name).read_bytes()
        assert manifest["files"][f"data/{name}"]["sha256"] == hashlib.sha256(content).hexdigest()


def traces(*rows: dict[str, Any]) -> list[bytes]:
    """What would give rows away: uid, URL, key, hashes and caption, as text and as bytes."""
    found = []
    for row in rows:
        texts = [row["uid"], row["url"], row["key"], row["sha256"].hex(), row["md5"].hex(), row["caption"]]
        found += [*(text.encode() for text in texts), bytes.fromhex(row["uid"]), row["sha256"], row["md5"], row["sha1"]]
    return found


def removed_rows(taken: Taken, *keys: str) -> list[dict[str, Any]]:
    captions = {row["key"]: row["caption"] for row in given()}
    return [row | {"caption": captions[row["key"]]} for row in taken.ran.annotations() if row["key"] in keys]


def everything_in(*folders: pathlib.Path, but: str = "") -> bytes:
    """All bytes below some folders, and of Parquet and Arrow files every value too, uncompressed."""
    parts = []
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != but):
        parts.append(path.read_bytes())
        table = pq.read_table(path) if path.suffix == ".parquet" else None
        if path.suffix == ".arrow":
            table = pa.ipc.open_file(path).read_all()
        if table is not None:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
            parts.append(sink.getvalue().to_pybytes())
    return b"\n".join(parts)


def test_nothing_in_the_new_release_names_a_row_that_was_taken_down(taken):
    """A2: a published list of what was removed is an index to it."""
    told = everything_in(taken.out)
    assert [mark for mark in traces(*removed_rows(taken, *GONE)) if mark in told] == []
    assert removed_rows(taken, FREE)[0]["url"].encode() in told


def test_of_what_is_illegal_the_private_folder_keeps_nothing_but_the_entry_that_suppresses_it(taken):
    told = everything_in(taken.work, but="removals.parquet")
    assert [mark for mark in traces(*removed_rows(taken, ILLEGAL, NEAR)) if mark in told] == []
    assert len(set(traces(*removed_rows(taken, ILLEGAL, NEAR)))) == 20


def test_of_other_rows_that_went_the_private_folder_keeps_the_uid_alone(taken):
    told = everything_in(taken.work, but="removals.parquet")
    for row in removed_rows(taken, LISTED, OPTED_OUT):
        assert {mark for mark in traces(row) if mark in told} == {row["uid"].encode(), bytes.fromhex(row["uid"])}


def test_a_flag_that_waits_for_a_row_that_went_is_settled_and_others_wait_on(taken):
    assert [flag["url"] for flag in rows_of(taken.work / "review")] == [given()[13]["url"]]


def test_a_second_list_is_refused_and_not_passed_over(taken, capsys):
    assert run_command(["takedown", str(taken.ran.out), str(taken.folder / "list.csv"), "more.csv"]) == 2
    assert "one list" in capsys.readouterr().err


def test_a_row_that_stays_carries_no_caption_of_one_that_went_and_is_flagged(taken):
    old = taken.ran.published()[STAYS]
    assert old["captions"] == [given()[3]["caption"], given()[6]["caption"]]
    row = next(row for row in rows_of(taken.out / "data") if row["uid"] == old["uid"])
    assert row["captions"] == [given()[3]["caption"]]
    assert row["caption_count"] == 1
    assert {**row, "captions": None, "caption_count": None} == {**old, "captions": None, "caption_count": None}
    assert "reserved_copy_exists" in taken.ledger()[STAYS]["flags"]
    assert taken.ledger()[STAYS]["captions"] == []


def test_weights_are_not_set_again_and_the_documents_say_so(taken):
    old = {row["uid"]: row["weight"] for row in taken.ran.data()}
    assert all(row["weight"] == old[row["uid"]] for row in rows_of(taken.out / "data"))
    sheet = taken.document("datasheet.json")
    assert "were not set again" in sheet["weights"]["told"]["value"]
    assert sheet["totals"]["kept"]["value"] == len(rows_of(taken.out / "data"))
    published = {line["reason"]: line["rows"] for line in sheet["revision"]["value"]["removed"]}
    kept = [key for key in GONE if taken.ran.by_key()[key]["verdict"] == "kept"]
    assert sum(published.values()) == len(kept)
    assert {line["request"] for line in sheet["revision"]["value"]["removed"]} <= {None, "dmca"}
    assert "were not set again" in (taken.out / "README.md").read_text()
    assert "Taken down after release" in (taken.out / "datasheet.html").read_text()


def test_the_new_release_says_which_one_it_revises(taken):
    old = hashlib.sha256((taken.ran.out / "manifest.json").read_bytes()).hexdigest()
    manifest = taken.document("manifest.json")
    assert manifest["release"] == "2.0.0"
    assert manifest["revision"] == {"of": "1.0.0", "manifest": old}
    croissant = taken.document("croissant.json")
    assert croissant["version"] == "2.0.0"
    assert croissant["prov:wasRevisionOf"]["identifier"] == f"sha256:{old}"
    usable = taken.document("USABLE_VERSIONS.json")
    assert (usable["release"], usable["min_usable"]) == ("2.0.0", "2.0.0")
    assert [(line["version"], line["manifest"]) for line in usable["withdrawn"]] == [("1.0.0", old)]
    assert "USABLE_VERSIONS.json" in manifest["files"]


def test_every_row_is_accounted_for_and_the_new_folder_is_a_run_like_any_other(taken):
    run = reopen_run(str(taken.out), None)
    check_conservation(run)
    check_published(run)
    assert len(taken.ledger()) == 14


def test_to_judge_the_new_folder_again_brings_nothing_back(taken):
    """What identified the rows is gone, so no list finds them: they are unreadable, whatever the thresholds."""
    tune(str(taken.out), None, ["filters.caption_quality.min_words=1"], Console(quiet=True))
    keys = {(row["shard"], row["row"]): row["key"] for row in taken.ran.ledger()}
    judged = {keys[row["shard"], row["row"]]: row["verdict"] for row in rows_of(taken.work / "tune/ledger")}
    assert {key for key, verdict in judged.items() if verdict == "unreadable"} == set(GONE)


def test_what_a_killed_takedown_left_under_other_names_is_gone(taken):
    for name in ("emitted", "annotations", "signatures", "ledger", "captions"):
        assert len(list((taken.work / name).iterdir())) == 4, name
    assert not [path for path in [*taken.out.rglob("*"), *taken.work.rglob("*")] if path.name.startswith(".winnow-")]


def test_the_review_page_shows_neither_picture_nor_caption_of_what_went(taken):
    page = (taken.work / "review/review.html").read_text()
    assert "never copied" in page
    assert given()[8]["caption"] not in page


def test_the_ledger_of_removals_is_chained_and_tells_no_date_of_the_clock(taken):
    removals = read_removals(str(taken.work / "removals.parquet"))
    rows = removals.to_pylist()
    assert {row["matched_by"] for row in rows} == {"sha256", "cluster", "url", "uid"}
    assert {row["valid_from"] for row in rows if row["reason"] == "illegal"} == {"2026-01-02"}
    assert {row["valid_from"] for row in rows if row["reason"] != "illegal"} == {None}
    assert {(row["requester_ref"], row["request"]) for row in rows if row["reason"] == "taken_down"} == {("somebody", "dmca")}
    shared = pq.read_table(taken.work / "removals.shared.parquet").to_pylist()
    assert {row["value"] for row in shared} == {row["uid"] for row in removed_rows(taken, LISTED, OPTED_OUT)}


def test_the_same_command_again_changes_nothing(taken, capsys):
    before = contents(taken.out, taken.work)
    assert run_command(["takedown", str(taken.ran.out), str(taken.folder / "list.csv")]) == 0
    assert "made of the column `captions`" in capsys.readouterr().err
    assert contents(taken.out, taken.work) == before


def test_another_takedown_is_refused_in_the_folder_of_one_that_ended(taken, capsys):
    (taken.folder / "other.csv").write_text(f"kind,value\nurl,{given()[0]['url']}\n")
    assert run_command(["takedown", str(taken.ran.out), str(taken.folder / "other.csv")]) == 2
    assert "--output" in capsys.readouterr().err


def test_the_proof_scan_finds_nothing_in_the_new_release_and_all_in_the_old(taken, capsys):
    path = taken.folder / "proof.csv"
    raw = given()[5]["jpg"]
    entries = [f"md5,{hashlib.md5(raw).hexdigest()}", f"phash,{removed_rows(taken, NEAR)[0]['phash']:016x}", f"url,{given()[8]['url']}"]
    path.write_text("\n".join(["kind,value", *entries]) + "\n")
    ledger = str(taken.work / "removals.parquet")
    assert run_command(["verify-absent", str(taken.out), str(path)]) == 0
    assert run_command(["verify-absent", str(taken.out), ledger]) == 0
    told = capsys.readouterr().out
    assert hashlib.sha256((taken.out / "manifest.json").read_bytes()).hexdigest() in told
    assert run_command(["verify-absent", str(taken.ran.out), str(path)]) == 7
    told = capsys.readouterr().out
    for kind in ("md5", "phash", "url"):
        assert f"rows found by {kind}" in told
    assert run_command(["verify-absent", str(taken.ran.out), ledger]) == 7


def test_a_copy_of_the_old_data_is_cleaned_by_the_ledger_of_removals(taken, tmp_path):
    shutil.copytree(taken.ran.out / "data", tmp_path / "mine")
    assert run_command(["apply-removals", str(tmp_path / "mine"), "--removals", str(taken.work / "removals.parquet")]) == 0
    assert [row["uid"] for row in rows_of(tmp_path / "mine")] == [row["uid"] for row in rows_of(taken.out / "data")]


def test_a_later_run_suppresses_what_was_removed_until_it_is_restored(taken, tmp_path):
    removals = tmp_path / "removals.parquet"
    removals.write_bytes((taken.work / "removals.parquet").read_bytes())
    job = tars({**JOB, "source": {"format": "webdataset", "paths": [str(taken.folder / "shards/*.tar")]}})
    job["filters"] = {"opt_out": {"lists": [str(removals)]}}
    opened = open_run(str(write_job(tmp_path, job)), ())
    run_phases(opened, ("annotate", "match", "judge"))
    later = Ran(opened)
    refused = {key for key, row in later.by_key().items() if {"illegal", "taken_down", "opt_out"} & set(row["reasons"])}
    assert refused == set(GONE)


def test_no_run_goes_on_in_the_folder_of_a_takedown(taken, capsys):
    for more in ((), ("--replace",)):
        assert run_command(["run", str(taken.folder / "job.yaml"), "--set", f"output={taken.out}", *more]) == 2
        assert "was made by `winnow takedown`" in capsys.readouterr().err
    assert (taken.out / "manifest.json").exists()


def test_what_is_appended_or_held_against_the_new_release_is_bound_by_its_removals(taken, tmp_path):
    filters = taken.ran.run.filters
    layouts = [reopen_run(str(taken.out), None).layout, taken.ran.run.layout]
    [rule] = [rule for rule in with_removals(filters, layouts) if rule.name == "opt_out"]
    assert rule.lists == (str(taken.work / "removals.parquet"),)
    assert with_removals(filters, layouts[1:]) == filters
    job = tars({"source": {"paths": [str(taken.folder / "shards/*.tar")]}, "dedup": {"against": [str(taken.out)]}})
    opened = open_run(str(write_job(tmp_path, job)), ())
    assert next(rule for rule in opened.filters if rule.name == "opt_out").lists == rule.lists


def test_a_restored_removal_is_no_entry_any_more(taken, tmp_path, capsys):
    from transforms.consent.list_files import read_list

    ledger, shared = taken.work / "removals.parquet", taken.work / "removals.shared.parquet"
    before, before_shared = ledger.read_bytes(), shared.read_bytes()
    uid = taken.ran.by_key()[OPTED_OUT]["uid"]
    removal = next(row["removal_id"] for row in pq.read_table(ledger).to_pylist() if row["uid"] == uid)
    try:
        assert run_command(["takedown", str(taken.out), "--restore", removal]) == 0
        assert "a new run of the job" in capsys.readouterr().err
        assert uid in {entry.value for entry in read_list(str(tmp_path_of(before, tmp_path)))}
        assert uid not in {entry.value for entry in read_list(str(ledger))}
        checked("", pq.read_table(ledger))
        assert run_command(["takedown", str(taken.out), "--restore", removal]) == 7
    finally:
        ledger.write_bytes(before)
        shared.write_bytes(before_shared)


def tmp_path_of(content: bytes, folder: pathlib.Path) -> pathlib.Path:
    path = folder / "before.parquet"
    path.write_bytes(content)
    return path


def test_a_tampered_ledger_of_removals_is_refused(taken, tmp_path, capsys):
    table = pq.read_table(taken.work / "removals.parquet")
    rows = table.to_pylist()
    rows[1]["value"] = "0" * 64
    pq.write_table(pa.Table.from_pylist(rows, REMOVALS).replace_schema_metadata(table.schema.metadata), tmp_path / "changed.parquet")
    pq.write_table(table.slice(0, table.num_rows - 1), tmp_path / "shorter.parquet")
    for name in ("changed", "shorter"):
        assert run_command(["verify-absent", str(taken.out), str(tmp_path / f"{name}.parquet")]) == 7
        assert "the chain of removals" in capsys.readouterr().err


def test_an_example_picture_finds_its_row_and_the_copies_and_a_trial_writes_nothing(taken, tmp_path, capsys):
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples/one.jpg").write_bytes(jpeg(80, 60, seed=60, quality=70))
    (tmp_path / "examples/no_picture.txt").write_text("not a picture")
    there = sorted(taken.folder.iterdir())
    assert run_command(["takedown", str(taken.ran.out), str(tmp_path / "examples"), "--dry-run", "--output", str(tmp_path / "new")]) == 0
    printed = capsys.readouterr()
    assert printed.out.count("example picture one.jpg") == 2
    assert "only the same bytes are looked for" in printed.err
    assert "nothing is written" in printed.err
    assert sorted(taken.folder.iterdir()) == there
    assert not (tmp_path / "new").exists()


def test_flags_wait_in_a_queue_until_they_are_accepted(taken, tmp_path, capsys):
    path = tmp_path / "flags.jsonl"
    flags = [
        {"url": given()[0]["url"], "kind": "wrong", "reporter": "ab" * 16, "evidence": "ticket 7 of jo@example.org"},
        {"uid": taken.ran.by_key()[FREE]["uid"], "kind": "opt_out", "reporter": "cd" * 32},
    ]
    path.write_text("\n".join(map(json.dumps, flags)))
    queue = taken.ran.work / "review/flags.parquet"
    try:
        assert run_command(["flag", str(taken.ran.out), str(path)]) == 0
        assert run_command(["flag", str(taken.ran.out), str(path)]) == 0
        assert [row["flag_id"] for row in pq.read_table(queue).to_pylist()] == ["f-000001", "f-000002"]
        told = capsys.readouterr().out
        assert "ticket 7 of <EMAIL>" in told
        assert "jo@" not in told
        there = str(tmp_path / "new")
        assert run_command(["takedown", str(taken.ran.out), "--accept", "f-000002", "--dry-run", "--output", there]) == 0
        told = capsys.readouterr().out
        assert "uid in the flags, row 2" in told
        assert "url in the flags" not in told
        assert run_command(["takedown", str(taken.ran.out), "--accept", "f-000009", "--dry-run"]) == 7
        assert run_command(["flag", str(taken.ran.out), "--dismiss", "all"]) == 0
        assert run_command(["flag", str(taken.ran.out), "--dismiss", "f-000001"]) == 7
        assert run_command(["flag", str(taken.ran.out), str(path)]) == 0
        assert [row["flag_id"] for row in pq.read_table(queue).to_pylist()] == ["f-000003", "f-000004"]
    finally:
        queue.unlink()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("uid,url,kind,reporter\n,https://a.example/,bad,somebody@example.org\n", "row 1: reporter must be a keyed hash"),
        (f"uid,url,kind,reporter\n{'0' * 32},https://a.example/,bad,{'ab' * 16}\n", "row 1: a flag names a uid or a URL"),
        (f"uid,url,kind,reporter\n,https://a.example/,,{'ab' * 16}\n", "row 1: kind is empty"),
        ('{"url": "https://a.example/"\n', "row 1: is no JSON"),
    ],
)
def test_a_flag_that_cannot_be_understood_is_named(taken, tmp_path, capsys, content, says):
    path = tmp_path / "flags"
    path.write_text(content)
    assert run_command(["flag", str(taken.ran.out), str(path)]) == 2
    assert says in capsys.readouterr().err


def test_what_covers_no_row_ends_with_7_and_leaves_nothing(taken, tmp_path, capsys):
    (tmp_path / "list.csv").write_text("kind,value\nurl,https://nowhere.example/\n")
    assert run_command(["takedown", str(taken.ran.out), str(tmp_path / "list.csv"), "--output", str(tmp_path / "new")]) == 7
    assert run_command(["takedown", str(taken.ran.out), str(tmp_path / "no such list")]) == 4
    assert run_command(["takedown", str(taken.ran.out)]) == 2
    listed = str(taken.folder / "list.csv")
    assert run_command(["takedown", str(taken.ran.out), listed, "--as-of", "2026-1-1"]) == 2
    assert run_command(["takedown", str(taken.ran.out), listed, "--output", str(taken.ran.work / "new"), "--dry-run"]) == 2
    assert (
        run_command(["takedown", str(taken.ran.out), listed, "--as-of", "2026-01-01", "--dry-run", "--output", str(tmp_path / "new")]) == 0
    )
    assert "leave the release: illegal" not in capsys.readouterr().out
    assert not (tmp_path / "new").exists()
