"""What an episode is, as SHA-256 digests: `python -m tests.determinism.fingerprint SCENARIO ...`.

One line of JSON: scenario -> what was drawn, observed and played -> digest. Two machines, versions
or ways to compute agree when these are equal; `processor` alone may differ.
"""

import hashlib
import json
import sys
from dataclasses import fields

import numpy as np

import p2p_market
from p2p_market.assets.battery import battery
from p2p_market.assets.node import coefficients
from p2p_market.community import trace
from p2p_market.records import Record
from tests.community.golden.recording import record_episode


def digest(*parts: object) -> str:
    """Digest of arrays with dtype and shape, and of anything else as text."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype} {part.shape}".encode())
            found.update(np.ascontiguousarray(part).tobytes())
        else:
            found.update(repr(part).encode())
    return found.hexdigest()


def of_record(name: str, record: Record) -> dict[str, str]:
    """Digest of each field of a record."""
    return {f"{name}.{f.name}": digest(getattr(record, f.name)) for f in fields(record)}


def observed(scenario_id: str, seed: int = 3) -> dict[str, str]:
    """Observations, joint states, rewards and infos of a whole episode of the environment."""
    env = p2p_market.make(scenario_id, info="full")
    script = trace.scripted_actions(env.scenario, seed)[:, 0]
    observations, infos = env.reset(seed=seed)
    seen = {"observations": [digest(*observations.values())], "states": [digest(env.state())]}
    seen |= {"rewards": [], "infos": []}
    for actions in script:
        observations, rewards, *_, infos = env.step(dict(zip(env.agents, actions, strict=True)))
        seen["observations"].append(digest(*observations.values()))
        seen["states"].append(digest(env.state()))
        seen["rewards"].append(digest(*rewards.values()))
        seen["infos"].append(digest(*(part for info in infos.values() for part in info.values())))
    return {f"env.{name}": digest(*rows) for name, rows in seen.items()}


def computed() -> dict[str, str]:
    """Coefficients of batteries that leak, which no shipped scenario may have."""
    leaky = [battery(10.0, 5.0, leak_per_h=n / 1000.0) for n in range(100)]
    return of_record("leaky", coefficients([leaky], 0.25))


def processor() -> str:
    """Digest of what the code must not use, because its last bits depend on the processor."""
    numbers = np.random.default_rng(0).standard_normal(90_000)
    square, few = numbers.reshape(300, 300), np.floor(3.0 * numbers)
    single = np.exp(numbers.astype(np.float32))
    return digest(square @ square, np.sin(numbers), single, np.argsort(few))


def fingerprint(scenario_id: str) -> dict[str, str]:
    """Digests of a drawn episode, of its trace, and of another as the environment shows it."""
    episode, played = record_episode(p2p_market.load_scenario(scenario_id))
    return of_record("episode", episode) | of_record("trace", played) | observed(scenario_id)


if __name__ == "__main__":
    played = {scenario_id: fingerprint(scenario_id) for scenario_id in sys.argv[1:]}
    json.dump(played | {"any": computed(), "processor": processor()}, sys.stdout)
