"""What the commands around a run say: init, check, preview, tune, why, datasheet, and what `run` refuses."""

import json
import re

import pytest

from pipeline.cli import run_command
from pipeline.jobfile import load_job
from tests.builders import jpeg, sample, write_parquet, write_webdataset
from tests.runs import contents, rows_of, run_job, run_samples, tars, write_job

SECRET = "https://USER:pass@Gallery.Example:443/by/jo.miller@mail.example/1.jpg"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A run of a few rows: a cluster, a URL that is withheld, a caption that would like to be markup."""
    samples = [sample(number) for number in range(6)]
    samples += [sample(7, jpg=samples[0]["jpg"], caption="the same picture under another caption", key="twin")]
    samples += [sample(8, url=SECRET, key="withheld"), sample(9, url="https://Gallery.example/A%2fb/%7Ejo?q=1#top", key="spelled")]
    return run_samples(tmp_path_factory.mktemp("small"), samples, per_shard=5)


# init


def write_layout(folder, layout):
    samples = [sample(number) for number in range(3)]
    if layout == "webdataset":
        write_webdataset(folder, samples)
    elif layout == "parquet":
        write_parquet(folder / "00000.parquet", samples)
    else:
        write_parquet(folder / "00000.parquet", [{"URL": row["url"], "TEXT": row["caption"]} for row in samples])


@pytest.mark.parametrize("layout", ["webdataset", "parquet", "urls"])
@pytest.mark.parametrize("depth", ["", "part"])
def test_init_recognises_a_layout_and_writes_a_job_that_can_be_checked(layout, depth, tmp_path, capsys):
    write_layout(tmp_path / "shards" / depth, layout)
    job = tmp_path / "job.yaml"
    assert run_command(["init", str(tmp_path / "shards"), "--job", str(job)]) == 0
    assert load_job(str(job)).source[0].format == layout
    assert run_command(["check", str(job)]) == 0
    printed = capsys.readouterr()
    assert "probed 3 rows: 0 unreadable" in printed.out
    assert "alarm" not in printed.out


def test_init_tells_which_column_it_cannot_place(tmp_path, capsys):
    write_parquet(tmp_path / "00000.parquet", [{"address": "https://a.example/1.jpg", "words": "a red kite"}])
    assert run_command(["init", str(tmp_path), "--job", str(tmp_path / "job.yaml")]) == 0
    told = capsys.readouterr().err
    assert "no caption column is recognised; name it with source.columns.caption (columns: address, words)" in told
    assert "no url column is recognised" in told


@pytest.mark.parametrize(
    ("path", "job", "status", "says"),
    [
        (".", "job.yaml", 3, "no .tar and no .parquet shard"),
        ("missing", "job.yaml", 3, "no .tar and no .parquet shard"),
        (".", "there.yaml", 2, "there already"),
        (".", "no/folder/job.yaml", 2, "no folder"),
    ],
)
def test_init_refuses_what_it_cannot_do(path, job, status, says, tmp_path, capsys):
    (tmp_path / "there.yaml").write_text("mine")
    assert run_command(["init", str(tmp_path / path), "--job", str(tmp_path / job)]) == status
    assert says in capsys.readouterr().err
    assert (tmp_path / "there.yaml").read_text() == "mine"


# check


def test_check_says_what_a_run_would_read_and_need_and_writes_nothing(tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(number) for number in range(20)], per_shard=5)
    job = write_job(tmp_path, tars())
    before = contents(tmp_path)
    assert run_command(["check", str(job), "--plan"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"main .* webdataset .* 4 ", told)
    assert "probed 5 rows" in told
    assert re.search(r"expect about (1[89]|2[0-2]) rows", told)
    assert re.search(r"match on this machine: 1 pass in the .* of memory", told)
    assert "packed keys, about" in told
    assert contents(tmp_path) == before


def test_check_tells_of_every_source_what_its_columns_are_taken_for_and_how_many_rows_to_expect(tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(number) for number in range(20)], per_shard=5)
    write_parquet(tmp_path / "list.parquet", [{"URL": f"https://a.example/{n}", "words": "a kite"} for n in range(300)])
    list_of_urls = {"name": "list", "format": "urls", "paths": ["list.parquet"]}
    job = write_job(tmp_path, {"source": [{"name": "tars", **tars()["source"]}, list_of_urls]})
    assert run_command(["check", str(job)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "list.parquet: url = URL" in told
    assert "alarm: source list has no caption that is known; name its column: source.columns.caption" in told
    assert 318 <= int(re.search(r"expect about (\d+) rows", told).group(1)) <= 322


def test_check_raises_an_alarm_for_a_filter_that_removes_a_whole_language(tmp_path, capsys):
    german = "eine alte Frau wartet im Regen auf den letzten Bus nach Hause Nummer"
    samples = [sample(number, caption=f"{german} {number}") if number % 2 else sample(number) for number in range(20)]
    write_webdataset(tmp_path / "shards", samples)
    job = write_job(tmp_path, tars({"filters": {"language": {"keep": ["en"]}}}))
    assert run_command(["check", str(job)]) == 0
    assert "alarm: language removes all 10 probed rows with language = de" in capsys.readouterr().out


def test_check_names_a_shard_that_cannot_be_read_and_goes_on_with_the_next(tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(number) for number in range(4)])
    (tmp_path / "shards" / "-broken.tar").write_bytes(b"no tar at all" * 1000)
    job = write_job(tmp_path, tars())
    assert run_command(["check", str(job)]) == 0
    told = capsys.readouterr().out
    assert "-broken.tar" in told
    assert "probed 4 rows" in told
    (tmp_path / "shards" / "00000.tar").unlink()
    assert run_command(["check", str(job)]) == 3


def test_a_rule_may_be_on_a_column_that_only_a_later_shard_has(tmp_path):
    for name, more in (("a", {}), ("b", {"clip": 0.31})):
        write_parquet(tmp_path / "shards" / f"{name}.parquet", [{**sample(1), **more}])
    rule = {"filters": {"columns": {"rules": [{"column": "clip", "min": 0.3}]}}}
    job = write_job(tmp_path, {"source": {"format": "parquet", "paths": ["shards/*.parquet"]}, **rule})
    assert run_command(["check", str(job)]) == 0


# preview


def test_preview_shows_what_would_go_and_why_and_writes_nothing(tmp_path, capsys):
    samples = [sample(number) for number in range(9)]
    samples.append(sample(9, key="rude", caption="you are a stupid worthless idiot \x1b[2J and [bold]everybody[/bold] hates you"))
    write_webdataset(tmp_path / "shards", samples)
    job = write_job(tmp_path, tars())
    before = contents(tmp_path)
    assert run_command(["preview", str(job)]) == 0
    told = capsys.readouterr().out
    assert "10 rows of 1 shards: 9 would stay, 1 would go" in told
    assert re.search(r"reason .* toxicity .* 1 .* rude \(0\.\d+\) you are", told)
    assert "\x1b" not in told
    assert "[bold]everybody[/bold]" in told
    assert contents(tmp_path) == before


# tune


def test_tune_judges_again_beside_the_release_and_touches_no_byte_of_it(demo_run, capsys):
    before = contents(demo_run.out, demo_run.work / "ledger", demo_run.work / "emitted", demo_run.work / "clusters")
    arguments = ["tune", str(demo_run.out), "--set", "filters.toxicity.enabled=false", "--set", "filters.language.keep=[de]"]
    assert run_command(arguments) == 0
    told = capsys.readouterr().out
    assert re.search(r"toxicity .* 1 .* 0 .* -1 ", told)
    assert "1 would come back" in told
    after = contents(demo_run.out, demo_run.work / "ledger", demo_run.work / "emitted", demo_run.work / "clusters")
    assert after == before
    tuned = {row["key"]: row for row in rows_of(demo_run.work / "tune" / "ledger")}
    assert tuned["german"]["verdict"] == "kept"
    assert json.loads((demo_run.work / "run.json").read_bytes())["job"]["filters"]["language"]["keep"] == ["en"]


def test_tuning_to_what_is_there_changes_nothing(demo_run, capsys):
    assert run_command(["tune", str(demo_run.out), "--set", "filters.toxicity.max=0.9"]) == 0
    assert "0 rows that were kept would go, 0 would come back" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("dedup.images.mode=exact", "belongs to annotate"),
        ("filters.toxicity.allow=[kite]", "belongs to annotate"),
        ("dedup.policy=image_or_caption", "belongs to match"),
        ("publish.drop=[url]", "belongs to emit"),
        ("datasheet.title=x", "belongs to document"),
        ("filters.columns.rules=[{column: status, min: 1}]", "annotate or match"),
        ("filters.toxicity.mx=1", "did you mean 'max'?"),
        ("filters.toxicity.max=high", "found 'high'"),
    ],
)
def test_tune_refuses_keys_that_judge_alone_does_not_read(setting, says, demo_run, capsys):
    assert run_command(["tune", str(demo_run.out), "--set", setting]) == 2
    assert says in capsys.readouterr().err


def test_tune_without_a_setting_says_what_to_say(demo_run, capsys):
    assert run_command(["tune", str(demo_run.out)]) == 2
    assert "--set filters.toxicity.max=0.4" in capsys.readouterr().err


# why


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ("spelled", "spelled"),
        ("https://Gallery.example/A%2fb/%7Ejo?q=1#top", "spelled"),
        ("HTTPS://gallery.example:443/A%2Fb/~jo?q=1", "spelled"),
        ("https://me:secret@gallery.example/A%2fb/~jo?q=1#elsewhere", "spelled"),
        (SECRET, "withheld"),
        ("https://gallery.example/by/jo.miller@mail.example/1.jpg", "withheld"),
    ],
)
def test_a_row_is_found_by_key_or_by_any_spelling_of_its_url(asked, key, small, capsys):
    assert run_command(["why", str(small.out), asked]) == 0
    told = capsys.readouterr().out
    assert small.by_key()[key]["uid"] in told
    assert "jo.miller" not in told


def test_a_row_is_found_by_uid_and_its_cluster_is_shown(small, capsys):
    row = small.by_key()["000000000"]  # its twin has the longer caption
    assert row["reasons"] == ["duplicate_image"]
    assert run_command(["why", str(small.out), row["uid"].upper()]) == 0
    told = capsys.readouterr().out
    assert "duplicate_image" in told
    assert re.search(rf"cluster {row['cluster']}(.|\n)*{row['duplicate_of']} .* kept", told)


def test_what_is_in_no_row_ends_with_7(small, capsys):
    assert run_command(["why", str(small.out), "https://gallery.example/a%2fb/~jo?q=1"]) == 7  # the path's case tells
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no row" in printed.err


# run


def test_a_finished_release_is_not_overwritten_and_its_ledger_not_touched_unless_told(tmp_path, capsys):
    samples = [sample(number) for number in range(4)] + [sample(4, caption="you are a stupid worthless idiot and everybody hates you")]
    write_webdataset(tmp_path / "shards", samples)
    out, ledger, job = tmp_path / "out", tmp_path / "out.work" / "ledger", str(write_job(tmp_path, tars()))
    assert run_command(["run", job]) == 0
    before = contents(out, ledger)
    assert run_command(["run", job]) == 0
    assert contents(out, ledger) == before
    for setting in ("filters.toxicity.enabled=false", "publish.drop=[status]"):
        assert run_command(["run", job, "--set", setting]) == 2
        assert "--replace" in capsys.readouterr().err
        assert contents(out, ledger) == before
    assert run_command(["run", job, "--set", "filters.toxicity.enabled=false", "--replace"]) == 0
    assert len(rows_of(out / "data")) == 5
    assert "5 rows: 5 kept" in capsys.readouterr().err


def test_a_trial_has_an_output_of_its_own_and_may_be_repeated(tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(number) for number in range(6)], per_shard=2)
    job = write_job(tmp_path, tars())
    for number in (1, 2):
        assert run_command(["run", str(job), "--limit-shards", str(number)]) == 0
        assert len(rows_of(tmp_path / "out.trial" / "data")) == 2 * number
    assert not (tmp_path / "out").exists()
    assert f"datasheet {tmp_path}/out.trial/datasheet.html" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("phases", "says"),
    [(["jugde"], "the phases are annotate, match, judge, emit, document"), (["judge"], "not annotated"), (["document"], "not annotated")],
)
def test_a_phase_that_is_not_there_or_not_yet_possible_ends_with_2(phases, says, tmp_path, capsys):
    write_webdataset(tmp_path / "shards", [sample(0)])
    job = write_job(tmp_path, tars())
    assert run_command(["run", str(job), *(word for phase in phases for word in ("--phase", phase))]) == 2
    assert says in capsys.readouterr().err


def test_the_end_of_a_run_raises_an_alarm_for_what_no_row_of_is_left(tmp_path, capsys):
    german = "eine alte Frau wartet im Regen auf den letzten Bus nach Hause Nummer"
    samples = [
        sample(number, jpg=jpeg(seed=number), caption=f"{german} {number}" if number < 24 else f"a kite {number}") for number in range(40)
    ]
    write_webdataset(tmp_path / "shards", samples)
    job = write_job(tmp_path, tars({"filters": {"caption_quality": {"max_characters": 40}}}))
    assert run_command(["run", str(job)]) == 0
    assert "alarm: the filter caption_quality removes every one of the 24 rows with language = de" in capsys.readouterr().err


# datasheet


def test_documents_are_rendered_again_with_other_answers(small, capsys):
    before = contents(small.out / "data", small.work / "ledger")
    assert run_command(["datasheet", str(small.out), "--set", "datasheet.title=Nine patterns"]) == 0
    assert capsys.readouterr().out == ""
    assert "Nine patterns" in (small.out / "datasheet.md").read_text()
    assert contents(small.out / "data", small.work / "ledger") == before


def test_the_documents_of_a_run_never_tell_of_thresholds_that_its_data_was_not_judged_by(small, capsys):
    before = contents(small.out)
    for setting, phase in {
        "filters.toxicity.max=0.2": "judge",
        "dedup.policy=image_or_caption": "match",
        "publish.drop=[]": "emit",
    }.items():
        assert run_command(["datasheet", str(small.out), "--set", setting]) == 2
        assert f"belongs to {phase}" in capsys.readouterr().err
    assert run_command(["datasheet", str(small.out), "--set", "datasheet.titel=x"]) == 2
    assert "did you mean 'title'?" in capsys.readouterr().err
    assert contents(small.out) == before


def test_documents_are_not_written_about_data_of_other_lists_keys_or_versions(tmp_path, capsys, monkeypatch):
    (tmp_path / "list.csv").write_text("kind,value\ndomain,nowhere.example\n")
    run_samples(tmp_path, [sample(0)], {"filters": {"opt_out": {"lists": ["list.csv"]}}}, documents=True)
    before = contents(tmp_path / "out")
    again = ["run", str(tmp_path / "job.yaml"), "--replace", "--phase", "document", "--set"]
    assert run_command([*again, "filters.toxicity.max=0.2"]) == 2
    assert run_command([*again, "publish.drop=[]"]) == 2
    assert "would not tell the truth of it" in capsys.readouterr().err
    assert run_command([*again, "datasheet.version=1.0.0"]) == 0
    assert contents(tmp_path / "out") == before
    (tmp_path / "list.csv").write_text("kind,value\ndomain,elsewhere.example\n")
    assert run_command(["datasheet", str(tmp_path / "out")]) == 2
    (tmp_path / "list.csv").write_text("kind,value\ndomain,nowhere.example\n")
    monkeypatch.setattr("pipeline.run.versions", lambda: {"code": "newer"})
    assert run_command(["datasheet", str(tmp_path / "out")]) == 2
    assert contents(tmp_path / "out") == before


def test_a_list_that_is_gone_stops_a_run_that_is_run_again(tmp_path, capsys):
    (tmp_path / "list.csv").write_text("kind,value\ndomain,nowhere.example\n")
    write_webdataset(tmp_path / "shards", [sample(0)])
    job = tars({"filters": {"opt_out": {"lists": ["list.csv"]}}})
    run_job(tmp_path, job)
    (tmp_path / "list.csv").unlink()
    assert run_command(["run", str(tmp_path / "job.yaml")]) == 4
    assert "list.csv" in capsys.readouterr().err
