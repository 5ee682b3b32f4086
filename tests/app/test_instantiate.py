"""Objects of a configuration are made, or refused in a sentence that names their key."""

import pytest
from omegaconf import OmegaConf

from likerank.app.instantiate import make, make_group
from likerank.errors import LikerankError


def test_a_group_makes_each_member_but_those_that_are_null() -> None:
    config = OmegaConf.create({"counts": {"one": {"_target_": "fractions.Fraction"}, "none": None}})
    assert make_group(config, "counts", object) == [0]
    assert make_group(config, "absent", object) == []


def test_a_member_of_another_kind_is_named_with_its_group() -> None:
    config = OmegaConf.create({"metrics": {"mine": {"_target_": "fractions.Fraction"}}})
    with pytest.raises(LikerankError, match=r"metrics\.mine is a Fraction, not a str"):
        make_group(config, "metrics", str)


def test_an_object_that_cannot_be_made_is_named() -> None:
    config = OmegaConf.create({"metrics": {"mine": {"_target_": "no_such_package.Metric"}}})
    with pytest.raises(LikerankError, match=r"metrics\.mine cannot be made of the configuration"):
        make_group(config, "metrics", str)
    with pytest.raises(LikerankError, match="network cannot be made of the configuration"):
        make(OmegaConf.create({"network": {"_target_": "fractions.Fraction", "x": 1}}), "network")
