import re

import pytest

from pipeline.documents.limits import bias_told
from transforms.models.toxicity.identity_bias import identity_bias


@pytest.mark.parametrize("threshold", [0.5, 0.9])
def test_the_datasheet_tells_of_every_group_what_is_flagged(threshold):
    told, bias = bias_told(threshold), identity_bias(threshold)
    assert f"{bias.mean:.1%} above {threshold}" in told
    flagged, _, never = told.partition("; none of those about ")
    for term, share in bias.shares.items():
        where = re.search(rf"\b{term} {share:.1%}" if share else rf"\b{term}\b", flagged if share else never)
        assert where, term
