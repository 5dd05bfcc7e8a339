"""The clock of a simulated bank: where its day stands, and the button that lets it pass."""
