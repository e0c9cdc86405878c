"""What is said of values and periods beside naming them: only, both, every, between, containing, but not."""

from __future__ import annotations

from plugins.nl_models.semantic.ranking import OPERATORS, Ranking
from plugins.nl_models.semantic.vocabulary import Named

LISTING = ("AND", "COMMA", "OR")


class Qualifying(Ranking):
    """Turns on words that qualify what stands beside them; what they don't qualify is a doubt."""

    def _alternative(self, at: int) -> None:
        """Either of two values of one dimension; of other things it is not known how."""
        before, after = self._named(at - 1).values, self._named(at + 1).values
        if {label for label, _ in before} & {label for label, _ in after}:
            self.request.is_alternative = True
        else:
            self.request.unclear.append(self.spans[at].text)

    def _on_only(self, at: int) -> int:
        """Only what stands beside it: a value, a period, a unit, a number of something."""
        if self._kind(at + 1) == "number" and self._named(at + 2).metrics:
            self._expect("=", self.spans[at + 1].number or 0.0, at + 2)
            return at + 2
        beside = (self._kind(at - 1), self._kind(at + 1))
        is_said = bool(self._named(at - 1).values or self._named(at + 1).values)
        is_said |= bool({"time", "unit", "quoted", "NOT", "CONTAINS", *OPERATORS} & set(beside))
        is_said |= self._kind(at + 1) == "verb" and self._kind(at + 2) == "number"
        is_said |= self.spans[at + 1 : at + 2] != [] and self.spans[at + 1].text in ("once", "twice")
        # "only countries with at least 20 orders"; "just show me": nothing is left out.
        is_said |= at == 0 or (bool(self._named(at + 1).dimensions) and self._is_limited(at + 2))
        if not is_said:
            self.request.doubts.append(self.spans[at].text)
        return at + 1

    def _is_limited(self, at: int) -> bool:
        return self._kind(at) in OPERATORS or self._kind(at) == "number"

    def _on_between(self, at: int) -> int:
        """Between two numbers, or two values; days between orders are none of these."""
        if self._kind(at + 1) not in ("number", "time") and not self._named(at + 1).values:
            self.request.doubts.append(self.spans[at].text)
        return at + 1

    def _on_every(self, at: int) -> int:
        """In every single month: in none of them it may be missing."""
        grain = self._grain(at + 1) if self._kind(at + 1) == "time" else None
        if grain is not None:
            self.request.everywhere = grain
            return at + 2
        return self._on_by(at)

    def _on_within(self, at: int) -> int:
        if "RUNNING" in self.request.marks:
            # A running total that begins again.
            self.request.doubts.append(self.spans[at].text)
        return self._on_by(at)

    def _counts_things(self) -> bool:
        """Whether things are counted or listed, rather than figures asked for."""
        return bool(self.request.counted) or not self.request.metrics

    def _on_known(self, at: int) -> int:
        """A known customer: one that is there. After `without` it says nothing more."""
        named = self._named(at + 1)
        if not self.negated and named.dimensions and self._kind(at - 1) != "NOT":
            self.request.unknown_of.append((named.dimensions[0], False))
        elif self._kind(at - 1) == "NOT":
            self.negated = True
        return at + 1

    def _on_quoted(self, at: int) -> int:
        labels = [name for span in self.spans[:at] for name in (span.named or Named()).dimensions]
        self.leaves_out = ""
        is_contained = self._kind(at - 1) == "CONTAINS" or self._kind(at + 1) == "INNAME"
        if labels and is_contained and not self.negated:
            self.request.contains.append((labels[-1], self.spans[at].text))
        elif (named := self.vocabulary.find(self.spans[at].text.lower().split())) is not None and named.values:
            self._restrict(named)
        else:
            self.request.doubts.append(self.spans[at].text)
        return at + 1

    def _on_contains(self, at: int) -> int:
        return at + 1

    def _on_inname(self, at: int) -> int:
        if self._kind(at - 1) != "quoted":
            self.request.doubts.append(self.spans[at].text)
        return at + 1

    def _on_both(self, at: int) -> int:
        """Both of two values or periods: which of the things have the one and the other."""
        first, second = self.spans[at + 1 : at + 2], self.spans[at + 3 : at + 4]
        is_listed = bool(first and second) and self._kind(at + 2) == "AND"
        if (is_listed and (first[0].kind, second[0].kind) == ("time", "time")) or (
            is_listed and self._named(at + 1).values and self._named(at + 3).values
        ):
            self.request.is_both = True
        elif not (is_listed and self._named(at + 1).metrics and self._named(at + 3).metrics):
            self.request.doubts.append(self.spans[at].text)
        return at + 1

    def _on_but(self, at: int) -> int:
        """But not, but fewer than: what follows says what it is. All but the UK: it does not."""
        if self._kind(at + 1) not in ("NOT", "ONLY", *OPERATORS):
            self.request.doubts.append(self.spans[at].text)
        return at + 1

    def _on_by(self, at: int) -> int:
        following = self.spans[at + 1] if at + 1 < len(self.spans) else None
        text = self.spans[at].text
        self.is_each, self.is_per = "each" in text or "every" in text, text == "per"
        if "in every" in text and self._kind(at + 1) == "time" and self._counts_things():
            # Of months, how many customers there are in every one is not how many there are in each.
            return self._on_every(at)
        if text == "each" and self._named(at - 1).values and (following is None or following.named is None):
            # "Oslo and Bergen each"
            self.request.marks.add("COMPARE")
            return at + 1
        if following is None or following.kind in ("COMMA", "time") or following.named is not None:
            self.expects_group = following is not None and following.kind != "COMMA"
        else:
            self.expects_group = following.kind == "unknown"
        return at + 1
