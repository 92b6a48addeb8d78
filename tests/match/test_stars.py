"""Star rounds find the groups that union-find in one place finds."""

import json

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from transforms.match import grouping, stars
from transforms.match.blocks import EMPTY
from transforms.match.components import components
from transforms.match.grouping import GRAPH_BITS, graphs_of
from transforms.match.plan import CAPTIONS, PICTURES, STEPS, Plan


def planned(folder, edges, rule="image", rows=64, owner_bits=3, partition_bytes=128):
    """A plan whose owners hold these edges: of each family verified ones, and rows with the one that stands for them."""
    content = json.dumps([["nowhere", rows]])
    (folder / STEPS).mkdir(exist_ok=True)
    (folder / STEPS / "files.json").write_text(content)
    plan = Plan(str(folder), rows, owner_bits, rule, "plain", partition_bytes, str(hash(content)))
    for family in (CAPTIONS, PICTURES):
        verified, same = (np.array(found, np.uint64).reshape(-1, 2) for found in edges[family])
        for owner in range(plan.owners):
            mine = verified[plan.owner_of(verified[:, 1]) == owner].T
            plan.save(np.vstack([mine, np.ones(mine.shape[1], np.uint64)]), "edges", family, owner, 0)
            stood = same[plan.owner_of(same[:, 0]) == owner].T
            plan.save(np.stack([stood[0] & plan.local, stood[1]]), "same", family, owner)
            plan.save(np.empty((2, 0), np.uint64), "met", family, owner)
    return plan


def exchanged(sent, step, keys=()):
    """What a step yields for the blocks that were sent to each key, and for the keys that are there anyway."""
    blocks = {key: [EMPTY] for key in keys}
    for key, block in sent:
        blocks.setdefault(key, []).append(block)
    return [out for key in sorted(blocks, reverse=True) for out in step(key, blocks[key][::-1])]


def by_stars(plan):
    """The steps by hand, a round each: how many there were."""

    def step(function, *arguments):
        return lambda key, blocks: list(function(plan, *arguments, key, blocks))

    keys, owners = range(stars.keys_of(plan)), range(plan.owners)
    sent = [out for owner in owners for out in stars.start(plan, 1, owner)]
    rounds = 0
    while not rounds or stars.unfinished(plan):
        if rounds:
            sent = [out for key in keys for out in stars.go_on(plan, key)]
        exchanged(exchanged(sent, step(stars.large)), step(stars.save), keys)
        rounds += 1
    known = [out for key in keys for out in stars.go_on(plan, key)] + [out for owner in owners for out in stars.stood_for(plan, owner)]
    labels = exchanged(exchanged(known, step(stars.mark)), step(stars.count))
    labels += [out for owner in owners for out in stars.rank(plan, 1, owner)]
    grouped = exchanged(labels, step(stars.group), range(plan.owners << GRAPH_BITS))
    if plan.rule == "image_and_caption":
        exchanged(exchanged(exchanged(grouped, step(stars.both)), step(stars.cut)), step(stars.regroup), owners)
    return rounds


def groups(plan):
    return {(graph, owner): plan.load("groups", graph, owner).tolist() for graph in graphs_of(plan) for owner in range(plan.owners)}


def assert_stars_equal_union_find(plan):
    rounds = by_stars(plan)
    found = groups(plan)
    list(grouping.group(plan, 1, 0, []))
    assert found == groups(plan)
    return rounds


PAIRS = st.lists(st.tuples(st.integers(0, 63), st.integers(0, 63)).filter(lambda pair: pair[0] != pair[1]).map(sorted), max_size=50)


@settings(deadline=None, max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(PAIRS, PAIRS, st.sets(st.integers(32, 63), max_size=6), st.sampled_from(["image", "image_and_caption", "image_or_caption"]))
def test_groups_of_random_graphs(tmp_path_factory, captions, pictures, stood_for, rule):
    """Rows that another stands for have no verified edge, as in match."""

    def apart(pairs):
        return [pair for pair in pairs if not stood_for & set(pair)]

    same = [(row, row % 32) for row in sorted(stood_for)]
    plan = planned(tmp_path_factory.mktemp("random"), {CAPTIONS: (apart(captions), same), PICTURES: (apart(pictures), same)}, rule)
    assert_stars_equal_union_find(plan)


@pytest.mark.parametrize(
    ("edges", "most"),
    [
        ([(i, i + 1) for i in range(999)], 20),
        ([(500, i) if i > 500 else (i, 500) for i in range(1_000) if i != 500], 3),
        ([(i, i + 1) for i in range(0, 998, 2)] + [(i, 999) for i in range(0, 998, 2)], 4),
    ],
    ids=["chain", "star", "spider"],
)
def test_long_chains_and_wide_stars_end_in_few_rounds(tmp_path, edges, most):
    order = np.random.default_rng(5).permutation(1_000)
    moved = np.sort(order[np.array(edges)], axis=1).tolist()
    nothing = ([], [])
    plan = planned(tmp_path, {CAPTIONS: nothing, PICTURES: (moved, [])}, rows=1_000, owner_bits=7, partition_bytes=4_000)
    assert assert_stars_equal_union_find(plan) <= most
    assert set(groups(plan)[grouping.BY_POLICY, 0][1]) == {0}


def test_a_forest_has_the_components_of_its_edges_and_no_more_edges_than_rows():
    edges = np.random.default_rng(2).integers(0, 300, (2, 2_000)).astype(np.uint64)
    rows, roots = components(edges)
    forest = np.stack([rows, roots])[:, rows != roots]
    assert forest.shape[1] < len(rows)
    assert [found.tolist() for found in components(forest)] == [found[np.isin(rows, forest)].tolist() for found in (rows, roots)]
