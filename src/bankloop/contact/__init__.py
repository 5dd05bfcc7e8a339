"""Contacts: how the bank gets in touch with anybody, whoever wants to (触达).

The gate holds consent, stops, caps and capacities, bank-wide; deliveries hand out what passed, screened once more where
it leaves the house. Who is to be contacted, and with what, is decided above; what a screen looks for is handed in.
"""
