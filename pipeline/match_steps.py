"""The steps of match as transforms: exchanges of packed blocks between functions of `transforms.match`.

Each is `elements -> send -> GroupByKey -> step [-> GroupByKey -> save]`, over pairs of a number and a packed block. A step leaves one small
file per owner and hands on the owners.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apache_beam as beam

from pipeline.steps import Step
from transforms.match import compact, forest, grouping, identity, partners, passes, stars, verification
from transforms.match.blocks import EMPTY
from transforms.match.grouping import GRAPH_BITS
from transforms.match.laid import Floor
from transforms.match.plan import Plan

Block = tuple[int, bytes]


class _Step(Step):
    """A function of an element, or of a key and its values; what it yields goes on."""

    def __init__(self, function: Callable[..., Iterable[Any]], *, grouped: bool):
        self._function = function
        self._grouped = grouped

    def process(self, element: Any) -> Iterable[Any]:
        return self._function(*element) if self._grouped else self._function(element)


class _LaidStep(_Step):
    """A step whose blocks lie on a floor: it takes those it is sent from there, and lays down those that it yields."""

    def __init__(self, function: functools.partial[Iterable[Any]], floor: Floor, number: int, *, grouped: bool, lays: bool):
        super().__init__(function, grouped=grouped)
        self._floor, self._name, self._number, self._lays = floor, function.func.__name__, number, lays

    def process(self, element: Any) -> Iterable[Any]:
        key = element
        if self._grouped:
            key, blocks = element
            element = key, self._floor.take(blocks)
        found = super().process(element)
        return self._floor.lay(self._name, self._number, key, found) if self._lays else found


_NUMBERS = itertools.count()  # of steps, so that no two lay down blocks under one name


def step(function: Callable[..., Iterable[Any]], *arguments: Any, grouped: bool = False, output: Any = int) -> beam.PTransform:
    """A step's function as a ParDo; the function is named, never pickled by value, and its arguments are small."""
    floor = next((argument.floor for argument in arguments if isinstance(argument, Plan)), None)
    named = functools.partial(function, *arguments)
    if floor is None:
        made = _Step(named, grouped=grouped)
    else:
        made = _LaidStep(named, floor, next(_NUMBERS), grouped=grouped, lays=output == Block)
    return beam.ParDo(made).with_output_types(output)


class Identity(beam.PTransform):
    """Owners -> owners: which rows another stands for, a share of all."""

    def __init__(self, plan: Plan, *, number: int, count: int):
        super().__init__()
        self._plan, self._share = plan, (number, count)

    def expand(self, owners: beam.PCollection) -> beam.PCollection:
        chosen = (
            owners
            | "SendIdentities" >> step(identity.send, self._plan, *self._share, output=Block)
            | "EqualRows" >> beam.GroupByKey()
            | "Choose" >> step(identity.choose, self._plan, grouped=True, output=Block)
        )
        return chosen | _Complete(self._plan.owners) | "Save" >> step(identity.save, self._plan, *self._share, grouped=True)


class Pairs(beam.PTransform):
    """Owners -> owners and families: candidate pairs of one pass."""

    def __init__(self, plan: Plan, units: list[int], number: int):
        super().__init__()
        self._plan, self._units, self._number = plan, units, number

    def expand(self, owners: beam.PCollection) -> beam.PCollection:
        pairs = (
            owners
            | "SendKeys" >> step(passes.send, self._plan, self._units, output=Block)
            | "Buckets" >> beam.GroupByKey()
            | "Pair" >> step(passes.pair, self._plan, grouped=True, output=Block)
        )
        return pairs | _Complete(2 * self._plan.owners) | "Save" >> step(passes.save, self._plan, self._number, grouped=True)


class Partners(beam.PTransform):
    """Owners and families -> the same: of what each view was told, the pairs that are worth verifying. Nothing to do for plain hashes."""

    def __init__(self, plan: Plan, *, passes: int):
        super().__init__()
        self._plan, self._passes = plan, passes

    def expand(self, families: beam.PCollection) -> beam.PCollection:
        if self._plan.reach == "plain":
            return families
        pairs = families | "SendPartners" >> step(partners.send, self._plan, self._passes, output=Block)
        return pairs | _Complete(2 * self._plan.owners) | "SavePartners" >> step(partners.save, self._plan, grouped=True)


class Forest(beam.PTransform):
    """Owners -> owners: the forest's share of all pairs, verified."""

    def __init__(self, plan: Plan):
        super().__init__()
        self._plan = plan

    def expand(self, owners: beam.PCollection) -> beam.PCollection:
        edges = (
            owners
            | "SendTrees" >> step(forest.send, self._plan, output=Block)
            | "Trees" >> beam.GroupByKey()
            | "VerifyTrees" >> step(forest.check, self._plan, grouped=True, output=Block)
        )
        return edges | _Complete(self._plan.owners) | "Save" >> step(forest.save, self._plan, grouped=True)


class Edges(beam.PTransform):
    """Owners and families -> the same: a share of all pairs, verified. The first `forests` shares are those of `Forest`."""

    def __init__(self, plan: Plan, *, number: int, count: int, passes: int, forests: int = 0):
        super().__init__()
        self._plan, self._share, self._passes, self._forests = plan, (number, count), passes, forests

    def expand(self, families: beam.PCollection) -> beam.PCollection:
        pairs = families | "SendPairs" >> step(verification.send, self._plan, *self._share, self._passes, self._forests, output=Block)
        return pairs | _Complete(2 * self._plan.owners) | "Verify" >> step(verification.check, self._plan, self._share[0], grouped=True)


class Groups(beam.PTransform):
    """Whatever elements, once all are there -> owners: groups of rows."""

    def __init__(self, plan: Plan, *, shares: int):
        super().__init__()
        self._plan, self._shares = plan, shares

    def expand(self, done: beam.PCollection) -> beam.PCollection:
        return (
            done
            | "Wait" >> step(_one_key, output=Block)
            | "AllEdges" >> beam.GroupByKey()
            | "Group" >> step(grouping.group, self._plan, self._shares, grouped=True, output=Block)
            | "Spread" >> beam.GroupByKey()
            | "Owner" >> step(_key, grouped=True)
        )


class StarRounds(beam.PTransform):
    """Owners, or in later pipelines keys of edges -> keys of edges: several rounds over the edges of all owners, or over what was left."""

    def __init__(self, plan: Plan, *, edge_shares: int | None, rounds: int):
        """Takes the number of shares that edges are in, or None to go on from what the last pipeline left."""
        super().__init__()
        self._plan, self._edge_shares, self._rounds = plan, edge_shares, rounds

    def expand(self, elements: beam.PCollection) -> beam.PCollection:
        first = (stars.go_on, self._plan) if self._edge_shares is None else (stars.start, self._plan, self._edge_shares)
        edges = elements | "SendEdges" >> step(*first, output=Block)
        for number in range(1, self._rounds + 1):
            edges = (
                edges
                | f"Neighbours{number}" >> beam.GroupByKey()
                | f"LargeStars{number}" >> step(stars.large, self._plan, grouped=True, output=Block)
            )
            if number < self._rounds:
                edges = (
                    edges
                    | f"Smaller{number}" >> beam.GroupByKey()
                    | f"SmallStars{number}" >> step(stars.small, self._plan, grouped=True, output=Block)
                )
        return edges | _Complete(stars.keys_of(self._plan)) | "SaveStars" >> step(stars.save, self._plan, grouped=True)


class StarGroups(beam.PTransform):
    """Owners -> whatever: groups of rows, from the stars that the last rounds left."""

    def __init__(self, plan: Plan, *, edge_shares: int):
        super().__init__()
        self._plan, self._edge_shares = plan, edge_shares

    def expand(self, owners: beam.PCollection) -> beam.PCollection:
        plan = self._plan
        keys = owners.pipeline | "Keys" >> beam.Create(range(stars.keys_of(plan)))
        edges = keys | "SendStars" >> step(stars.go_on, plan, output=Block)
        stood_for = owners | "SendStoodFor" >> step(stars.stood_for, plan, output=Block)
        labels = (
            (edges, stood_for)
            | "StarsAndStoodFor" >> beam.Flatten()
            | "OfRows" >> beam.GroupByKey()
            | "Mark" >> step(stars.mark, plan, grouped=True, output=Block)
            | "OfRoots" >> beam.GroupByKey()
            | "Count" >> step(stars.count, plan, grouped=True, output=Block)
        )
        ranks = owners | "Rank" >> step(stars.rank, plan, self._edge_shares, output=Block)
        both = (labels, ranks) | "LabelsAndRanks" >> beam.Flatten()
        grouped = both | _Complete(plan.owners << GRAPH_BITS) | "Group" >> step(stars.group, plan, grouped=True, output=Block)
        if plan.rule != "image_and_caption":
            return grouped
        cut = (
            grouped
            | "Whole" >> beam.GroupByKey()
            | "SendBoth" >> step(stars.both, plan, grouped=True, output=Block)
            | "OfBoth" >> beam.GroupByKey()
            | "Cut" >> step(stars.cut, plan, grouped=True, output=Block)
        )
        return cut | "EveryOwner" >> _Complete(plan.owners) | "Regroup" >> step(stars.regroup, plan, grouped=True)


class Clusters(beam.PTransform):
    """Owners -> owners: the clusters of a share of the groups."""

    def __init__(self, plan: Plan, *, number: int, count: int, edge_shares: int, forests: int = 0):
        super().__init__()
        self._plan, self._share, self._verified = plan, (number, count), (edge_shares, forests)

    def expand(self, owners: beam.PCollection) -> beam.PCollection:
        placed = (
            owners
            | "SendMembers" >> step(compact.send, self._plan, *self._share, *self._verified, output=Block)
            | "Members" >> beam.GroupByKey()
            | "Lead" >> step(compact.choose, self._plan, grouped=True, output=Block)
        )
        return placed | _Complete(self._plan.owners) | "Save" >> step(compact.save, self._plan, self._share[0], grouped=True)


class _Complete(beam.PTransform):
    """Blocks by key -> the same grouped, with every key from 0 on, if only with an empty block."""

    def __init__(self, keys: int):
        super().__init__()
        self._keys = keys

    def expand(self, blocks: beam.PCollection) -> beam.PCollection:
        once = blocks.pipeline | "Once" >> beam.Impulse()  # a step fewer than `Create`, and too little to spread first
        return (
            (blocks, once | "EveryKey" >> step(_every_key, self._keys, output=Block))
            | "Both" >> beam.Flatten()
            | "Group" >> beam.GroupByKey()
        )


def _every_key(keys: int, _: bytes) -> Iterator[Block]:
    return ((key, EMPTY) for key in range(keys))


def _one_key(_: int) -> Iterator[Block]:
    yield 0, EMPTY


def _key(key: int, _: Iterable[bytes]) -> Iterator[int]:
    yield key
