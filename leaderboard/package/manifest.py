"""`submission.toml`: who submits what, in which table, how it was made, how it is cited."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from leaderboard.forms import (
    Csv,
    Digest,
    Doi,
    Link,
    Long,
    Name,
    Orcid,
    Section,
    Short,
    Slug,
    Title,
    Version,
    Whole,
    read_toml,
)
from leaderboard.package.archive import MEMBERS
from leaderboard.visible import visible
from p2p_market.registry import DEFAULT_TRACK

NAME: Final = "submission.toml"
FORMAT: Final = "p2p-market-submission/1"
ENDINGS: Final = {"onnx": ".onnx", "rules": ".toml"}
"""Kind of a policy -> ending of its files. What can carry code is not among them."""
MAIN: Final = "policy.py"
"""What a package of kind `python` begins with; its other files are its own affair."""
WEIGHTS_OUTSIDE: Final = (
    "holds the weights of a network; export them into the one file that ends in '.onnx', with "
    "torch.onnx.export(..., external_data=False)"
)
SINCE_0_1: Final = ("processor_hours", "data", "curve")
"""Fields of `training` that records of older entries do not have; their digests stay."""
METHOD_SEEDS: Final = 5
"""Trainings of one recipe, at least, before a method is judged and not a lucky network."""


class Author(Section):
    """One author."""

    name: Short
    orcid: Orcid | None = None
    affiliation: Short | None = None


class Training(Section):
    """How the policy was made, in the author's words and figures; they are shown, not checked."""

    summary: Long
    seeds: Annotated[list[Whole], Field(max_length=MEMBERS, default_factory=list)]
    agent_steps: Whole | None = None
    hours: Annotated[float, Field(ge=0.0, le=1e6)] | None = None
    hardware: Short | None = None
    code: Link | None = None
    processor_hours: Annotated[float, Field(ge=0.0, le=1e8)] | None = None
    data: Annotated[list[Short], Field(max_length=20)] | None = None
    """What it was trained and chosen on: scenarios and splits."""
    curve: Csv | None = None  # file of the package, see `curve.read_curve`

    @model_serializer(mode="wrap")
    def _as_before(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Younger fields are left out where they say nothing."""
        told: dict[str, Any] = plain(self)
        return {key: each for key, each in told.items() if key not in SINCE_0_1 or each is not None}


class Citation(Section):
    """What a BibTeX entry is made of."""

    title: Title
    year: Annotated[int, Field(ge=1900, le=2200)]
    venue: Short | None = None
    doi: Doi | None = None
    url: Link | None = None


class PolicySection(Section):
    """What plays."""

    kind: Literal["onnx", "rules", "python"]
    track: Name = DEFAULT_TRACK
    roles: Annotated[dict[Name, list[str]], Field(min_length=1, max_length=16)] | None = None
    """Role -> its files, one per cast; None where the track has one role. The first of each list
    play together, then the second, and so on."""
    learnt: bool = False  # code only: whether it wants to be told learnt prices

    @model_validator(mode="after")
    def _alike(self) -> Self:
        """Every role has as many files as any other."""
        if self.roles is not None and len({len(files) for files in self.roles.values()}) != 1:
            raise ValueError("roles must have the same number of files each, one per cast")
        return self


class File(Section):
    """A file of the policy; `pack` writes these."""

    path: Annotated[str, StringConstraints(max_length=64)]
    size: Annotated[int, Field(ge=1, le=2**31)]  # bytes
    sha256: Digest


class Draft(Section):
    """What an author writes."""

    format: Literal["p2p-market-submission/1"]
    name: Slug
    version: Version
    division: Literal["policy", "method", "reference"]
    authors: Annotated[list[Author], Field(min_length=1, max_length=30)]
    policy: PolicySection
    training: Training
    citation: Citation


class Manifest(Draft):
    """The same with the files, in the order of their names."""

    files: Annotated[list[File], Field(min_length=1, max_length=MEMBERS - 1)]

    @property
    def played(self) -> list[File]:
        """All files but the learning curve, which no policy reads."""
        return [file for file in self.files if file.path != self.training.curve]

    @model_validator(mode="after")
    def _files_fit(self) -> Self:
        """Files are of the kind, and as many as the division asks for."""
        if self.training.curve and len(self.played) == len(self.files):
            raise ValueError(f"training.curve names {self.training.curve!r}, which is not there")
        if self.policy.kind == "python":
            return self._code()
        if self.policy.learnt:
            raise ValueError("policy.learnt is for kind 'python'; leave it out")
        ending = ENDINGS[self.policy.kind]
        for file in self.played:
            if file.path.endswith(".data"):
                raise ValueError(f"file {visible(file.path)!r}: {WEIGHTS_OUTSIDE}")
            if not file.path.endswith(ending) or file.path == NAME:
                raise ValueError(
                    f"file {visible(file.path)!r}: kind {self.policy.kind!r} takes files that end "
                    f"in {ending!r}; export networks to ONNX, write rules as TOML"
                )
        casts = self._casts()
        if self.division == "method":
            self._method(casts)
        elif casts != 1:
            raise ValueError(
                f"division {self.division!r} takes one file, not {casts}; a recipe with "
                f"{METHOD_SEEDS} or more trained networks goes to division 'method'"
            )
        return self

    def _code(self) -> Self:
        """Code is one policy, in every role."""
        if MAIN not in [file.path for file in self.played]:
            raise ValueError(f"kind 'python' begins with a file {MAIN!r}; add it")
        if self.policy.roles is not None or self.division == "method":
            raise ValueError(
                "kind 'python' is one policy in all roles, of division 'policy' or 'reference'; "
                "leave [policy.roles] out"
            )
        return self

    def _casts(self) -> int:
        """How many are played, each by itself."""
        if (roles := self.policy.roles) is None:
            return len(self.played)
        named = [name for files in roles.values() for name in files]
        if sorted(named) != [file.path for file in self.played]:
            raise ValueError("policy.roles must name every file of the policy once")
        return len(next(iter(roles.values())))

    def _method(self, casts: int) -> None:
        if self.policy.kind != "onnx" or casts < METHOD_SEEDS:
            raise ValueError(
                f"division 'method' takes {METHOD_SEEDS} or more networks of kind 'onnx'; use "
                "division 'policy' for one"
            )
        if len(set(self.training.seeds)) != casts:
            raise ValueError("training.seeds must name a different seed for each file")
        if len({file.sha256 for file in self.played}) != len(self.played):
            raise ValueError("two files are the same network; train each with its own seed")


def read_manifest(text: bytes) -> Manifest:
    """The manifest of a package.

    Raises:
        PackageError: with every field that is wrong.
    """
    return read_toml(NAME, text, Manifest)


def files_text(files: list[File]) -> str:
    """What `pack` puts at the end of a draft, as TOML."""
    tables = [
        f'[[files]]\npath = "{file.path}"\nsize = {file.size}\nsha256 = "{file.sha256}"\n'
        for file in files
    ]
    return "\n" + "\n".join(tables)
