"""Words: countries, currencies, languages, booleans, postal codes, names of persons, enums, codes and prose."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from plugins.core.discovery.look import Look
from plugins.core.discovery.names import is_code_name, is_id_name
from plugins.core.discovery.semantics import reference
from plugins.core.discovery.semantics.candidate import Candidate, count_fits, sureness, told

_BOOLEANS = (
    ("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("on", "off"), ("1", "0"),
    ("ja", "nein"), ("j", "n"),
    ("oui", "non"), ("si", "no"), ("sí", "no"), ("s", "n"), ("sim", "nao"), ("sim", "não"), ("tak", "nie"),
    ("ja", "nee"), ("vrai", "faux"), ("wahr", "falsch"), ("verdadero", "falso"), ("x", ""), ("enabled",
    "disabled"),
)  # fmt: skip
_LOCALE = re.compile(r"([a-z]{2,3})[-_](?:[A-Z]{2}|[A-Z][a-z]{3}|\d{3})")
# Postal codes whose form is no other number's.
_POSTAL = (
    ("GB", re.compile(r"(?:GIR ?0AA|[A-PR-UWYZ][A-HK-Y]?\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{2})", re.IGNORECASE)),
    ("CA", re.compile(r"[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d", re.IGNORECASE)),
    ("US", re.compile(r"\d{5}-\d{4}")),
    ("NL", re.compile(r"[1-9]\d{3} ?[A-Z]{2}")),
    ("PL", re.compile(r"\d{2}-\d{3}")),
    ("BR", re.compile(r"\d{5}-\d{3}")),
    ("PT", re.compile(r"\d{4}-\d{3}")),
    ("JP", re.compile(r"〒?\d{3}-\d{4}")),
    ("SE", re.compile(r"\d{3} \d{2}")),
)
_ANY_POSTAL = re.compile(r"[A-Z]{0,2}-?\d{3,6}(?:[ -]\d{2,4})?|(?=.*\d)[A-Z\d]{2,4}[ -]?[A-Z\d]{3}", re.IGNORECASE)
_FIVE = re.compile(r"\d{5}(?:-\d{4})?")
_PERSON = re.compile(r"[^\W\d_]+\.?\d{0,4}(?:[ .'’`-]+[^\W\d_]+\.?\d{0,4}|, ?[^\W\d_]+\.?){0,5}")
_TITLES = frozenset(
    {"mr", "mrs", "ms", "miss", "dr", "prof", "sr", "sra", "herr", "frau", "mme", "mlle", "ing", "dipl",
     "univ", "jr", "ii", "iii"}
)  # fmt: skip
_CODE = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9_./:#-]{1,39}")
# Letters of scripts that put no spaces between words, which are of about two of them.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
_NAMES_TRIED = 50
# Text, and numbers that are called like a status or a level.
_MOST_ENUM, _MOST_NUMBERED, _LONGEST_ENUM = 60, 12, 60


def of_words(look: Look) -> Iterator[Candidate]:
    """What is known of a text column by the words in it."""
    texts = look.texts
    if not texts:
        return
    for finder in (_booleans, _countries, _currencies, _languages, _postal_codes, _persons, _addresses):
        if (found := finder(look, texts)) is not None:
            yield found
    yield from enums(look)
    yield from _rest(look, texts)


def _booleans(look: Look, texts: Sequence[str]) -> Candidate | None:
    words = {text.casefold() for text in texts}
    if not 1 <= len(words) <= 2 or any(len(word) > 10 for word in words):
        return None
    for pair in _BOOLEANS:
        if words <= set(pair) and (
            len(words) == 2 or (pair[0] in words and "boolean" in look.hints) or words <= {"true", "false"}
        ):
            strength = 0.97 if len(words) == 2 else 0.6
            return Candidate(
                "boolean", strength * look.filled / (look.filled + 2),
                f"only {' and '.join(sorted(words, reverse=True))}, in {look.filled:,} rows",
                "/".join(pair), casts_to="BOOLEAN",
            ).named(look.name, "boolean" in look.hints)  # fmt: skip
    return None


def _countries(look: Look, texts: Sequence[str]) -> Candidate | None:
    is_hinted = "country" in look.hints
    longest = max(map(len, texts[:10]))
    found = None
    codes = {*reference.country_codes()[0], *reference.country_codes()[1]} if longest <= 3 else frozenset()
    if longest <= 3 and all(text in codes for text in texts[:3]):
        for size, codes in zip((2, 3), reference.country_codes(), strict=True):
            if count := count_fits(texts, codes.__contains__):
                # States of the USA and languages have codes of two letters as well.
                strength = (0.95 if is_hinted else 0.5) if size == 2 else (0.95 if is_hinted else 0.85)
                found = Candidate(
                    "country", sureness(count, len(texts), strength, 0.3 if is_hinted else 4.0),
                    told(count, len(texts), f"ISO 3166-1 codes of {size} letters"), f"ISO 3166-1 alpha-{size}",
                )  # fmt: skip
    elif longest <= 60 and (
        count := count_fits(texts, lambda t: reference.plain(t) in reference.country_names(), 0.65)
    ):
        found = Candidate(
            "country", sureness(count, len(texts), 0.97, 0.3 if is_hinted else 1.5, 1.5),
            told(count, len(texts), "names of countries"), "name",
        )  # fmt: skip
    return found.named(look.name, is_hinted) if found else None


def _currencies(look: Look, texts: Sequence[str]) -> Candidate | None:
    is_hinted = "currency" in look.hints
    found = None
    if max(map(len, texts[:10])) <= 3 and (
        count := count_fits(texts, lambda t: t.upper() in reference.currency_codes())
    ):
        found = Candidate(
            "currency", sureness(count, len(texts), 0.95, 0.3 if is_hinted else 1.5),
            told(count, len(texts), "ISO 4217 codes"), "ISO 4217",
        )  # fmt: skip
    elif is_hinted and (
        count := count_fits(texts, lambda t: t in "$€£¥₹" or reference.plain(t) in reference.currency_names())
    ):
        found = Candidate(
            "currency",
            sureness(count, len(texts), 0.9, 1.0),
            told(count, len(texts), "currencies"),
            "name or symbol",
        )
    return found.named(look.name, is_hinted) if found else None


def _languages(look: Look, texts: Sequence[str]) -> Candidate | None:
    is_hinted = "language" in look.hints
    longest = max(map(len, texts[:10]))
    found = None
    if longest <= 3 and all(text.islower() or is_hinted for text in texts[:10]):
        count = count_fits(texts, lambda t: t.lower() in reference.language_codes())
        # Nearly every pair of letters is the code of some language.
        strength, form = (0.95 if is_hinted else 0.55), "ISO 639"
    elif count := count_fits(
        texts, lambda t: (hit := _LOCALE.fullmatch(t)) and hit[1] in reference.language_codes()
    ):
        strength, form = 0.95, "BCP 47"
    elif longest <= 40:
        count = count_fits(texts, lambda t: reference.plain(t) in reference.language_names())
        strength, form = 0.9, "name"
    else:
        return None
    if count:
        found = Candidate(
            "language", sureness(count, len(texts), strength, 0.3 if is_hinted else 3.0),
            told(count, len(texts), f"languages ({form})"), form,
        )  # fmt: skip
    return found.named(look.name, is_hinted) if found else None


def _postal_codes(look: Look, texts: Sequence[str]) -> Candidate | None:
    is_hinted = "postal_code" in look.hints
    for country, pattern in _POSTAL:
        if (count := count_fits(texts, pattern.fullmatch)) and (is_hinted or country not in ("PT", "SE")):
            strength = 0.96 if country in ("GB", "CA") else 0.75
            return Candidate(
                "postal_code", sureness(count, len(texts), strength, 1.0),
                told(count, len(texts), f"written like postal codes ({country})"), country,
            ).named(look.name, is_hinted)  # fmt: skip
    if is_hinted and (count := count_fits(texts, _ANY_POSTAL.fullmatch)):
        return Candidate(
            "postal_code", sureness(count, len(texts), 0.85, 1.0),
            told(count, len(texts), "written like postal codes"),
        ).named(look.name, True)  # fmt: skip
    if count := count_fits(texts, _FIVE.fullmatch):
        zeros = sum(text.startswith("0") for text in texts)
        if 0 < zeros < 0.5 * len(texts) and not is_id_name(look.name):
            return Candidate(
                "postal_code", sureness(count, len(texts), 0.55, 3.0),
                f"{told(count, len(texts), 'five digits')}, {zeros:,} of them with a zero before",
            )  # fmt: skip
    return None


def _persons(look: Look, texts: Sequence[str]) -> Candidate | None:
    """Names of persons, by how they are written, by given names among them, and by what the column is called."""
    is_hinted = "person_name" in look.hints
    if not (count := count_fits(texts, _is_like_name)):
        return None
    some = texts[:: max(1, len(texts) // _NAMES_TRIED)]
    share, words = (
        sum(map(_has_given_name, some)) / len(some),
        sum(len(text.split()) for text in texts) / len(texts),
    )
    # Of companies and places, a fifth begins with what is a given name, too.
    strength = 0.0
    if share >= (0.35 if words > 1.5 else 0.6):
        strength = min(0.92, 0.45 + 0.5 * share)
    if not (strength or is_hinted):
        return None
    return Candidate(
        "person_name", sureness(count, len(texts), max(strength, 0.85 * is_hinted), 0.7 if is_hinted else 3.0),
        f"{told(count, len(texts), 'written like names')}, {share:.0%} of them begin with a known given name",
    ).named(look.name, is_hinted)  # fmt: skip


def _is_like_name(text: str) -> bool:
    return 1 < len(text) <= 60 and not text.islower() and _PERSON.fullmatch(text) is not None


def _has_given_name(text: str) -> bool:
    """Whether its first word, or the first behind a comma, is a given name; titles are passed over."""
    _, comma, behind = text.partition(",")
    parts = re.split(r"[\s.]+", reference.plain(behind if comma else text))
    words = [re.sub(r"\d+$", "", word) for word in parts]
    first = next((word for word in words if word and word not in _TITLES), "")
    return first in reference.given_names() or first.partition("-")[0] in reference.given_names()


def _addresses(look: Look, texts: Sequence[str]) -> Candidate | None:
    if "address" not in look.hints or look.hints & {"email", "ip", "url"}:
        return None
    count = count_fits(
        texts, lambda t: len(t) >= 4 and any(map(str.isalpha, t)) and not t.startswith(("http", "{"))
    )
    if not count:
        return None
    return Candidate(
        "address", sureness(count, len(texts), 0.8, 0.7), told(count, len(texts), "texts that may be addresses")
    ).named(look.name, True)


def enums(look: Look) -> Iterator[Candidate]:
    """Few values, each in many rows: text, or numbers where the name says so."""
    is_hinted = "enum" in look.hints
    number = look.distinct - len(look.placeholders)
    is_text = look.family == "text" and not look.is_written_number
    most = _MOST_ENUM if is_text else _MOST_NUMBERED * is_hinted
    if (
        not 0 < number <= most
        or look.filled < 2 * number
        or (not is_text and any("." in one for one in look.texts))
    ):
        return
    if look.family == "text" and max(map(len, look.texts)) > _LONGEST_ENUM:
        return
    each = look.filled / number
    strength = 0.9 if is_hinted else 0.85
    if number == 1:
        strength = 0.5
    yield Candidate(
        "enum", strength * each / (each + (2 if is_hinted else 6)),
        f"{number:,} different values in {look.filled:,} rows",
    ).named(look.name, is_hinted)  # fmt: skip


def _rest(look: Look, texts: Sequence[str]) -> Iterator[Candidate]:
    words = [len(text.split()) + len(_UNSPACED.findall(text)) // 2 for text in texts]
    mean = sum(words) / len(words)
    long = sum(map(len, texts)) / len(texts)
    is_hinted = "free_text" in look.hints
    if mean >= 5 or long >= 60 or (is_hinted and mean >= 2.5):
        prose = 0.9 * min(1.0, mean / 8) if mean >= 3 else 0.4
        yield Candidate(
            "free_text",
            prose * len(texts) / (len(texts) + 1),
            f"{mean:.1f} words and {long:.0f} characters on average",
        ).named(look.name, is_hinted)
    elif (is_code_name(look.name) or not look.is_written_number) and (count := count_fits(texts, _CODE.fullmatch)):
        shapes = Counter(re.sub(r"[A-Za-z]", "a", re.sub(r"\d", "9", text)) for text in texts)
        alike = shapes.most_common(1)[0][1] / len(texts)
        strength = 0.55 + 0.3 * alike + (0.05 if is_code_name(look.name) else 0.0)
        yield Candidate(
            "code", sureness(count, len(texts), strength, 1.0),
            f"{told(count, len(texts), 'letters and digits without spaces')}, {alike:.0%} of them of one form",
        )  # fmt: skip
    yield Candidate(
        "text", 0.4 * len(texts) / (len(texts) + 1), f"{look.distinct:,} different texts of {mean:.1f} words"
    )
