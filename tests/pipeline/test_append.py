"""New shards join a finished release: nothing of what it holds changes, and its facts decide about what comes."""

import hashlib
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import transforms.storage
from pipeline.append import append
from pipeline.commands.run import run_phases
from pipeline.commands.tune import tune
from pipeline.elders import elder_shards, open_elder
from pipeline.emit import check_frozen
from pipeline.run import open_run
from schemas.errors import InputError, JobError
from tests.builders import write_webdataset
from tests.pipeline.releases import ALONE, KEPT, ROWS, SHUT, TAKEN, copied, put, row
from tests.runs import Ran, contents, stamps


def unscored(new):
    """Which copy stayed in the release was chosen by its column `score`, and there is a rule on it; what comes later need not have it."""
    return {name: value for name, value in new.items() if name != "score"}


NEW = [row(20, 100), row(21, 200), row(22, 500, 128), row(23, 700), row(24, 700), row(25, 800, url=SHUT), TAKEN]
NEW = [unscored(new) for new in NEW]


def added(folder: pathlib.Path, *settings: str) -> Ran:
    """Appends what the job names; the release afterwards."""
    told = list(append(str(folder / "job.yaml"), settings))
    assert len(told) == 1
    return Ran(open_run(str(folder / "job.yaml"), ()))


def manifest(folder: pathlib.Path) -> dict:
    return json.loads((folder / "out" / "manifest.json").read_bytes())


@pytest.fixture
def release(finished_release, tmp_path) -> pathlib.Path:
    return copied(finished_release.out.parent, tmp_path)


@pytest.fixture(scope="module")
def appended(finished_release, tmp_path_factory) -> Ran:
    """The release with the new rows in two more shards."""
    folder = copied(finished_release.out.parent, tmp_path_factory.mktemp("appended"))
    put(folder, NEW, 2, 4)
    return added(folder)


def test_nothing_that_was_there_changes(finished_release, appended):
    for folder in ("out/data", *(f"out.work/{name}" for name in ("ledger", "annotations", "signatures", "emitted", "clusters"))):
        then, now = (contents(ran.out.parent / folder) for ran in (finished_release, appended))
        assert {name: now[name] for name in then} == then, folder
        new = {pathlib.Path(name).name[:5] for name in set(now) - set(then)}
        assert new == (set() if folder.endswith("clusters") else {"00002", "00003"}), folder


def test_new_rows_are_judged_by_what_the_release_holds(finished_release, appended):
    then = finished_release.by_key()
    rows = [row for shard in ("00002", "00003") for row in appended.shard(shard)]
    new = {row["key"]: row for row in rows}
    copy = new["000000020"]
    assert (copy["reasons"], copy["duplicate_of"]) == (["duplicate_image"], then[KEPT["key"]]["uid"])
    assert copy["cluster"] == then[KEPT["key"]]["cluster"], "the cluster keeps its name"
    assert copy["evidence"][0]["detail"] is None, "it is the same release"
    assert new["000000021"]["verdict"] == "kept", "what was rejected there is judged on its own"
    assert new["000000022"]["duplicate_of"] == then[ALONE["key"]]["uid"] == new["000000022"]["cluster"], "whatever its pixels"
    assert sorted(new[f"0000000{n}"]["verdict"] for n in (23, 24)) == ["kept", "rejected"]
    assert new["000000025"]["reasons"] == ["opt_out"]
    assert rows[-1]["reasons"] == ["taken_down"]
    weights = {row["weight"] for row in then.values() if row["verdict"] == "kept"}
    assert {row["weight"] for row in rows if row["verdict"] == "kept"} <= weights | {1.0}


def test_manifest_and_datasheet_tell_of_the_union(finished_release, appended):
    found = manifest(appended.out.parent)
    assert found["release"] == "1.1.0"
    assert found["ledger"]["rows"] == len(ROWS) + len(NEW) == found["ledger"]["kept"] + found["ledger"]["rejected"]
    [part] = found["appended"]
    base = hashlib.sha256((finished_release.out / "manifest.json").read_bytes()).hexdigest()
    assert (part["shards"], part["manifest"], part["onto"]) == (["00002", "00003"], base, "1.0.0")
    for path, told in found["files"].items():
        content = (appended.out / path).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (told["bytes"], told["sha256"]), path
    assert {path.name for path in (appended.out / "data").iterdir()} == {path[5:] for path in found["files"] if path.startswith("data/")}
    sheet = json.loads((appended.out / "datasheet.json").read_bytes())
    assert sheet["totals"]["source_rows"]["value"] == sheet["totals"]["read"]["value"] == len(ROWS) + len(NEW)
    assert sheet["appended"]["value"][0]["rows"] == len(NEW)
    weights, columns = sheet["weights"], {line["column"]: line["meaning"] for line in sheet["columns"]["value"]}
    assert "of the rows of version 1.0.0: what was appended since weighs" in weights["told"]["value"]
    assert "the mean over the rows of version 1.0.0 is 1" in columns["weight"]
    for found in (weights["status"], sheet["audit"]["lines"], sheet["alarms"], sheet["run_counts"]):
        assert "of the rows of version 1.0.0 alone" in found["how"]
    sizes = {line["size"]: line["clusters"] for line in sheet["duplicates"]["image_clusters"]["value"]}
    assert sizes == {2: 4, 3: 1}, "refused, taken down, alone with its copy, two new ones; kept, dropped and their copy"


def test_a_second_append_takes_shards_from_elsewhere_and_leaves_a_new_column_out(appended, tmp_path):
    folder = copied(appended.out.parent, tmp_path)
    first = contents(folder / "out" / "data", folder / "out.work" / "ledger")
    write_webdataset(folder / "march", [unscored(new) for new in (row(30, 600, aesthetic=5.5), row(31, 100), row(32, 200))])
    drop = "publish.drop=[exif, http_headers, aesthetic]"
    ran = added(folder, f"source.paths=[{folder}/march/*.tar]", drop, "datasheet.title=Boats", "source.max_unreadable=0.5")
    assert manifest(folder)["release"] == "1.2.0"
    assert [part["release"] for part in manifest(folder)["appended"]] == ["1.1.0", "1.2.0"]
    assert contents(folder / "out" / "data", folder / "out.work" / "ledger").items() >= first.items()
    again = {row["key"]: row for row in ran.shard("00000-2")}
    assert again["000000030"]["verdict"] == "kept"
    assert again["000000031"]["duplicate_of"] == ran.by_key()[KEPT["key"]]["uid"]
    assert again["000000032"]["duplicate_of"] == ran.by_key()["000000021"]["uid"], "a row that the append before has kept"
    assert len({tuple(pq.read_schema(path).names) for path in (ran.out / "data").iterdir()}) == 1
    assert json.loads((folder / "out" / "datasheet.json").read_bytes())["dataset"]["title"]["value"] == "Boats"


def test_an_append_that_is_killed_leaves_the_release_valid_or_is_ended_by_the_same_command(release, appended, monkeypatch):
    """Law 5. Until the manifest goes the release is what it was; after that the command ends what it began."""
    put(release, NEW, 2, 4)
    whole = contents(release / "out")
    publish = transforms.storage.os.replace

    class Killed(BaseException):
        pass

    def killed_at(moment):
        def replace(source, target):
            if moment in str(target):
                raise Killed
            publish(source, target)

        monkeypatch.setattr(transforms.storage.os, "replace", replace)
        with pytest.raises(Killed):
            added(release)
        monkeypatch.setattr(transforms.storage.os, "replace", publish)

    killed_at("/out.work/run.json")
    assert contents(release / "out") == whole
    for moment in ("/out.work/judged.json", "/out/datasheet.md", "/out/manifest.json"):
        killed_at(moment)
        assert not (release / "out" / "manifest.json").exists()
    with pytest.raises(JobError, match="ends what was begun"):
        run_phases(open_run(str(release / "job.yaml"), ()))
    ran = added(release)
    assert contents(ran.out / "data", ran.work / "ledger") == contents(appended.out / "data", appended.work / "ledger")
    assert manifest(release) == manifest(appended.out.parent)


def test_a_release_that_was_appended_to_is_not_judged_anew_by_mistake_and_holds_what_it_holds(appended):
    job = str(appended.out.parent / "job.yaml")
    before = stamps(appended.out)
    with pytest.raises(JobError, match=r"`winnow append` adds more, or ends what was begun; --replace judges all rows anew"):
        run_phases(open_run(job, ()))
    with pytest.raises(JobError, match="this release was appended to"):
        tune(str(appended.out), None, ["filters.toxicity.max=0.4"], None)
    assert list(append(job, ())) == ["the release holds all 4 shards that the job names; nothing to append"]
    assert stamps(appended.out) == before


def test_a_release_that_was_appended_to_is_an_earlier_run_in_parts(appended):
    layout = appended.run.layout
    found = list(elder_shards(open_elder(layout, "", name=True), layout))
    assert [(shard.name, shard.part, shard.start, shard.rows, shard.own) for shard in found] == [
        ("00000", 0, 0, 5, 9), ("00001", 0, 5, 4, 9), ("00002", 1, 0, 4, 7), ("00003", 1, 4, 3, 7),
    ]  # fmt: skip
    assert found[3].clusters == layout.appended(1).clusters != found[0].clusters


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("filters.toxicity.max=0.5", r"append: filters.toxicity.max was 0.9 when the release was made, and this job says 0.5"),
        ("dedup.policy=image_or_caption", r"append: dedup.policy was image when"),
        ("dedup.images.mode=exact", r"append: dedup.images.mode was fast when"),
        ("dedup.against=elsewhere", r"holds no finished run"),
        ("source.decode.max_pixels=5", r"append: source.main.decode.max_pixels was 100000000 when"),
        ("rebalance.target=none", r"append: rebalance.target was preserve when"),
        ("publish.drop=[score]", r"append: publish.drop was \['exif', 'http_headers'\] when"),
    ],
)
def test_a_changed_job_is_refused_with_the_key(release, setting, told):
    before = contents(release / "out", release / "out.work" / "ledger")
    put(release, NEW[:1], 2)
    with pytest.raises((JobError, InputError), match=told):
        added(release, setting)
    assert contents(release / "out", release / "out.work" / "ledger") == before


def test_columns_that_the_release_lacks_or_has_of_another_type_are_refused_with_the_cure():
    then = pa.schema([("uid", pa.string()), ("score", pa.float64())])
    check_frozen(then, then)
    with pytest.raises(JobError, match=r"new shards have a column 'aesthetic' that the release lacks, .* --set publish.drop="):
        check_frozen(then, then.append(pa.field("aesthetic", pa.float64())))
    with pytest.raises(JobError, match=r"column 'score' is double in the release, and with the new shards it would be string"):
        check_frozen(then, pa.schema([("uid", pa.string()), ("score", pa.string())]))


def test_a_shard_of_the_release_that_has_changed_is_refused(release):
    put(release, NEW[:3], 0)
    with pytest.raises(InputError, match=r"00000.tar has changed since the release was made of it"):
        added(release)


def test_a_shard_of_the_release_that_was_moved_is_not_counted_twice(release):
    (release / "shards").rename(release / "elsewhere")
    with pytest.raises(InputError, match=r"elsewhere/00000.tar seems to be \S+/shards/00000.tar, .* leave it out of the globs"):
        added(release, f"source.paths=[{release}/elsewhere/*.tar]")


def test_only_a_finished_release_is_appended_to_and_by_no_other_version(release, monkeypatch):
    put(release, NEW[:1], 2)
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.append.versions", lambda: {"winnow": "9.9.9"})
        with pytest.raises(JobError, match=r"append: the release was made with winnow \S+, and this is winnow 9.9.9: it has one version"):
            added(release)
    with pytest.raises(InputError, match=r"no release to append to"):
        added(release, "output=other")
    (release / "out" / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"no finished release to append to"):
        added(release)
