"""One customer out of many records: attributes, and the state of all customers as it was known on a day.

Attributes are a catalogue read from YAML: facts, event windows, rules over other attributes, scores. ``build_state``
computes all of them in one pass over each base table. This room describes customers; it decides nothing about them.
"""
