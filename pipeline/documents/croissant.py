"""Renders Croissant 1.1 metadata with its Responsible AI part, which `mlcroissant` reads records from."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from pipeline.documents.evidence import Evidence
from pipeline.documents.questions import answer_to
from pipeline.documents.record import title_of
from schemas.release import IMAGE

CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
PARQUET = "application/x-parquet"  # the registered application/vnd.apache.parquet validates and cannot be read by mlcroissant 1.1

# Properties of the vocabulary http://mlcommons.org/croissant/RAI/1.0: a misspelt one passes every validator silently.
# fmt: off
RAI = frozenset((
    "dataCollection", "dataCollectionType", "dataCollectionMissingData", "dataCollectionRawData", "dataCollectionTimeframe",
    "dataImputationProtocol", "dataManipulationProtocol", "dataPreprocessingProtocol", "dataAnnotationProtocol",
    "dataAnnotationPlatform", "dataAnnotationAnalysis", "dataReleaseMaintenancePlan", "personalSensitiveInformation",
    "dataSocialImpact", "dataBiases", "dataLimitations", "dataUseCases", "annotationsPerItem", "annotatorDemographics",
    "machineAnnotationTools",
))
CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "annotation": "cr:annotation", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs",
    "column": "cr:column", "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn", "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"}, "excludes": "cr:excludes",
    "extract": "cr:extract", "field": "cr:field", "fileObject": "cr:fileObject", "fileProperty": "cr:fileProperty", "fileSet": "cr:fileSet",
    "format": "cr:format", "includes": "cr:includes", "isArray": "cr:isArray", "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#", "rai": "http://mlcommons.org/croissant/RAI/", "readLines": "cr:readLines",
    "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace",
    "samplingRate": "cr:samplingRate", "sc": "https://schema.org/", "sdVersion": "cr:sdVersion", "separator": "cr:separator",
    "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform", "unArchive": "cr:unArchive", "value": "cr:value",
}
# fmt: on


def render_croissant(record: dict[str, Any], evidence: Evidence) -> bytes:
    """The file `croissant.json`: a file object with its hash per data file, and one record set over all of them."""
    files = [_file(f"data/{name}.parquet", found) for name, found in evidence.data_files.items()]
    whole = {"@type": "cr:FileSet", "@id": "data-files", "name": "data-files", "encodingFormat": PARQUET, "includes": "data/*.parquet"}
    document = {
        "@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": list(CONFORMS_TO), **_described(record), **_responsible(record),
        "distribution": [*files, whole],
        "recordSet": [
            {
                "@type": "cr:RecordSet", "@id": "pairs", "name": "pairs", "description": "One picture and its caption per record.",
                "field": [found for field in evidence.schema.schema for found in _fields(field)],
            }
        ],
    }  # fmt: skip
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _file(path: str, found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject", "@id": path, "name": path.rpartition("/")[2], "contentUrl": path, "contentSize": f"{found['bytes']} B",
        "encodingFormat": PARQUET, "sha256": found["sha256"],
    }  # fmt: skip


def _described(record: dict[str, Any]) -> dict[str, Any]:
    dataset = {name: fact["value"] for name, fact in record["dataset"].items()}
    described: dict[str, Any] = {
        "name": title_of(record), "description": dataset["description"] or answer_to(record, "composition.instances"),
        "version": dataset["version"], "keywords": ["image-text pairs", "curated"],
    }  # fmt: skip
    if record["languages"]["value"]:
        described["inLanguage"] = record["languages"]["value"]
    if dataset["licence"]:
        known = dataset["licence"]
        described["license"] = known if "://" in known else f"https://spdx.org/licenses/{known}.html"
    if dataset["url"]:
        described["url"] = dataset["url"]
    if dataset["creators"]:
        described["creator"] = [{"@type": "sc:Organization", "name": name} for name in dataset["creators"]]
    if dataset["date"]:
        described["datePublished"] = dataset["date"]
    if record["revision"]["value"] is not None:
        before = record["revision"]["value"]
        described["prov:wasRevisionOf"] = {
            "@type": "prov:Entity", "name": f"{described['name']} {before['of']}", "identifier": f"sha256:{before['manifest']}",
        }  # fmt: skip
    software = record["software"]
    described["prov:wasGeneratedBy"] = {
        "@type": "prov:Activity", "name": f"winnow {software['winnow']['value']}",
        "description": f"job {record['job']['value']}, code {software['code']['value']}",
    }  # fmt: skip
    return described


def _responsible(record: dict[str, Any]) -> dict[str, Any]:
    """The Responsible AI properties, from what the run and the job answer."""
    models = [f"{found['name']} (sha256 {found['sha256']})" for rule in record["filters"]["value"] for found in rule["models"]]
    found = {
        "dataCollection": answer_to(record, "collection.acquired"),
        "dataCollectionType": ["Web Scraping", "Secondary Data analysis"],
        "dataCollectionMissingData": answer_to(record, "composition.missing"),
        "dataCollectionRawData": answer_to(record, "preprocessing.raw"),
        "dataPreprocessingProtocol": [f"{r['reason']}: {r['rows']} rows removed or marked" for r in record["reasons"]["value"]],
        "dataManipulationProtocol": answer_to(record, "preprocessing.done"),
        "machineAnnotationTools": models,
        "personalSensitiveInformation": [answer_to(record, "composition.confidential"), answer_to(record, "composition.identifiable")],
        "dataBiases": [answer_to(record, "composition.subpopulations"), answer_to(record, "uses.impact")],
        "dataLimitations": record["limits"]["value"],
        "dataReleaseMaintenancePlan": answer_to(record, "maintenance.updates"),
        "dataUseCases": answer_to(record, "uses.tasks"),
        "dataSocialImpact": answer_to(record, "collection.impact"),
    }
    unknown = sorted(set(found) - RAI)
    if unknown:
        raise AssertionError(f"not in the RAI vocabulary: {unknown}")
    return {f"rai:{name}": value for name, value in found.items() if value}


def _fields(field: pa.Field) -> Iterator[dict[str, Any]]:
    """The fields of a column: one, or one per leaf where it is nested.

    What lies in lists of lists of structs has no path that readers understand, and is left out.
    """
    if field.name == "image" and field.type == IMAGE:
        yield _one_field(field.name, ("image",), "sc:ImageObject", ("bytes",), lists=0)
        return
    for path, kind, lists in _leaves((field.name,), field.type, 0):
        if not any('"' in name for name in path[1:]):
            yield _one_field(field.name, path, _data_type(kind), path[1:], lists)


def _one_field(column: str, path: tuple[str, ...], kind: str, below: tuple[str, ...], lists: int) -> dict[str, Any]:
    source: dict[str, Any] = {"fileSet": {"@id": "data-files"}, "extract": {"column": column}}
    if below:
        source["transform"] = [{"jsonPath": f'"{name}"'} for name in below]
    known: dict[str, Any] = {"@type": "cr:Field", "@id": f"pairs/{quote('/'.join(path))}", "name": "/".join(path), "dataType": kind}
    shape = {"isArray": True, "arrayShape": ",".join(["-1"] * lists)} if lists else {}
    return known | shape | {"source": source}


def _leaves(path: tuple[str, ...], kind: pa.DataType, lists: int) -> Iterator[tuple[tuple[str, ...], pa.DataType, int]]:
    """(names on the way, type, lists on the way) of every value in a type."""
    if pa.types.is_list(kind):
        yield from _leaves(path, kind.value_type, lists + 1)
    elif not pa.types.is_struct(kind):
        yield path, kind, lists
    elif lists < 2:
        for inner in kind:
            yield from _leaves((*path, inner.name), inner.type, lists)


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "sc:Float"
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_time(kind):
        return "sc:Time"
    return "sc:Date" if pa.types.is_temporal(kind) else "sc:Text"
