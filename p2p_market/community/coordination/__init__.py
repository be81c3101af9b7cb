"""Agreements between members: contracts, coalitions, forecasts; no device is moved by them."""
