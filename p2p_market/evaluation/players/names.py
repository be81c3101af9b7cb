"""Names of policies, and what was probably meant by a wrong one."""

import difflib
import os
from collections.abc import Sequence
from pathlib import Path, PurePath

from p2p_market.errors import PolicyError
from p2p_market.loading import lies_in, needing
from p2p_market.registry import FILES, baselines, named
from p2p_market.track import OPTIMUM, AnyScenario
from p2p_market.tracks import track_of


def missing() -> str:
    """What baselines and files of networks need, as the end of a sentence."""
    return f"planners and networks need {needing('optimal', 'onnx')}"


def is_file(name: str) -> bool:
    """Whether a policy is a file, by its ending."""
    return PurePath(name).suffix in FILES


def is_ours(name: str) -> bool:
    """Whether a name means code of this repository, and never that of a working folder.

    Names of baselines have no colon, and MODULE:FACTORY has one.
    """
    return all(is_file(part) or ":" not in part for part in name.split(","))


def of_roles(scenario: AnyScenario, name: str) -> dict[str, str]:
    """Which policy plays each role.

    Args:
        name: a baseline, a file or MODULE:FACTORY; or `ROLE=POLICY,ROLE=POLICY`, in which a role
            that is left out plays its rule. What stands before the first `=` is a role only if
            the track has it.

    Returns:
        Role -> baseline, file or MODULE:FACTORY.

    Raises:
        PolicyError: if a role is named twice, or one policy is given where several roles play.
    """
    roles = {role.name: role for role in track_of(scenario).roles(scenario)}
    before, equals, _ = name.partition("=")
    if not (equals and before in roles):
        if len(roles) > 1 and name not in named(scenario):
            asked = ", ".join(f"{role}=..." for role in roles)
            if equals and before.isidentifier():
                raise PolicyError(
                    f"policy {name!r}: there is no role {before!r}; say one of {asked}"
                )
            raise PolicyError(f"policy {name!r} plays one role; say which of {asked}")
        return dict.fromkeys(roles, name)
    found: dict[str, str] = {}
    for part in name.split(","):
        role, equals, policy = part.partition("=")
        if not (equals and policy and role in roles):
            known = ", ".join(roles)
            raise PolicyError(f"policy {name!r}: {part!r} is not ROLE=POLICY; roles are: {known}")
        if role in found:
            raise PolicyError(f"policy {name!r} names the role {role!r} twice; remove one")
        found[role] = policy
    return {role: found.get(role, one.rule) for role, one in roles.items()}


def played_roles(scenario: AnyScenario, name: str) -> tuple[str, ...]:
    """Roles that a policy plays; those that it leaves out play their rule.

    Raises:
        PolicyError: as `of_roles`.
    """
    roles = of_roles(scenario, name)
    if "=" not in name or name in named(scenario) or name.partition("=")[0] not in roles:
        return tuple(roles)
    said = {part.partition("=")[0] for part in name.split(",")}
    return tuple(role for role in roles if role in said)


def target_of(scenario: AnyScenario, role: str, name: str) -> str:
    """`module:factory` behind the policy of one role: a baseline, a file or itself."""
    if name == OPTIMUM:
        return track_of(scenario).CARD.extras.get("optimum", name)
    if (baseline := baselines(scenario).get(name)) is not None:
        return baseline.targets.get(role, name)
    return FILES.get(PurePath(name).suffix, name)


def place_of(scenario: AnyScenario, role: str, name: str) -> tuple[str, str]:
    """Module and factory of the policy of one role.

    Raises:
        PolicyError: if the name cannot be that of a policy; it says what was probably meant.
    """
    if is_file(name) and not Path(name).is_file():
        raise PolicyError(f"no file {name!r}; `p2p-market train` writes one")
    module, colon, factory = target_of(scenario, role, name).partition(":")
    if meant := _meant(named(scenario), name, module, colon, factory):
        raise PolicyError(f"no policy {name!r}: {meant}")
    if not (module and factory) or not all(part.isidentifier() for part in module.split(".")):
        raise PolicyError(
            f"no policy {name!r}; known: {', '.join(named(scenario))}, or give MODULE:FACTORY "
            f"or a file that ends in {', '.join(FILES)}"
        )
    return module, factory


def _meant(known: Sequence[str], name: str, module: str, colon: str, factory: str) -> str:
    """The likely mistake and how to fix it; empty if nothing is recognised."""
    path = Path(module)
    before, equals, after = name.partition("=")
    if equals and (after in known or ":" in after):
        return f"the role {before!r} is unknown here; if only one plays, write {after}"
    if path.suffix == ".py":
        return _of_code(path, factory or "FACTORY")
    if PurePath(name).suffix.lower() == ".zip":
        return (
            f"a zip is a package: play it with `p2p-market leaderboard run {name}`, or name a "
            f"file in it that ends in {', '.join(FILES)}, once it is unpacked"
        )
    if path.suffix.lower() in FILES and path.suffix not in FILES:
        return f"the ending is written {path.suffix.lower()}; rename the file"
    if module and not factory and (colon or lies_in(os.getcwd(), module)):
        return f"write {module}:FACTORY, with the function or class of {module} that makes it"
    if os.sep in module:
        return f"modules have dots; write {'.'.join(path.parts)}:{factory or 'FACTORY'}"
    before, dot, last = module.rpartition(".")
    if dot and not colon and lies_in(os.getcwd(), before):
        return f"write {before}:{last}"
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"did you mean {close[0]!r}?" if close and not colon else ""


def _of_code(path: Path, factory: str) -> str:
    """How to name code in a file."""
    if not path.expanduser().is_file():
        return f"there is no file {str(path)!r}, and code is named as MODULE:FACTORY"
    inside = Path(os.path.relpath(path.expanduser()))
    parts = inside.with_suffix("").parts
    if ".." in parts:
        return f"go to the folder {str(path.parent)!r} and write {path.stem}:{factory}"
    return f"write {'.'.join(parts)}:{factory}"


def not_imported(name: str, module: str, error: ImportError) -> str:
    """Why a module could not be imported, and what to do."""
    said = f"policy {name!r}: cannot import {module!r} ({error})"
    if is_ours(name):
        return f"{said}; {missing()}"
    if error.name and (module == error.name or module.startswith(f"{error.name}.")):
        return f"{said}; it is neither in {os.getcwd()} nor installed"
    return f"{said}; the module itself is there, but not what it imports"
