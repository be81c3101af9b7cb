"""Settings of a training with RLlib, in addition to those of every training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import NonNegativeInt

from baselines.learners.ppo.args import Args
from baselines.learners.training import settings
from p2p_market.errors import PolicyError

PATHS: Final = ("batched", "episodes")


class Cluster(settings.Settings):
    """How RLlib plays and learns, and where."""

    path: Annotated[str, settings.one_of(*PATHS)] = "batched"
    """`batched`: communities are played by one compiled call. `episodes`: RLlib's own way, one
    environment object per community; several times slower."""
    env_runners: NonNegativeInt = 0
    """Processes that play; 0 = the training's own. Each plays its share of the communities."""
    learners: NonNegativeInt = 0
    """Processes that learn; 0 = the training's own. Each learns from its share of a segment, in
    minibatches of the full size."""
    ray: str = "local"
    """Where: `local` starts Ray on this machine; else the address of a cluster."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it."""

    args: Args
    cluster: Cluster

    def __post_init__(self) -> None:
        """Refuse runners that could not share the communities, and what only `ppo` can.

        Raises:
            PolicyError: naming the keys.
        """
        if self.args.memory:
            raise PolicyError(
                f"memory {self.args.memory}: only the trainer 'ppo' has recurrent networks"
            )
        if self.args.first_wear < 1.0 and self.cluster.path == "episodes":
            raise PolicyError(
                f"first_wear {self.args.first_wear:g}: needs --set path=batched, because RLlib's "
                "own episodes are not counted"
            )
        if self.args.communities % max(1, self.cluster.env_runners):
            raise PolicyError(
                f"communities {self.args.communities} cannot be shared evenly by env_runners "
                f"{self.cluster.env_runners}; give a multiple"
            )

    @property
    def scenario(self) -> str:
        """Id of a shipped scenario, or a YAML file."""
        return self.args.scenario

    def as_mapping(self) -> dict[str, Any]:
        """What the policy is a function of, by key; so not the address."""
        return {**self.args.as_mapping(), **self.cluster.model_dump(exclude={"ray"})}


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings out of values by key, texts among them.

    Raises:
        PolicyError: for a key or a value that does not fit, naming the key.
    """
    own = {key: value for key, value in values.items() if key in Cluster.model_fields}
    others = {key: value for key, value in values.items() if key not in own}
    if unknown := others.keys() - Args.model_fields.keys():
        known = ", ".join([*Args.model_fields, *Cluster.model_fields])
        key = min(unknown)
        raise PolicyError(f"{key} {others[key]!r}: no such key; known: {known}")
    return Settings(Args(**others), Cluster(**own))
