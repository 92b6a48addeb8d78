"""Reads a job file: strict YAML in, a frozen `Job` out, and for everything that is wrong the key, what was expected, and the nearest name.

The model is put together here because the `filters` section has one key for every filter that is installed, ours and others'.
"""

import difflib
import functools
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError, create_model

from schemas.errors import InputError, JobError
from schemas.job import Benchmark, EarlierRun, Job, Phase, Section, leaves, section
from schemas.layout import Layout, join
from transforms import storage
from transforms.filters import filter_types, in_reading_order
from transforms.filters.base import Filter

_KIND = re.compile(r"constrained-\w+|literal\[.*\]")  # what pydantic calls the kinds of value that one key may have
_YAML: dict[type, str] = {list: "a list", tuple: "a list", dict: "a mapping"}


@functools.cache
def job_model() -> type[Job]:
    """The model of a whole job file, with a section for every installed filter."""
    kinds = filter_types()
    fields: dict[str, Any] = {name: (kind, section(_first_line(kind), kind)) for name, kind in kinds.items()}
    filters = create_model("Filters", __base__=Section, **fields)
    return create_model("Job", __base__=Job, filters=(filters, section("filters by name", filters)))


def load_job(path: str, settings: Sequence[str] = ()) -> Job:
    """The job of a file, with `--set key.path=value` settings laid over it and relative paths resolved against the file's folder.

    Raises:
      JobError: the file cannot be read, is no YAML mapping, or does not fit the model; names the file and every wrong key.
    """
    try:
        text = storage.read_bytes(path).decode()
    except (InputError, OSError, UnicodeDecodeError) as error:
        raise JobError(f"{path}: the job file cannot be read ({error})") from error
    content = _parse(text, path)
    for setting in settings:
        lay_over(content, setting)
    return build_job(content, storage.folder_of(path), path)


def build_job(content: Mapping[str, Any], folder: str, name: str) -> Job:
    """A job from plain data.

    Args:
      content: the parsed YAML.
      folder: what relative paths are resolved against.
      name: what to call the job file in messages.
    """
    content = dict(content)
    if isinstance(content.get("source"), Mapping):
        content["source"] = [content["source"]]
    try:
        job = job_model().model_validate(content)
    except ValidationError as error:
        single = not isinstance(content.get("source"), Sequence) or len(content["source"]) == 1
        raise JobError("\n".join(f"{name}: {line}" for line in _explain(error, single=single))) from error
    names = [source.name for source in job.source]
    if len(set(names)) < len(names):
        raise JobError(f"{name}: source: each source needs a name of its own; {max(names, key=names.count)!r} stands twice (key `name`)")
    for place, wish in enumerate(job.dedup.prefer):
        if wish.source is not None and wish.source not in names:
            near = difflib.get_close_matches(wish.source, names, 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
            raise JobError(f"{name}: dedup.prefer.{place}.source: no source is called {wish.source!r}; {hint}")
    sets = [benchmark.name for benchmark in job.dedup.eval_overlap]
    if len(set(sets)) < len(sets):
        raise JobError(f"{name}: dedup.eval_overlap: each set needs a name of its own; {max(sets, key=sets.count)!r} stands twice")
    return _located(job, folder, name)


def phases_of(path: str) -> set[Phase]:
    """The phases that read a key, or any of the keys below it; none where there is no such key.

    >>> sorted(phases_of("filters.toxicity.max")), phases_of("dedup.images.mode")
    ([<Phase.JUDGE: 'judge'>], {<Phase.ANNOTATE: 'annotate'>})
    >>> phases_of("filters.nsfw.words_by_language.de"), phases_of("filters.nsfw.by_language.de.max_punsafe"), phases_of("filters.nsfw.none")
    ({<Phase.ANNOTATE: 'annotate'>}, {<Phase.JUDGE: 'judge'>}, set())
    """
    asked = [part for part in path.split(".") if not part.isdigit()]  # places in lists
    found = set()
    for known, field in leaves(job_model()):
        parts = known.split(".")
        common = min(len(parts), len(asked))  # a path may end above keys, or inside the value of one
        if parts[:common] == asked[:common] and isinstance(field.json_schema_extra, dict):
            found.add(Phase(str(field.json_schema_extra["phase"])))
    return found


def refuse_others(settings: Sequence[str], allowed: Collection[Phase], why: str) -> None:
    """Makes sure that settings touch keys of some phases only.

    Args:
      settings: `key.path=value`; a key that there is none of is left to the model, which names the nearest.
      allowed: the phases.
      why: what the others are refused for.

    Raises:
      JobError: names the key and the phase that reads it.
    """
    for setting in settings:
        key = setting.partition("=")[0].strip()
        if others := sorted(phases_of(key) - set(allowed)):
            raise JobError(f"--set {key}: this key belongs to {others[0].value}; {why}; use `winnow run JOB --set {key}=... --replace`")


def filters_of(job: Job) -> list[Filter]:
    """The job's filters, each after those whose measures it reads."""
    return in_reading_order({name: getattr(job.filters, name) for name in type(job.filters).model_fields})


def layout_of(job: Job) -> Layout:
    """Where the job's files lie."""
    out = job.output.rstrip("/")
    return Layout(out, (job.work or f"{out}.work").rstrip("/"))


_QUOTES = "YAML takes bare no, off and yes, and numbers, for something else: put them in quotes"


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key that stands twice."""


def _mapping_once(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is not text; {_QUOTES}", key_node.start_mark)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_once)


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        content = yaml.load(text, _StrictLoader)  # noqa: S506
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        at = f", line {where.line + 1}" if where else ""
        raise JobError(f"{name}{at}: not valid YAML: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(content, dict):
        raise JobError(f"{name}: a job file is a mapping of keys (version, source, output, ...); found {_shown(content)}")
    return content


def lay_over(content: dict[str, Any], setting: str) -> None:
    """Lays one `key.path=value` setting, its value in YAML, over a job's plain content.

    Raises:
      JobError: the setting is no such pair, or its path leads nowhere.
    """
    path, equals, text = setting.partition("=")
    if not equals or not path.strip():
        raise JobError(f"--set {setting}: expected key.path=value, for example --set filters.toxicity.max=0.4")
    value = _parse(f"value: {text}", f"--set {path}")["value"]
    *parents, last = path.strip().split(".")
    place: Any = content
    for part in parents:
        if isinstance(place, list) and part.isdigit() and int(part) < len(place):
            place = place[int(part)]
        elif isinstance(place, dict):
            if not isinstance(place.get(part), dict | list):
                place[part] = {}
            place = place[part]
        else:
            raise JobError(f"--set {path}: there is no {part!r} to set a key in")
    if isinstance(place, list) and last.isdigit() and int(last) < len(place):
        place[int(last)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise JobError(f"--set {path}: there is no {last!r} to set")


def _explain(error: ValidationError, *, single: bool) -> list[str]:
    """One line for every key that is wrong, in the words of YAML; a key that takes values of several kinds has one line too."""
    problems = error.errors()
    deeper = {problem["loc"][0] for problem in problems if len(problem["loc"]) > 1}
    told: dict[str, dict[str, str]] = {}
    for problem in problems:
        where = [str(part) for part in problem["loc"] if not _KIND.fullmatch(str(part))]
        if problem["type"] == "too_short" and where[0] in deeper and len(where) == 1:
            continue  # items of the list are wrong, so that none counts: they have lines of their own
        if single and where[:2] == ["source", "0"]:
            where[1:2] = []
        said, found = _said(problem)
        told.setdefault(".".join(where), {}).setdefault(said, found)
    return [f"{path}: {', or '.join(lines)}{next(iter(lines.values()))}" for path, lines in told.items()]


def _said(problem: Any) -> tuple[str, str]:
    """What was expected, and what was found."""
    if problem["type"] == "extra_forbidden":
        known = _known_names(problem["loc"][:-1])
        near = difflib.get_close_matches(problem["loc"][-1], known, 1, 0.5)
        return "unknown key; " + (f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"), ""
    if problem["type"] == "missing":
        return "this key is needed and missing", ""
    message = problem["msg"].removeprefix("Value error, ").partition(" or instance of ")[0]
    message = message[:1].lower() + message[1:].replace("dictionary", "mapping")
    if problem["type"] == "value_error" and not isinstance(problem["input"], str | int | float | None):
        return message, ""  # a rule over several keys: it says itself what is wrong with them
    hint = f"; {_QUOTES}" if problem["type"] == "string_type" and isinstance(problem["input"], bool) else ""
    return message.replace("tuple", "list"), f"; found {_shown(problem.get('input'))}{hint}"


def _shown(value: Any) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return repr(value)
    return {True: "true", False: "false", None: "nothing"}[value] if isinstance(value, bool | None) else _YAML.get(type(value), "a mapping")


def _known_names(loc: Sequence[str | int]) -> list[str]:
    model: type[BaseModel] = job_model()
    for part in loc:
        if isinstance(part, int):
            continue
        field = model.model_fields[part]
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        model = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(model.model_fields)


def _located(job: Job, folder: str, name: str) -> Job:
    filters = {key: getattr(job.filters, key).located(folder) for key in type(job.filters).model_fields}
    moved = job.model_copy(
        update={
            "source": tuple(s.model_copy(update={"paths": tuple(storage.located(p, folder) for p in s.paths)}) for s in job.source),
            "output": storage.located(job.output, folder),
            "work": None if job.work is None else storage.located(job.work, folder),
            "filters": job.filters.model_copy(update=filters),
            "dedup": job.dedup.model_copy(
                update={
                    "not_duplicates": tuple(storage.located(path, folder) for path in job.dedup.not_duplicates),
                    "against": tuple(_located_run(earlier, folder) for earlier in job.dedup.against),
                    "eval_overlap": tuple(_located_set(benchmark, folder) for benchmark in job.dedup.eval_overlap),
                }
            ),
        }
    )
    layout = layout_of(moved)
    if join(layout.work, "").startswith(join(layout.out, "")):
        raise JobError(
            f"{name}: work: {layout.work} lies inside the release {layout.out}; the work folder is private and must lie beside it"
        )
    return moved


def _located_run(earlier: EarlierRun, folder: str) -> EarlierRun:
    work = None if earlier.work is None else storage.located(earlier.work, folder)
    return EarlierRun(run=storage.located(earlier.run, folder), work=work)


def _located_set(benchmark: Benchmark, folder: str) -> Benchmark:
    paths = {name: getattr(benchmark, name) for name in ("images", "shards", "captions", "hashes")}
    return benchmark.model_copy(update={name: tuple(storage.located(path, folder) for path in found) for name, found in paths.items()})


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().split("\n")[0]
