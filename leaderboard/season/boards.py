"""Which boards may stand in one season, and which seasons are public or open."""

from leaderboard.season.draws import board_scenario, focal_seats
from leaderboard.season.season import Plan, files_of_all
from leaderboard.tracks import board_card, track_name
from p2p_market.errors import RecordError
from p2p_market.evaluation.players.population import load_population
from p2p_market.registry import POPULATION
from p2p_market.tracks import track_of


def check(plan: Plan) -> None:
    """Boards of one track, and bots for every seat of the focal board.

    Scores of different tracks are never added up, and every package plays on every board: so each
    track has its own seasons.

    Raises:
        RecordError: if they do not fit together.
        PolicyError: if the population has no bot for a role.
        ScenarioError: if a scenario is unknown.
    """
    focal = [] if plan.focal is None else [plan.focal]
    tracks = list(dict.fromkeys(track_name(one.scenario) for one in [*plan.boards, *focal]))
    if len(tracks) > 1:
        raise RecordError(
            f"boards: are of the tracks {', '.join(tracks)}; open a season for each, their scores "
            "are not added up"
        )
    if plan.focal is None:
        return
    if plan.population == POPULATION != board_card(tracks[0]).population:
        raise RecordError(
            f"focal: track {tracks[0]!r} has no population of its own; name one in `population` as "
            "MODULE:ATTRIBUTE, or leave `focal` out"
        )
    scenario, asked = board_scenario(plan.focal), plan.focal.role
    roles = [role.name for role in track_of(scenario).roles(scenario)]
    if asked not in (None, *roles):
        raise RecordError(
            f"focal.role: {plan.focal.scenario} has no role {asked!r}; its roles are "
            f"{', '.join(roles)}"
        )
    there = len(focal_seats(plan.focal))
    if plan.focal.seats > there:
        of = "" if asked is None else f" of role {asked!r}"
        raise RecordError(
            f"focal.seats: {plan.focal.seats} of each draw, and {plan.focal.scenario} has "
            f"{there}{of}; ask for less"
        )
    if len(roles) > 1:
        crowd = load_population(plan.population)
        for role in roles:
            crowd.of_role(role)


def public(file: Plan) -> bool:
    """Whether everybody knows its secret: its draws are for authors, and nobody is ranked."""
    return file.id == board_card(track_name(file.boards[0].scenario)).public


def open_now() -> list[str]:
    """Seasons of this repository that take entries."""
    return [file.id for file in files_of_all() if file.closed is None and not public(file)]
