"""From files that nobody described to a bank.yaml: what a file is, which table it brings, how its columns are read.

Looking reads; proposing is a pure rule over what was seen and what was answered; what cannot be known is a question.
Nothing is guessed in silence: a value that no file says is stated in the file that is written, with a comment.
"""
