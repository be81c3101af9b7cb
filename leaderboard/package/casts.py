"""Which file of a package plays which role."""

from collections.abc import Sequence

from leaderboard.package.manifest import MAIN, Manifest
from p2p_market.errors import PolicyError


def casts(manifest: Manifest, roles: Sequence[str]) -> dict[str, dict[str, str]]:
    """What is played: name of each cast -> role -> file.

    A cast has the name of its first file. Where the track has one role, each file is a cast. Where
    it has several, the manifest says which file plays which; one that it leaves out plays its rule.

    Args:
        manifest: of the package.
        roles: of the track.

    Raises:
        PolicyError: if the manifest names no roles and there are several, or names another.
    """
    if manifest.policy.kind == "python":
        return {MAIN: dict.fromkeys(roles, MAIN)}
    named = manifest.policy.roles
    if named is None:
        if len(roles) > 1:
            raise PolicyError(
                f"track {manifest.policy.track!r} has the roles {', '.join(roles)}; say in "
                "[policy.roles] which file plays which"
            )
        return {file.path: {roles[0]: file.path} for file in manifest.played}
    if unknown := [role for role in named if role not in roles]:
        raise PolicyError(
            f"policy.roles: {unknown[0]!r} is no role of track {manifest.policy.track!r}; it has "
            f"{', '.join(roles)}"
        )
    together = zip(*named.values(), strict=True)
    return {files[0]: dict(zip(named, files, strict=True)) for files in together}


def played_roles(manifest: Manifest) -> list[str] | None:
    """Roles that a package has files for; None: it plays all, as code does."""
    named = manifest.policy.roles
    return None if named is None or manifest.policy.kind == "python" else list(named)


def names(manifest: Manifest) -> tuple[str, ...]:
    """Of all casts."""
    if manifest.policy.kind == "python":
        return (MAIN,)
    named = manifest.policy.roles
    if named is None:
        return tuple(file.path for file in manifest.played)
    return tuple(next(iter(named.values())))
