"""What console, HTML report and command line show alike: figures, tables and pictures as values, in both languages.

Made from the loop's values and never the other way round: nothing here decides, and no page asks a database. A picture
is a value until it is drawn; confidential reasons arrive pooled and stay pooled.
"""
