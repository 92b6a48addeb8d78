"""The phase as a whole: what it writes, that it writes it the same way twice, and what it must not tell."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest

from pipeline.document import document
from pipeline.run import reopen_run
from schemas.errors import GateError, JobError
from tests.pipeline.documents.conftest import Finished
from tests.runs import rows_of

NAMES = {
    "README.md", "croissant.json", "datasheet.html", "datasheet.json", "datasheet.md", "eu_training_summary.json", "manifest.json",
    "top_domains.csv", "attribution.parquet",
}  # fmt: skip


@pytest.fixture
def copy(finished, tmp_path) -> Finished:
    """The finished run somewhere else, to be changed."""
    for name in ("out", "out.work"):
        shutil.copytree(finished.folder / name, tmp_path / name)
    return Finished(tmp_path, finished.hidden)


def contents(finished: Finished) -> dict[str, bytes]:
    return {str(path.relative_to(finished.out)): path.read_bytes() for path in sorted(finished.out.rglob("*")) if path.is_file()}


def texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def test_every_document_is_there_and_in_the_manifest_with_its_hash(finished):
    found = contents(finished)
    assert {name for name in found if "/" not in name} == NAMES
    files = finished.document("manifest.json")["files"]
    assert set(files) == set(found) - {"manifest.json"}
    for name, described in files.items():
        assert described["bytes"] == len(found[name])
        assert described["sha256"] == hashlib.sha256(found[name]).hexdigest()
    assert [files[name]["rows"] for name in sorted(files) if name.startswith("data/")] == [30, 0]


def test_attribution_counts_every_kept_row_by_creator_licence_and_domain(finished):
    found = {(line["kind"], line["name"]): line for line in pq.read_table(finished.out / "attribution.parquet").to_pylist()}
    assert list(found) == sorted(found)
    rows = rows_of(finished.out / "data")
    assert {name for kind, name in found if kind != "domain"} == {"Jo Example", "CC-BY-4.0", "CC-BY-NC-4.0"}
    for kind in ("creator", "licence"):
        assert {name: line["rows"] for (k, name), line in found.items() if k == kind} == Counter(row[kind] for row in rows if row[kind])
    jo = [row for row in rows if row["creator"] == "Jo Example"]
    assert found["creator", "Jo Example"]["pixels"] == sum(row["width"] * row["height"] for row in jo)
    assert found["creator", "Jo Example"]["bytes"] == sum(len(row["image"]["bytes"]) for row in jo)
    assert sum(line["rows"] for (kind, _), line in found.items() if kind == "domain") == len(rows)
    told = {name: fact["value"] for name, fact in finished.document("datasheet.json")["attribution"].items()}
    assert (told["creator_share"], told["licence_share"], told["non_commercial"]) == (round(2 / len(rows), 6), round(2 / len(rows), 6), 1)


def test_the_manifest_counts_the_ledger_and_names_what_decided_it(finished):
    manifest = finished.document("manifest.json")
    rows = finished.ledger()
    ledger = manifest["ledger"]
    assert ledger["rows"] == len(rows) == 37
    for verdict in ("kept", "rejected", "unreadable"):
        assert ledger[verdict] == sum(row["verdict"] == verdict for row in rows)
    hashes = [(path.stem, hashlib.sha256(path.read_bytes()).hexdigest()) for path in sorted((finished.work / "ledger").iterdir())]
    assert ledger["sha256"] == hashlib.sha256("".join(f"{a} {b}\n" for a, b in hashes).encode()).hexdigest()
    assert manifest["lists"] == {"opt_out: removals.csv": hashlib.sha256((finished.folder / "removals.csv").read_bytes()).hexdigest()}
    assert {"pyarrow", "numpy", "code", "matplotlib"} <= set(manifest["versions"])
    assert "toxicity: shipped" in manifest["models"]


def test_the_same_run_gives_the_same_bytes_whatever_folder_it_lies_in(finished, copy):
    (copy.folder / "removals.csv").write_bytes((finished.folder / "removals.csv").read_bytes())
    record = json.loads((copy.work / "run.json").read_text())
    record["job"]["filters"]["opt_out"]["lists"] = [str(copy.folder / "removals.csv")]
    record["job"]["workers"] = "auto"
    (copy.work / "run.json").write_text(json.dumps(record))
    shutil.rmtree(copy.work / "documents")
    document(reopen_run(str(copy.out), None))
    assert contents(copy) == contents(finished)


def test_no_machine_path_stands_in_the_release(finished):
    for name, content in contents(finished).items():
        assert str(finished.folder).encode() not in content, name


def test_a_release_names_no_row_that_was_opted_out_taken_down_illegal_or_private(finished):
    """A2: a published list of what was removed is an index to it."""
    ledger = {row["key"]: row for row in finished.ledger()}
    whole = b"\n".join(contents(finished).values())
    for reason, sample in finished.hidden.items():
        row = ledger[sample["key"]]
        assert row["verdict"] == "rejected", reason
        assert reason in row["reasons"]
        sha256 = hashlib.sha256(sample["jpg"]).hexdigest()
        for secret in (sample["url"], sample["key"], row["uid"], sha256, sample["caption"], "4111 1111"):
            assert secret.encode() not in whole, (reason, secret)
    reasons = {line["reason"]: line["rows"] for line in finished.document("datasheet.json")["reasons"]["value"]}
    assert all(reasons[reason] >= 1 for reason in finished.hidden), "counts stay"


def test_no_document_holds_a_token_that_strict_json_has_no_word_for(finished):
    """D10: NaN in JSON."""

    def refuse(token: str) -> None:
        raise AssertionError(token)

    for name in NAMES:
        if name.endswith(".json"):
            json.loads((finished.out / name).read_text(encoding="utf-8"), parse_constant=refuse)


def test_declared_answers_are_rendered_again_and_the_manifest_follows(copy):
    before = contents(copy)
    document(reopen_run(str(copy.out), None, ["datasheet.title=Another title", "datasheet.contact=us@walls.example"]))
    after = contents(copy)
    assert {name for name in after if after[name] == before[name]} >= {"data/00000.parquet", "data/00001.parquet", "top_domains.csv"}
    assert b"Another title" in after["datasheet.html"]
    manifest = json.loads(after["manifest.json"])
    for name, described in manifest["files"].items():
        assert described["sha256"] == hashlib.sha256(after[name]).hexdigest()
    assert manifest["job"] != json.loads(before["manifest.json"])["job"]


def test_a_title_decides_no_other_key_of_the_job(copy):
    """The digest of the job follows what decides a byte, not gates or workers."""
    before = json.loads((copy.out / "manifest.json").read_text())["job"]
    document(reopen_run(str(copy.out), None, ["workers=2", "max_not_scored=0.5"]))
    assert json.loads((copy.out / "manifest.json").read_text())["job"] == before


@pytest.mark.parametrize(
    ("setting", "told"),
    [("datasheet.strict=true", "motivation.creators|motivation.funding"), ("rebalance.min_effective_share=1.0", "effective sample size")],
)
def test_a_gate_that_does_not_hold_is_named_after_the_documents_are_written(copy, setting, told):
    judged = json.loads((copy.work / "judged.json").read_text())
    judged["weights"]["effective_sample_size"] = 11.0
    (copy.work / "judged.json").write_text(json.dumps(judged))
    with pytest.raises(GateError, match=told) as caught:
        document(reopen_run(str(copy.out), None, [setting]))
    assert setting.partition("=")[0] in str(caught.value)
    assert caught.value.exit_status == 6
    assert {name for name in contents(copy) if "/" not in name} == NAMES - {"manifest.json"}


def test_a_flagged_disparity_fails_the_run_only_where_the_job_says_so(copy):
    judged = json.loads((copy.work / "judged.json").read_text())
    judged["weights"]["flagged"] = [{"reason": "toxicity", "attribute": "gender", "level": "feminine"}]
    (copy.work / "judged.json").write_text(json.dumps(judged))
    document(reopen_run(str(copy.out), None))
    with pytest.raises(GateError, match="toxicity on gender=feminine"):
        document(reopen_run(str(copy.out), None, ["audit.fail_on_flags=true"]))


def test_a_data_file_that_was_changed_since_is_not_documented(copy):
    with (copy.out / "data" / "00000.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(JobError, match=r"00000\.parquet is not the file"):
        document(reopen_run(str(copy.out), None))


def test_an_answer_to_no_question_is_refused_with_the_nearest_one(copy):
    with pytest.raises(JobError, match=r"motivation\.purpose"):
        reopen_run(str(copy.out), None, ["datasheet.answers={motivation.porpose: x}"])
