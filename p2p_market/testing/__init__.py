"""The conformance battery, for own environments, mechanisms and policies; needs no test framework.

    from functools import partial
    from p2p_market.testing import check_environment, check_mechanism, check_policy

    check_environment(partial(p2p_market.make, "classic-v0"))
    check_mechanism(MECHANISMS["mcafee"])
    check_policy(my_policy, p2p_market.load_scenario("classic-v0"))

Each runs all checks of its module; every check is a function of its own as well. What breaks a rule
raises `ConformanceError`: who, what, how to fix it.
"""

from p2p_market.testing.environment import check_environment, check_features_vary
from p2p_market.testing.mechanism import check_mechanism
from p2p_market.testing.policy import check_policy

__all__ = ["check_environment", "check_features_vary", "check_mechanism", "check_policy"]
