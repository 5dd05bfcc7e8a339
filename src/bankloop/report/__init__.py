"""What console, HTML report and command line show alike: figures, tables and pictures as values, in both languages.

Made from the loop's values and never the other way round: nothing here decides, and no page asks a database. A picture
is a value until it is drawn; confidential reasons arrive pooled and stay pooled.
"""

from bankloop.loop.evaluate import reading_of
from bankloop.report.books import Book, book_html, book_plain, results_book, write_workbook
from bankloop.report.champions import challenger_table, comparison_table
from bankloop.report.comparing import fair_table, levers_table, lost_table, next_table, ways_picture
from bankloop.report.contracts import (
    Bar,
    Bars,
    Cell,
    Column,
    Curve,
    Figure,
    Forest,
    Interval,
    Pair,
    Pairs,
    Picture,
    PlanView,
    Point,
    ResultsView,
    Step,
    StepKind,
    Table,
    Tone,
    Truth,
    Waterfall,
    WhatIf,
)
from bankloop.report.daily import DailyPress, Progress, daily_book, daily_pages, year_gone
from bankloop.report.details import group_table
from bankloop.report.drawing import draw, draw_both
from bankloop.report.exporting import FORMATS, PARTS, exported, returned_rows, xlsx_of
from bankloop.report.html import Report, html_report, report_of, results_view, write_report
from bankloop.report.keeping import kept_plans, load_window_view, save_window
from bankloop.report.loading import quarantine_table
from bankloop.report.models import (
    CAUSAL,
    NOT_CAUSAL,
    alerts_table,
    calibration_table,
    lift_picture,
    offers_table,
    top_table,
    versions_table,
)
from bankloop.report.pages import environment, style
from bankloop.report.plan import bounds_in_words, falls_of, plan_page, price_in_words, resource_table, waterfall_picture
from bankloop.report.plays import acquisition_table, cohort_table, execution_table, metrics_book, plays_book, trace_book
from bankloop.report.programmes import programme_book
from bankloop.report.record import PlanRecord, record_of
from bankloop.report.results import VERDICTS, interval_in_words, results_page
from bankloop.report.sayings import masked_number
from bankloop.report.scorecard import drill_table, metric_tables
from bankloop.report.sheet import book_pages
from bankloop.report.shelf import (
    PRODUCT_CLASSES,
    PRODUCT_LINES,
    gaps_picture,
    matrix_table,
    offered_in_words,
    products_table,
    proposal_table,
    review_table,
    shelf_table,
)
from bankloop.report.story import (
    Story,
    bank_line,
    card_table,
    check_table,
    dogs_picture,
    effect_table,
    execution_picture,
    known_truth,
    policies_picture,
)
from bankloop.report.what_if import changeable, levers, what_if, what_if_by_fiat
from bankloop.report.whole import programme_view

__all__ = [
    "CAUSAL",
    "FORMATS",
    "NOT_CAUSAL",
    "PARTS",
    "PRODUCT_CLASSES",
    "PRODUCT_LINES",
    "VERDICTS",
    "Bar",
    "Bars",
    "Book",
    "Cell",
    "Column",
    "Curve",
    "DailyPress",
    "Figure",
    "Forest",
    "Interval",
    "Pair",
    "Pairs",
    "Picture",
    "PlanRecord",
    "PlanView",
    "Point",
    "Progress",
    "Report",
    "ResultsView",
    "Step",
    "StepKind",
    "Story",
    "Table",
    "Tone",
    "Truth",
    "Waterfall",
    "WhatIf",
    "acquisition_table",
    "alerts_table",
    "bank_line",
    "book_html",
    "book_pages",
    "book_plain",
    "bounds_in_words",
    "calibration_table",
    "card_table",
    "challenger_table",
    "changeable",
    "check_table",
    "cohort_table",
    "comparison_table",
    "daily_book",
    "daily_pages",
    "dogs_picture",
    "draw",
    "draw_both",
    "drill_table",
    "effect_table",
    "environment",
    "execution_picture",
    "execution_table",
    "exported",
    "fair_table",
    "falls_of",
    "gaps_picture",
    "group_table",
    "html_report",
    "interval_in_words",
    "kept_plans",
    "known_truth",
    "levers",
    "levers_table",
    "lift_picture",
    "load_window_view",
    "lost_table",
    "masked_number",
    "matrix_table",
    "metric_tables",
    "metrics_book",
    "next_table",
    "offered_in_words",
    "offers_table",
    "plan_page",
    "plays_book",
    "policies_picture",
    "price_in_words",
    "products_table",
    "programme_book",
    "programme_view",
    "proposal_table",
    "quarantine_table",
    "reading_of",
    "record_of",
    "report_of",
    "resource_table",
    "results_book",
    "results_page",
    "results_view",
    "returned_rows",
    "review_table",
    "save_window",
    "shelf_table",
    "style",
    "top_table",
    "trace_book",
    "versions_table",
    "waterfall_picture",
    "ways_picture",
    "what_if",
    "what_if_by_fiat",
    "write_report",
    "write_workbook",
    "xlsx_of",
    "year_gone",
]
