"""Results and labels in, something to look at out."""

from crmreport.present.chart import Chart
from crmreport.present.finding import ActionList, Cell, Fact, Finding
from crmreport.present.message import Message, Note
from crmreport.present.style import Style
from crmreport.present.table import Column, Table
from crmreport.present.text import Text
from crmreport.present.words import Words

__all__ = [
    "ActionList",
    "Cell",
    "Chart",
    "Column",
    "Fact",
    "Finding",
    "Message",
    "Note",
    "Style",
    "Table",
    "Text",
    "Words",
]
