"""Models over time: trained from history and from rounds, watched, forecasts beside them."""
