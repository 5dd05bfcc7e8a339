"""The closed loop, a folder a step: model, audience, product, benefit, script, reach, evaluate, optimize.

``run`` reads like the eight steps and is the way in; ``spec`` reads what a bank wrote and freezes it; ``bank`` is what a
step works with. Nothing here knows a page, a command or the simulator's truth.
"""
