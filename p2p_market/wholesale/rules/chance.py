"""Uniform actions for every role."""

from functools import partial

from p2p_market.kit.policies import uniform

generator = partial(uniform, "generator")
storage = partial(uniform, "storage")
consumer = partial(uniform, "consumer")
operator = partial(uniform, "operator")
