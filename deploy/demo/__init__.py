"""The demo city 望汐市 and the story played in it. City, units, people and numbers are invented; no office stands behind them."""
