"""Power lines and the system behind them: voltages, loads, what corrects them, and frequency."""
