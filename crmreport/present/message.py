"""A chapter's message and the paragraphs made from its results."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from crmreport.present.text import Text
from crmreport.present.words import Words


@dataclass(frozen=True)
class Message:
    """What the chapter says, as its heading; the method's name is the small line above.

    Args:
        id: ``chapter.message``.
        text: The sentence.
        method: Name of the method.
        about: Which of the chapter's prose applies: Markdown cells tagged ``about-<about>``, and those with
            no such tag. All of it when empty.
    """

    id: str
    text: Text
    method: Text
    about: str = ""

    def html(self, words: Words) -> str:
        """Small line and heading."""
        chapter = self.id.split(".")[0].replace("_", "-")
        # A heading is large and breaks often: a number keeps its unit.
        said = words.say(self.text).replace(" pts", "\N{NO-BREAK SPACE}pts")
        return (
            f'<header class="message"><p class="method">{escape(words.say(self.method))}</p>'
            f'<h2 id="{chapter}">{escape(said)}</h2></header>'
        )


@dataclass(frozen=True)
class Note:
    """A paragraph made from results."""

    text: Text

    def html(self, words: Words) -> str:
        """The paragraph."""
        return f'<p class="said">{escape(words.say(self.text))}</p>'
