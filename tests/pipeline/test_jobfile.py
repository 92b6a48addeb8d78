"""The job file: what is wrong is named by its key, with what was expected and the nearest valid name."""

import json

import pytest
import yaml

from pipeline.jobfile import build_job, filters_of, job_model, layout_of, load_job
from pipeline.jobtext import commented_job
from schemas.errors import JobError
from schemas.job import Phase, keys_of, leaves

SMALL = {"version": 1, "source": {"format": "webdataset", "paths": ["shards/*.tar"]}, "output": "out"}


def written(tmp_path, content):
    path = tmp_path / "job.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return str(path)


def test_the_smallest_job_has_the_documented_defaults(tmp_path):
    job = load_job(written(tmp_path, SMALL))
    assert job.workers == "auto"
    assert job.dedup.policy == "image"
    assert job.filters.toxicity.max == 0.9
    assert job.filters.hash_mismatch.action == "flag"
    assert job.rebalance.margins == ("gender", "age", "region", "language")
    assert job.source[0].decode.max_pixels == 100_000_000
    assert job.publish.drop == ("exif", "http_headers")


def test_relative_paths_resolve_against_the_job_file_and_work_lies_beside_the_release(tmp_path):
    job = load_job(written(tmp_path, SMALL))
    assert job.source[0].paths == (str(tmp_path / "shards/*.tar"),)
    assert layout_of(job).out == str(tmp_path / "out")
    assert layout_of(job).work == str(tmp_path / "out.work")


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        ({"outptu": "x"}, "outptu", "did you mean 'output'?"),
        ({"filters": {"toxicty": {}}}, "filters.toxicty", "did you mean 'toxicity'?"),
        ({"filters": {"toxicity": {"mx": 0.5}}}, "filters.toxicity.mx", "did you mean 'max'?"),
        ({"filters": {"toxicity": {"max": "high"}}}, "filters.toxicity.max", "found 'high'"),
        ({"dedup": {"policy": "images"}}, "dedup.policy", "'image', 'image_and_caption' or 'image_or_caption'"),
        ({"dedup": {"images": {"reach": "crops"}}}, "dedup.images.reach", "'views' or 'plain'"),
        ({"source": {"format": "tar", "paths": ["a"]}}, "source.format", "found 'tar'"),
        ({"source": {"format": "urls", "paths": []}}, "source.paths", "at least 1 item"),
        ({"version": 2}, "version", "found 2"),
        ({"workers": "many"}, "workers: ", "valid integer, or input should be 'auto'; found 'many'"),
        ({"source": {"format": "urls", "paths": "a"}}, "source.paths", "valid list; found 'a'"),
        ({"filters": {"toxicity": None}}, "filters.toxicity", "valid mapping; found nothing"),
        ({"work": "out/work"}, "work", "lies inside the release"),
        ({"filters": {"language": {"keep": [False]}}}, "filters.language.keep.0", "found false; YAML takes bare no"),
    ],
)
def test_what_is_wrong_is_named_by_its_yaml_path(tmp_path, change, path, says):
    with pytest.raises(JobError) as caught:
        load_job(written(tmp_path, {**SMALL, **change}))
    assert caught.value.exit_status == 2
    assert f"job.yaml: {path}" in str(caught.value)
    assert says in str(caught.value)


def test_a_rule_over_several_keys_says_what_is_wrong_and_no_more(tmp_path):
    with pytest.raises(JobError) as caught:
        load_job(written(tmp_path, {**SMALL, "filters": {"faces": {"do": "blur"}}}))
    assert str(caught.value).endswith("filters.faces: do: blur needs find: column, nudenet or the path of a detector's spec")


def test_a_source_without_a_format_is_one_mistake_and_not_two(tmp_path):
    with pytest.raises(JobError) as caught:
        load_job(written(tmp_path, {**SMALL, "source": {"paths": ["a"]}}))
    assert str(caught.value).splitlines() == [f"{tmp_path}/job.yaml: source.format: this key is needed and missing"]


def test_every_wrong_key_is_told_at_once(tmp_path):
    with pytest.raises(JobError) as caught:
        load_job(written(tmp_path, {**SMALL, "outptu": 1, "filters": {"toxicity": {"mx": 1}}}))
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("text", ["version: 1\nversion: 1\n", "- a\n", "a: [\n", "1: 2\n", "a: !!python/object/apply:os.system [true]\n"])
def test_yaml_that_is_doubled_broken_or_no_mapping_is_refused(tmp_path, text):
    with pytest.raises(JobError):
        load_job(written(tmp_path, text))


def test_two_sources_need_two_names(tmp_path):
    source = SMALL["source"]
    with pytest.raises(JobError, match="'main' stands twice"):
        load_job(written(tmp_path, {**SMALL, "source": [source, source]}))
    job = load_job(written(tmp_path, {**SMALL, "source": [source, {**source, "name": "b"}]}))
    assert [s.name for s in job.source] == ["main", "b"]


def test_set_lays_yaml_values_over_keys_that_are_there_or_not(tmp_path):
    job = load_job(
        written(tmp_path, SMALL), ["filters.toxicity.max=0.4", "filters.language.keep=[en, de]", "source.decode.max_pixels=1000"]
    )
    assert job.filters.toxicity.max == 0.4
    assert job.filters.language.keep == ("en", "de")
    assert job.source[0].decode.max_pixels == 1000


@pytest.mark.parametrize("setting", ["filters.toxicity.max", "=3", "output.deep.er=1", "filters.toxicity.mx=1"])
def test_a_setting_that_leads_nowhere_is_refused(tmp_path, setting):
    with pytest.raises(JobError):
        load_job(written(tmp_path, SMALL), [setting])


def test_every_key_names_the_phase_that_reads_it():
    phases = {phase.value for phase in Phase}
    for path, field in leaves(job_model()):
        extra = field.json_schema_extra
        assert isinstance(extra, dict), path
        assert extra.get("phase") in phases, path
        assert field.description, path


def test_a_threshold_belongs_to_judge_and_a_model_to_annotate():
    job = build_job(SMALL, "/", "job.yaml")
    assert "max" in keys_of(job.filters.toxicity, Phase.JUDGE)
    assert "model" in keys_of(job.filters.toxicity, Phase.ANNOTATE)
    assert "max" not in keys_of(job.filters.toxicity, Phase.ANNOTATE)


def test_filters_come_after_those_they_read():
    names = [rule.name for rule in filters_of(build_job(SMALL, "/", "job.yaml"))]
    assert names.index("language") < names.index("toxicity")


def test_a_commented_job_says_every_key_and_is_a_job(tmp_path):
    text = commented_job({**SMALL, "filters": {"language": {"keep": ["en"]}}})
    job = load_job(written(tmp_path, text))
    assert job == load_job(written(tmp_path, {**SMALL, "filters": {"language": {"keep": ["en"]}}}))
    for path, _ in leaves(job_model()):
        if path.startswith(("filters.columns.rules.", "filters.embedding_heads.heads.", "filters.embeddings.", "dedup.against.")):
            continue  # keys of a list that is empty, or of a section that is null, by default
        assert f"{path.rpartition('.')[2]}:" in text, path


def test_the_json_schema_knows_every_filter_and_refuses_unknown_keys():
    schema = json.loads(json.dumps(job_model().model_json_schema()))
    assert schema["additionalProperties"] is False
    assert "toxicity" in json.dumps(schema)


def test_no_key_takes_a_credential():
    for path, _ in leaves(job_model()):
        path = path.replace("tokenizer", "")
        assert not any(word in path for word in ("password", "secret", "token", "credential")), path
