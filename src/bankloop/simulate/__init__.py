"""A bank with a known truth: 泉江银行, its customers, its staff, its source files, and what people would do.

``write_bank`` writes the folder of a bank as large as asked, as it was a month ago and as it is; ``World`` knows every
customer's potential outcomes, lets people respond to what a campaign did, and moves the bank on after a round. Nothing that decides may import this room or read ``data/truth``: the loop
meets the truth only when a result is compared with it.
"""
