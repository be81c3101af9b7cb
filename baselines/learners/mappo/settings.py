"""Settings of a training with RLlib, in addition to those of every training."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from baselines.learners.ppo.args import Args, args_from
from p2p_market.errors import PolicyError

PATHS: Final = ("batched", "episodes")


@dataclass(frozen=True, slots=True)
class Cluster:
    """How RLlib plays and learns, and where."""

    path: str = "batched"
    """`batched`: communities are played by one compiled call. `episodes`: RLlib's own way, one
    environment object per community; several times slower."""
    env_runners: int = 0
    """Processes that play; 0 = the training's own. Each plays its share of the communities."""
    learners: int = 0
    """Processes that learn; 0 = the training's own. Each learns from its share of a segment, in
    minibatches of the full size."""
    ray: str = "local"
    """Where: `local` starts Ray on this machine; else the address of a cluster."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            PolicyError: naming the key.
        """
        if self.path not in PATHS:
            raise PolicyError(f"unknown path {self.path!r}; known: {', '.join(PATHS)}")
        for key in ("env_runners", "learners"):
            if getattr(self, key) < 0:
                raise PolicyError(f"{key} must be 0 or more, got {getattr(self, key)}")


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
        own = {key: getattr(self.cluster, key) for key in OWN if key != "ray"}
        return {**self.args.as_mapping(), **own}


OWN: Final = {key: type(default) for key, default in asdict(Cluster()).items()}


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings out of values by key, texts among them.

    Raises:
        PolicyError: for a key or a value that does not fit, naming the key.
    """
    given: dict[str, Any] = {}
    for key in OWN.keys() & values.keys():
        try:
            given[key] = OWN[key](values[key])
        except (TypeError, ValueError) as error:
            raise PolicyError(
                f"{key}: {values[key]!r} is not of type {OWN[key].__name__}"
            ) from error
    others = {key: value for key, value in values.items() if key not in OWN}
    if unknown := others.keys() - Args().as_mapping().keys():
        known = ", ".join([*Args().as_mapping(), *OWN])
        raise PolicyError(f"no key {min(unknown)!r}; known: {known}")
    return Settings(args_from(others), Cluster(**given))
