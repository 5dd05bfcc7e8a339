"""How anything is shown, knowing nothing of a bank: figures, tables and pictures as values, drawn, formatted, printed.

A picture is a value until it is drawn. Nothing here imports a room but ``kit``.
"""
