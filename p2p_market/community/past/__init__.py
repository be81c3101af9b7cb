"""What members remember where a scenario lets them: gains of trading, how neighbours bid."""
