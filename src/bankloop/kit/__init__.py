"""Leaves that every room stands on: money, clock, identifiers, texts, errors, the expression language.

Nothing here imports another room, touches a disk or asks the machine for the time (``SystemClock`` apart).
"""
