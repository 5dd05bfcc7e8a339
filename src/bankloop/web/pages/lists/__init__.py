"""Lists of customers taken in from a workbook."""
