"""Tests of a group run in one process, so that what is dear is made once."""

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process has all groups")
@pytest.mark.xdist_group("alone")
def test_groups_stay_together(request):
    """Where pytest and its xdist do not agree, marks of groups say nothing, and nobody tells."""
    assert request.node.nodeid.endswith("@alone")
