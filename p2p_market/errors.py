"""One error class per cause, all below `P2PMarketError`: who, what, how to fix it."""


class P2PMarketError(Exception):
    """Base of every error this package raises on purpose."""


class UsageError(P2PMarketError):
    """A command was given something that is not there, or that it does not take."""


class DataError(P2PMarketError):
    """A data set is unknown, damaged or incomplete."""


class ScenarioError(P2PMarketError):
    """A scenario file breaks the schema or a rule of the market."""


class ActionError(P2PMarketError):
    """An action has an unknown agent, a wrong shape or a wrong dtype."""


class ResetNeededError(P2PMarketError):
    """`step` was called before `reset`, or after the episode had ended."""


class OrderBookError(P2PMarketError):
    """An order book has NaN, infinity or columns of different shapes."""


class ArgumentError(P2PMarketError, ValueError):
    """A seed, a size or another argument has a wrong type or value."""


class InvariantError(P2PMarketError):
    """Energy or money does not balance: a mistake of the engine, never of a policy."""


class PolicyError(P2PMarketError):
    """A policy could not be loaded, or answered with something that is not an action."""


class OptimumError(P2PMarketError):
    """The optimum could not be computed, or its certificate does not hold."""


class ConformanceError(P2PMarketError):
    """An environment, a mechanism or a policy breaks a rule that all of its kind keep."""


class ReplayError(P2PMarketError):
    """A run record is damaged or does not replay to the same digests."""


class ClusterError(P2PMarketError):
    """The processes or machines that should share the work cannot do so."""


class RenderError(P2PMarketError):
    """A picture cannot be drawn."""


class PackageError(P2PMarketError):
    """A submission breaks a rule of its form."""


class SigningError(P2PMarketError):
    """A key file cannot be used."""


class LedgerError(P2PMarketError):
    """A ledger is damaged, or a line is not allowed in it."""


class RecordError(P2PMarketError):
    """A season or a result of the leaderboard is not what it must be."""


class SiteError(P2PMarketError):
    """The pages of a season cannot be made or shown."""
