"""What each feature of agreements means, in a few words."""

from typing import Final

AGREED: Final = {
    "inbox_forward": "1: a forward contract is proposed in this place of the inbox",
    "inbox_backup": "1: a backup option is proposed there",
    "inbox_coalition": "1: a coalition is proposed there",
    "inbox_sender": "index of who proposes, plus 1; 0: the place is empty",
    "inbox_quantity": "proposed power, > 0 I would buy",
    "inbox_price": "proposed price",
    "inbox_premium": "premium of the option, paid by its buyer when it is signed",
    "inbox_start": "time until the window begins",
    "inbox_length": "length of the window, or of the membership",
    "position": "power bought less power sold by contracts that run in this step",
    "position_in": "power bought less power sold by contracts that run so many hours ahead",
    "position_price": "mean price of the open contracts, by power",
    "exposure": "the most that the open contracts can still cost",
    "credit_left": "credit less losses so far and exposure",
    "opportunity": "1: something lies in the inbox",
    "coalition_size": "members of the own coalition, oneself included",
    "shared_senders": "members whose forecast came in the step before",
    "shared_error": "error of these members' forecasts so far, over their net load",
    "shared_in": "sum of these members' forecasts of their net load, so many hours ahead",
}
"""Name without the place of the inbox or the hours -> meaning."""
