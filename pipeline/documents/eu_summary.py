"""Fills in what a data set knows of the public summary that the EU AI Act asks for.

Fields and bands are those of the Commission's template for Article 53(1)(d), C(2025) 5235 of 24 July 2025. What a provider of a model must
add is there with the value null and `"source": "missing"`. With it stand the items of California's AB 2013 that the run can answer.
"""

import json
from typing import Any

from pipeline.documents.facts import Fact, computed, declared
from pipeline.documents.questions import answer_to

_IMAGE_BANDS = ((10**6, "Less than 1 million images"), (10**9, "1Million to1 billion images"))  # as the template spells them
_MORE = "More than 1 billion images"


def image_band(rows: int) -> str:
    """The template's band for a number of pictures.

    >>> image_band(439), image_band(2 * 10**9)
    ('Less than 1 million images', 'More than 1 billion images')
    """
    return next((name for bound, name in _IMAGE_BANDS if rows < bound), _MORE)


def render_eu_summary(record: dict[str, Any]) -> bytes:
    """The file `eu_training_summary.json`."""
    summary = {
        "template": "C(2025) 5235, 24 July 2025; fields of the data only",
        "version": record["dataset"]["version"],
        "last_update": record["dataset"]["date"],
        "1.1_provider": _missing("the provider of the model"),
        "1.2_model": _missing("the provider of the model"),
        "1.3": _size(record),
        "2.1_public_datasets": _missing("whether the source is a public dataset is for people to declare"),
        "2.2_private_datasets": _missing("whether data was licensed is for people to declare"),
        "2.3_crawled": _crawled(record),
        "2.4_user_data": _missing("the run does not know of user data"),
        "2.5_synthetic": _synthetic(record),
        "3.1_reservations": _reservations(record),
        "3.2_illegal_content": _illegal(record),
        "3.3_other": computed(record["limits"]["value"], record["limits"]["how"]),
        "california_ab_2013": _california(record),
    }
    return json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _missing(who: str) -> Fact:
    return {"value": None, "how": who, "source": "missing"}


def _size(record: dict[str, Any]) -> dict[str, Any]:
    totals = record["totals"]
    return {
        "modalities": computed(["text", "image"], "pairs of a picture and its caption"),
        "image_size": computed(image_band(totals["kept"]["value"]), "template's band for the kept rows"),
        "images": totals["kept"],
        "image_bytes": totals["picture_bytes"],
        "image_types": record["pictures"]["formats"],
        "text_size": _missing("captions are not counted in tokens; the number of captions is at most that of images"),
        "languages": record["languages"],
        "other_characteristics": computed(answer_to(record, "composition.subpopulations"), "question composition.subpopulations"),
        "latest_acquisition": _missing("the run does not know when the data was acquired"),
        "continuous_training": _missing("the provider of the model"),
    }


def _crawled(record: dict[str, Any]) -> dict[str, Any]:
    domains = record["domains"]
    return {
        "used": computed(domains["number"]["value"] > 0, "kept rows name the URL they come from"),
        "crawlers": _missing("who fetched the pictures is for people to declare"),
        "period": _missing("the run does not know when the data was acquired"),
        "description": computed(answer_to(record, "collection.acquired"), "question collection.acquired"),
        "domains": domains["number"],
        "top_domains": computed("top_domains.csv", f"top 10 % of all registrable domains of kept rows by {domains['measure']['value']}"),
        "top_domains_for_sme": computed(
            domains["listed_for_sme"]["value"], "leading lines of top_domains.csv: top 5 % or 1,000 domains, whichever is lower"
        ),
        "listed_share": domains["listed_share"],
    }


def _reservations(record: dict[str, Any]) -> dict[str, Any]:
    consent = record["consent"]
    return {
        "protocols": consent["protocols"],
        "use": consent["use"],
        "states": consent["states"],
        "observability": consent["observability"],
        "not_observable_share": consent["not_observable_share"],
        "removed": computed(_rows(record, "opt_out", "taken_down"), "rows removed for a reservation or a takedown, once per reason"),
        "code_of_practice": _missing("whether the provider signed the code of practice"),
    }  # fmt: skip


def _illegal(record: dict[str, Any]) -> dict[str, Any]:
    lists = [found for rule in record["filters"]["value"] for found in rule["lists"]]
    return {
        "lists": computed(lists, "lists that rows were compared with, by name and hash"),
        "removed": computed(_rows(record, "illegal"), "rows removed because a list names them as illegal"),
        "classifiers": computed(
            [f"{rule['filter']}: {rule['does']}" for rule in record["filters"]["value"] if rule["filter"] in ("nsfw", "toxicity")],
            "filters on sexual and abusive content",
        ),
        "image_model": record["image_model"],
    }


def _california(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "sources_or_owners": computed(answer_to(record, "collection.acquired"), "question collection.acquired"),
        "purpose": declared(_given(record, "motivation.purpose"), "datasheet.answers.motivation.purpose"),
        "number_of_data_points": record["totals"]["kept"],
        "types_of_data_points": computed(answer_to(record, "composition.instances"), "question composition.instances"),
        "intellectual_property": computed(answer_to(record, "distribution.ip"), "question distribution.ip"),
        "purchased_or_licensed": _missing("for people to declare"),
        "personal_information": computed(answer_to(record, "composition.confidential"), "question composition.confidential"),
        "aggregate_consumer_information": _missing("for people to declare"),
        "cleaning_or_processing": computed(answer_to(record, "preprocessing.done"), "question preprocessing.done"),
        "collection_period": declared(_given(record, "collection.timeframe"), "datasheet.answers.collection.timeframe"),
        "first_used": _missing("the provider of the model"),
        "synthetic_data": _synthetic(record),
    }


def _synthetic(record: dict[str, Any]) -> Fact:
    """Pictures known to be generated. Whether the set was made of them is for people to declare."""
    line = next(line for line in record["integrity"]["value"] if line["word"] == "synthetic")
    found = {"rejected": line["rejected"], "flagged": line["flagged"]}
    return computed(found, "rows of the input declared to be generated, or whose file holds what generators leave; others unknown")


def _given(record: dict[str, Any], name: str) -> str | None:
    return next((entry["declared"] for entry in record["questions"] if entry["id"] == name), None)


def _rows(record: dict[str, Any], *words: str) -> int:
    return sum(line["rows"] for line in record["reasons"]["value"] if line["reason"] in words)
