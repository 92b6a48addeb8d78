"""Taking rows down is owed whatever has become of the job since: keys were renamed or have vanished, lists and models are gone."""

import json
import pathlib

import pyarrow.parquet as pq
import pytest

from pipeline.cli import run_command
from pipeline.recorded import job_as_far_as_known, recorded_job
from schemas.errors import JobError
from tests.pipeline.releases import KEPT, copied
from tests.runs import rows_of
from transforms.ledger import write_ledger


@pytest.fixture(scope="module")
def old(finished_release, tmp_path_factory) -> pathlib.Path:
    """A release as an older version left it: other keys, no list any more, ledgers and markers that know less."""
    folder = copied(finished_release.out.parent, tmp_path_factory.mktemp("old"))
    (folder / "list.csv").unlink()
    path = folder / "out.work/run.json"
    record = json.loads(path.read_text())
    filters = record["job"]["filters"]
    for name, word in (("nsfw", "exceptions"), ("toxicity", "ignore")):
        del filters[name]["allow"]
        filters[name][word] = ["scunthorpe"]
    filters["toxicity"]["model"] = "gone.bin"
    filters["nsfw"] |= {"max_punsafe": "half", "vanished": 1}
    filters["of_another_package"] = {"enabled": True, "max": 0.2}
    del filters["violence"]
    path.write_text(json.dumps({"job": record["job"], "shards": record["shards"]}))
    marker = json.loads((folder / "out.work/judged.json").read_text())
    del marker["signals"], marker["not_duplicates"]
    for told in marker["ledger"].values():
        del told["captions"]
    (folder / "out.work/judged.json").write_text(json.dumps(marker))
    for ledger in (folder / "out.work/ledger").glob("*.parquet"):
        write_ledger(pq.read_table(ledger).drop_columns(["captions", "caption_count"]), str(ledger))
    return folder


@pytest.fixture(scope="module")
def taken(old) -> pathlib.Path:
    (old / "asked.csv").write_text(f"kind,value,reason\nurl,{KEPT['url']},dmca\n")
    assert run_command(["takedown", str(old / "out"), str(old / "asked.csv")]) == 0
    return old / "out-2.0.0"


def test_a_release_of_an_older_version_loses_its_row_whatever_has_become_of_its_job(old, taken):
    assert KEPT["url"] in {row["url"] for row in rows_of(old / "out/data")}
    assert KEPT["url"] not in {row["url"] for row in rows_of(taken / "data")}
    assert run_command(["verify-absent", str(taken), str(old / "asked.csv")]) == 0


def test_its_documents_name_the_lists_and_models_that_decided_it_and_the_keys_that_are_not_known(old, taken):
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in (old / "out", taken)]
    for kind in ("lists", "models"):
        assert manifests[0][kind] == manifests[1][kind] != {}
    sheets = [json.loads((folder / "datasheet.json").read_text()) for folder in (old / "out", taken)]
    lists = [{line["filter"]: line["lists"] for line in sheet["filters"]["value"]} for sheet in sheets]
    assert lists[1]["opt_out"] == lists[0]["opt_out"] != []
    [told] = [line for line in sheets[1]["limits"]["value"] if "does not know" in line]
    assert "filters.nsfw.max_punsafe, filters.nsfw.vanished, filters.of_another_package" in told
    assert sheets[1]["software"]["code"]["value"] == sheets[0]["software"]["code"]["value"]


def test_to_take_rows_down_once_more_needs_none_of_it_either(old, taken):
    (old / "again.csv").write_text("kind,value\ndomain,site7.example\n")
    assert run_command(["takedown", str(taken), str(old / "again.csv")]) == 0
    sheet = json.loads((old / "out-3.0.0/datasheet.json").read_text())
    assert any("filters.of_another_package" in line for line in sheet["limits"]["value"])


def test_a_renamed_key_is_read_under_its_new_name_by_every_command(old, tmp_path):
    record = json.loads((old / "out.work/run.json").read_text())["job"]
    job, left = job_as_far_as_known(record, "run.json")
    assert job.filters.toxicity.allow == job.filters.nsfw.allow == ("scunthorpe",)
    assert sorted(left) == ["filters.nsfw.max_punsafe", "filters.nsfw.vanished", "filters.of_another_package"]
    for path in left:
        *parents, last = path.split(".")
        section = record
        for part in parents:
            section = section[part]
        del section[last]
    assert recorded_job(record, "run.json").filters.nsfw.allow == ("scunthorpe",)


def test_a_record_without_what_every_job_needs_is_refused_by_name():
    with pytest.raises(JobError, match="source"):
        job_as_far_as_known({"version": 1, "output": "out"}, "run.json")
