import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.balance.counts import REASONS, cells, mask
from transforms.balance.audit import audit, silenced
from transforms.balance.cells import Key, gather
from transforms.balance.intervals import T49, false_discovery, jackknife_error, katz, newcombe, wilson
from transforms.balance.suppress import hide_small, publish


def cost(costs, reason, level):
    return next(one for one in costs if (one.reason, one.level) == (reason, level))


def two_groups(removed_of_first, removed_of_second, rows=1000):
    """Two genders of 1,000 rows, spread evenly over the buckets."""

    def spread(n):
        return [n // 50 + (bucket < n % 50) for bucket in range(50)]

    return cells({
        (("feminine",), ("toxicity",)): spread(removed_of_first), (("feminine",), ()): spread(rows - removed_of_first),
        (("masculine",), ("toxicity",)): spread(removed_of_second), (("masculine",), ()): spread(rows - removed_of_second),
    })  # fmt: skip


@pytest.mark.parametrize(("removed", "rows", "low", "high"), [
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
])  # fmt: skip
def test_wilson_intervals_are_those_newcombe_printed(removed, rows, low, high):
    found = wilson(np.array([removed]), np.array([rows]))
    assert (found[0][0], found[1][0]) == pytest.approx((low, high), abs=5e-5)


def test_wilson_equals_statsmodels():
    from statsmodels.stats.proportion import proportion_confint

    random = np.random.default_rng(1)
    rows = random.integers(1, 10**6, 200)
    removed = (rows * random.random(200)).astype(int)
    assert np.array(wilson(removed, rows)) == pytest.approx(
        np.array(proportion_confint(removed, rows, method="wilson")), rel=1e-6, abs=1e-9
    )


def test_the_interval_of_a_difference_equals_statsmodels_and_the_printed_one():
    from statsmodels.stats.proportion import confint_proportions_2indep

    numbers = [np.array([n]) for n in (56, 70, 48, 80)]
    low, high = newcombe(*numbers)
    assert (low[0], high[0]) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert (low[0], high[0]) == pytest.approx(confint_proportions_2indep(56, 70, 48, 80, method="newcomb", compare="diff"), rel=1e-6)


def test_the_interval_of_a_ratio_is_that_of_the_four_fifths_example():
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = katz(*(np.array([n]) for n in (12, 40, 48, 80)))
    assert (low[0], high[0]) == pytest.approx((0.301, 0.829), abs=5e-4)
    assert (low[0], high[0]) == pytest.approx(confint_proportions_2indep(12, 40, 48, 80, method="log", compare="ratio"), rel=1e-6)


def test_adjusted_p_values_equal_scipys():
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(2).random(300) ** 2
    assert false_discovery(p) == pytest.approx(false_discovery_control(p), rel=1e-12)


def test_t49_is_students():
    from scipy.stats import t

    assert pytest.approx(t.ppf(0.975, 49), abs=5e-5) == T49


@pytest.mark.parametrize(
    ("group", "other", "ratio", "retention"),
    [
        (420, 62, 6.77, 0.618), (320, 62, 5.16, 0.725), (72, 62, 1.16, 0.989),  # Dodge 2021, C4: AAE, Hispanic-aligned, other against WAE
        (140, 60, 2.33, 0.915),  # DALL-E 2, 2022: captions with "woman" and with "man"
    ],
)  # fmt: skip
def test_published_removal_rates_give_the_published_ratios(group, other, ratio, retention):
    found = cost(audit(two_groups(group, other)), "toxicity", "feminine")
    assert found.removal_ratio == pytest.approx(ratio, abs=0.005)
    assert found.retention_ratio == pytest.approx(retention, abs=0.0005)


def test_the_case_that_the_four_fifths_rule_on_retention_passes_is_flagged():
    found = cost(audit(two_groups(140, 60)), "toxicity", "feminine")
    assert found.retention_ratio > 0.8
    assert found.flagged
    assert found.method == "jackknife"
    assert (found.rate, found.rest_rate, found.difference) == pytest.approx((0.14, 0.06, 0.08))


def test_equal_rates_and_tiny_differences_are_not_flagged():
    assert not any(one.flagged for one in audit(two_groups(100, 100)))
    assert not any(one.flagged for one in audit(two_groups(3, 1)))
    assert not any(one.flagged for one in audit(two_groups(110, 100, rows=1000)))


def test_a_rate_that_comes_from_one_domain_is_not_taken_for_the_groups():
    """All 70 removals of one group lie in one bucket: independent rows would call it certain, leaving out that domain calls it nothing."""
    clean = [20] * 50
    spoilt = [70] + [0] * 49
    counts = cells({
        (("feminine",), ()): clean, (("feminine",), ("toxicity",)): spoilt,
        (("masculine",), ()): clean, (("masculine",), ("toxicity",)): [0] * 50,
    })  # fmt: skip
    found = cost(audit(counts), "toxicity", "feminine")
    assert found.wilson_low > 0.05
    assert found.low == 0.0
    assert not found.flagged


def test_the_jackknife_covers_the_true_rate_of_clustered_rows_where_wilson_does_not():
    random = np.random.default_rng(5)
    covered = {"jackknife": 0, "wilson": 0}
    for _ in range(120):
        sizes = np.minimum(random.zipf(1.6, 800), 2000)
        rates = random.beta(0.5, 4.5, 800)
        removed = random.binomial(sizes, rates)
        bucket = random.integers(0, 50, 800)
        rows_by, removed_by = (np.bincount(bucket, weights, 50)[:, None] for weights in (sizes, removed))
        rows, gone = rows_by.sum(), removed_by.sum()
        error = jackknife_error((gone - removed_by) / (rows - rows_by))[0]
        covered["jackknife"] += abs(gone / rows - 0.1) < T49 * error
        low, high = wilson(np.array([gone]), np.array([rows]))
        covered["wilson"] += low[0] < 0.1 < high[0]
    assert covered["jackknife"] > 0.8 * 120
    assert covered["wilson"] < 0.6 * 120


def test_a_group_on_few_domains_gets_the_interval_of_independent_rows_and_says_so():
    counts = cells({
        (("feminine",), ("toxicity",)): 140, (("feminine",), ()): 860, (("masculine",), ("toxicity",)): 60, (("masculine",), ()): 940,
    })  # fmt: skip
    found = cost(audit(counts), "toxicity", "feminine")
    assert found.method == "independent"
    assert (found.low, found.high) == (found.wilson_low, found.wilson_high)
    assert found.flagged


def test_rates_of_zero_leave_ratios_undefined_and_still_flag():
    found = cost(audit(two_groups(100, 0)), "toxicity", "feminine")
    assert found.removal_ratio is None
    assert found.flagged
    assert cost(audit(two_groups(100, 0)), "toxicity", "masculine").removal_ratio == 0.0


def test_unreadable_rows_count_against_nothing_else():
    counts = cells({
        (("feminine",), ("unreadable", "opt_out")): 500, (("feminine",), ("toxicity",)): 50, (("feminine",), ()): 450,
        (("masculine",), ("toxicity",)): 100, (("masculine",), ()): 900,
    })  # fmt: skip
    assert cost(audit(counts), "toxicity", "feminine").rate == pytest.approx(0.1)
    assert cost(audit(counts), "unreadable", "feminine").rate == pytest.approx(0.5)
    assert cost(audit(counts), "opt_out", "feminine").removed == 0


def test_a_group_alone_has_nothing_to_be_compared_with():
    assert audit(cells({(("feminine",), ("toxicity",)): 50, (("feminine",), ()): 50})) == []
    assert audit(gather([], REASONS)) == []


masks = st.dictionaries(st.integers(0, 2 ** len(REASONS) - 1), st.integers(1, 500), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(masks, masks)
def test_shares_add_up_to_what_was_removed_and_lie_between_sole_and_all(first, second):
    parts = (("feminine", first), ("masculine", second))
    counts = gather(
        [(Key((gender, "adult", "unknown", "en"), bits, bits % 50), n) for gender, part in parts for bits, n in part.items()], REASONS
    )
    costs = audit(counts)
    for gender, part in parts:
        own = [one for one in costs if one.level == gender]
        readable = {bits: n for bits, n in part.items() if not bits & 1}
        removed = sum(n for bits, n in part.items() if bits)
        for one in own:
            assert one.sole <= one.shapley <= one.removed
            bit = mask(one.reason)
            population = part if one.reason == "unreadable" else readable
            assert one.rows == sum(population.values())
            assert one.removed == sum(n for bits, n in population.items() if bits & bit)
        other = second if gender == "feminine" else first
        if readable and any(not bits & 1 for bits in other):
            assert sum((one.shapley for one in own), Fraction(0)) == removed


def test_the_shapley_share_is_the_average_over_all_orders_of_the_filters():
    """Brute force: a filter is charged, in each order of all filters, with the rows it is the first to remove."""
    rows = {0b000: 50, 0b001: 7, 0b011: 11, 0b111: 13, 0b110: 17, 0b100: 19}
    names = ("caption_quality", "language", "toxicity")
    charged = dict.fromkeys(names, Fraction(0))
    for order in itertools.permutations(range(3)):
        for bits, n in rows.items():
            first = next((bit for bit in order if bits >> bit & 1), None)
            if first is not None:
                charged[names[first]] += Fraction(n, math.factorial(3))
    counts = [(Key((gender, "adult", "unknown", "en"), bits, 0), n) for gender in ("feminine", "masculine") for bits, n in rows.items()]
    costs = audit(gather(counts, names))
    assert {one.reason: one.shapley for one in costs if one.level == "feminine"} == charged


@settings(max_examples=20, deadline=None)
@given(masks, st.randoms(use_true_random=False))
def test_the_table_does_not_depend_on_the_order_of_counts(part, random):
    counts = [(Key((gender, "adult", "unknown", "en"), bits, bits % 50), n) for gender in ("a", "b") for bits, n in part.items()]
    shuffled = counts[:]
    random.shuffle(shuffled)
    assert audit(gather(shuffled, REASONS)) == audit(gather(counts, REASONS))


def test_a_filter_that_removes_a_whole_language_is_silencing_it():
    """A3: a caption rule that counts words by white space throws out whole languages."""
    counts = cells({
        (("no_person", "adult", "unknown", "ja"), ("caption_quality",)): 25, (("no_person", "adult", "unknown", "en"), ()): 100,
        (("no_person", "adult", "unknown", "de"), ("language",)): 30, (("no_person", "adult", "unknown", "km"), ("caption_quality",)): 19,
        (("no_person", "adult", "Melanesia", "en"), ("toxicity",)): 15, (("no_person", "adult", "Melanesia", "en"), ("opt_out",)): 15,
    })  # fmt: skip
    found = silenced(counts, {"language": {"de"}})
    assert [(one.reason, one.attribute, one.level, one.rows, one.declared) for one in found] == [
        ("", "region", "Melanesia", 30, False), ("language", "language", "de", 30, True), ("caption_quality", "language", "ja", 25, False),
    ]  # fmt: skip


@settings(max_examples=200)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=8))
def test_no_small_count_is_shown_or_can_be_worked_out(counts):
    hidden = hide_small(counts)
    shown = [n for n, away in zip(counts, hidden, strict=True) if not away]
    assert not any(0 < n < 20 for n in shown)
    rest = sum(n for n, away in zip(counts, hidden, strict=True) if away)
    if any(hidden) and any(shown):
        assert hidden.sum() > 1
        assert not 0 < rest < 20


def test_published_lines_hide_few_people_and_what_would_tell_of_them():
    counts = cells({
        (("feminine",), ("toxicity",)): 5, (("feminine",), ()): 995, (("masculine",), ("toxicity",)): 300, (("masculine",), ()): 900,
        (("mixed",), ("toxicity",)): 200, (("mixed",), ()): 600,
    })  # fmt: skip
    lines = {line.level: line for line in publish(audit(counts)) if line.attribute == "gender"}
    assert lines["feminine"].cost is None
    assert lines["mixed"].cost is None
    assert lines["masculine"].cost.removed == 300
