"""Names and codes of countries, currencies and languages, of CLDR as Babel ships it."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_LOCALES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "ja", "zh", "ru")
_COMMON = {
    "usa": "US", "u.s.a.": "US", "u.s.": "US", "united states of america": "US", "uk": "GB", "great britain": "GB",
    "england": "GB", "scotland": "GB", "south korea": "KR", "north korea": "KP", "korea": "KR", "russia": "RU",
    "russian federation": "RU", "czech republic": "CZ", "eire": "IE", "holland": "NL", "viet nam": "VN",
    "iran": "IR",
    "syria": "SY", "uae": "AE", "ivory coast": "CI", "macedonia": "MK", "turkey": "TR", "swaziland": "SZ",
    "burma": "MM",
    "hong kong": "HK", "macau": "MO", "palestine": "PS", "vatican": "VA", "congo": "CG", "cape verde": "CV",
    "korea, republic of": "KR", "iran, islamic republic of": "IR", "taiwan, province of china": "TW",
    "bolivia": "BO",
    "republic of korea": "KR", "venezuela": "VE", "tanzania": "TZ", "brunei": "BN", "laos": "LA", "moldova": "MD",
}  # fmt: skip


def plain(text: str) -> str:
    """Lower-case, without accents and dots at the end."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(one for one in apart if not unicodedata.combining(one)).casefold().strip()


@cache
def country_names() -> frozenset[str]:
    """Names of countries in some languages, as `plain` writes them."""
    from babel import Locale

    found = set(_COMMON)
    for code in _LOCALES:
        for territory, name in Locale.parse(code).territories.items():
            if len(territory) == 2:
                name = plain(name)
                found |= {
                    name,
                    re.sub(r"\s*\(.*\)", "", name),
                    name.replace("&", "and"),
                    name.replace("st. ", "saint "),
                }
    return frozenset(found)


@cache
def country_codes() -> tuple[frozenset[str], frozenset[str]]:
    """ISO 3166-1 codes of two and of three letters."""
    from babel import Locale
    from babel.core import get_global

    two = {str(one) for one in Locale.parse("en").territories if re.fullmatch(r"[A-Z]{2}", str(one))}
    two -= {"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB", "XK"}
    three = {
        one
        for one, codes in get_global("territory_aliases").items()
        if re.fullmatch(r"[A-Z]{3}", one) and set(codes) & two
    }
    return frozenset(two), frozenset(three)


@cache
def given_names() -> frozenset[str]:
    """Given names of the census of the United States, 1990, as `plain` writes them."""
    from importlib.resources import files

    listed = (files("names") / f"dist.{kind}.first" for kind in ("female", "male"))
    return frozenset(line.split()[0].lower() for file in listed for line in file.read_text().splitlines() if line)


@cache
def currency_codes() -> frozenset[str]:
    """ISO 4217 codes of currencies in use now, and of those before the euro."""
    from babel import Locale

    return frozenset(Locale.parse("en").currencies) - {"XXX", "XTS"}


@cache
def currency_names() -> frozenset[str]:
    """English names of currencies, as `plain` writes them."""
    from babel import Locale

    return frozenset(plain(name) for name in Locale.parse("en").currencies.values())


@cache
def language_codes() -> frozenset[str]:
    """ISO 639 codes of two and three letters."""
    from babel import Locale
    from babel.core import get_global

    known = {str(one) for one in Locale.parse("en").languages if re.fullmatch(r"[a-z]{2,3}", str(one))}
    return frozenset(known | {one for one in get_global("language_aliases") if re.fullmatch(r"[a-z]{3}", one)})


@cache
def language_names() -> frozenset[str]:
    """Names of languages in some languages, as `plain` writes them."""
    from babel import Locale

    found: set[str] = set()
    for code in _LOCALES:
        locale = Locale.parse(code)
        found |= {plain(name) for tag, name in locale.languages.items() if re.fullmatch(r"[a-z]{2,3}", tag)}
    return frozenset(found)
