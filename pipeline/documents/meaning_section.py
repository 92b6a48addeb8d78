"""The section of a datasheet about embeddings, and about rows that mean the same."""

from typing import Any

from pipeline.documents.view import Section, number, table, words


def meaning_section(record: dict[str, Any]) -> list[Section]:
    """The section; none where the job has no embeddings."""
    embedded, compared = record["embeddings"]["value"], record["semantic"]["value"]
    if embedded is None:
        return []
    made = f"Model: {words(embedded['model'])}. Embeddings of pictures: {embedded['pictures']}; of captions: {embedded['captions']}."
    told = [f"{made} How the model was made, on what, and with which biases is for its own card to say; its files stand under Filters."]
    heads = [
        (line["head"], line["of"], line["kind"], words(line["prompts"]), words(line["min"]), words(line["max"]), line["reason"])
        for line in embedded["heads"]
    ]
    tables = [
        table(
            "Scores over embeddings", ("head", "of", "kind", "prompts", "least#", "greatest#", "reason"), heads, record["embeddings"]["how"]
        )
    ]
    if compared is not None:
        earlier = f", and held against {number(compared['earlier'])} of earlier runs" if compared.get("earlier") else ""
        told.append(
            f"{number(compared.get('rows', 0))} rows were compared by embeddings of {compared['of']}{earlier}: "
            f"{number(compared['removed'])} were removed and {number(compared['flagged'])} flagged as meaning the same as another "
            f"(cosine above {1 - compared['eps']:g}). Of those that mean the same the one stays that would stay of copies, among rows with "
            "no reason of their own."
        )
        if compared["max_outlier"] is not None:
            told.append(
                f"{number(compared['outliers'])} rows lie far from their neighbours (above {compared['max_outlier']:g}) and are flagged."
            )
        sizes = [(number(line["size"]), number(line["clusters"])) for line in compared["clusters"]]
        tables.append(table("Rows that mean the same", ("rows#", "clusters#"), sizes, record["semantic"]["how"], folded=len(sizes) > 12))
    return [Section("meaning", "Embeddings and meaning", tuple(told), (), tuple(tables))]
