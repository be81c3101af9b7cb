"""Agreements between members: contracts, coalitions, forecasts; they move money and match orders."""
