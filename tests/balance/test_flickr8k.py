import re

import numpy as np
import pytest

from schemas.job import Rebalance
from tests.shared_data import shared
from transforms.balance.audit import audit
from transforms.balance.cells import buckets, count_cells, gather
from transforms.balance.solver import ONE, solve, weights_of
from transforms.text.caption import normal_form
from transforms.text.groups import groups


@pytest.fixture(scope="module")
def rows():
    """Groups, names and pictures of 40,460 captions that people wrote."""
    lines = shared("data/captions/flickr8k/Flickr8k.token.txt").read_text(encoding="utf-8").splitlines()
    names, captions = zip(*(line.split("\t", 1) for line in lines), strict=True)
    found = groups([normal_form(caption) for caption in captions], ["en"] * len(captions), [None] * len(captions))
    return found, names


def biased(found, names) -> np.ndarray:
    """A filter that removes 14 % of the captions that mention women and 6 % of those that mention men, as DALL-E 2's did."""
    chance = {"feminine": 14, "masculine": 6, "mixed": 10}
    draws = buckets([f"draw {name}" for name in names], names).astype(int) * 2
    return np.array(
        [int(draw < chance.get(gender, 4)) for gender, draw in zip(found.field("gender").to_pylist(), draws, strict=True)], np.uint32
    )


def shares(levels, weights) -> dict[str, float]:
    totals: dict[str, int] = {}
    for level, weight in zip(levels, weights.tolist(), strict=True):
        totals[level] = totals.get(level, 0) + weight
    return {level: total / sum(totals.values()) for level, total in totals.items()}


@pytest.mark.shared
def test_preserve_gives_every_group_of_real_captions_back_the_share_a_biased_filter_took(rows):
    found, names = rows
    mask = biased(found, names)
    pictures = [name.split("#")[0] for name in names]
    cells = gather(count_cells(found, mask, buckets(pictures, names)).items(), ["toxicity"])
    solution = solve(cells, Rebalance(), {})
    assert solution.status == "ok"
    kept = mask == 0
    weights = weights_of(solution, found)
    assert weights[kept].sum() / ONE == pytest.approx(kept.sum(), rel=1e-9)
    assert solution.effective_sample_size / kept.sum() > 0.95
    for attribute in ("gender", "age"):
        levels = np.array(found.field(attribute).to_pylist())
        before, after = shares(levels, np.full(len(levels), ONE)), shares(levels[kept], weights[kept])
        assert after == pytest.approx(before, abs=1e-6)
    lost = shares(np.array(found.field("gender").to_pylist())[kept], np.full(int(kept.sum()), ONE))
    assert lost["feminine"] < before_share(found, "feminine") - 0.005


def before_share(found, level) -> float:
    levels = found.field("gender").to_pylist()
    return levels.count(level) / len(levels)


@pytest.mark.shared
def test_the_audit_names_the_group_a_biased_filter_costs_most(rows):
    found, names = rows
    pictures = [name.split("#")[0] for name in names]
    costs = audit(gather(count_cells(found, biased(found, names), buckets(pictures, names)).items(), ["toxicity"]))
    gender = {cost.level: cost for cost in costs if cost.attribute == "gender"}
    assert gender["feminine"].flagged
    assert gender["feminine"].removal_ratio > 2
    assert gender["feminine"].method == "jackknife"
    assert max(gender.values(), key=lambda cost: cost.rate).level == "feminine"
    assert sum(cost.rows for cost in gender.values()) == len(names)


@pytest.mark.shared
def test_captions_of_dogs_alone_mention_nobody_and_most_others_somebody(rows):
    found, _ = rows
    captions = [line.split("\t", 1)[1].lower() for line in shared("data/captions/flickr8k/Flickr8k.token.txt").read_text().splitlines()]
    gender = np.array(found.field("gender").to_pylist())
    dogs = np.array([re.match(r"(a|two|three|the) [a-z ]*dogs? (is|are) running", caption) is not None for caption in captions])
    assert dogs.sum() > 100
    assert (gender[dogs] == "no_person").mean() > 0.95
    assert (gender != "no_person").mean() > 0.7
