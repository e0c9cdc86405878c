"""Where in a text personal data stands, told by form and, wherever there is one, by check digit."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

# A number without `+` is a telephone number of one of these countries, or none.
_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "PL", "BR", "IN")
_EMAIL = re.compile(r"(?<![\w.%+'-])[\w.%+'-]+@[\w-]+(?:\.[\w-]+)+")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
# Fourteen digits at least: thirteen are times in milliseconds and article numbers.
_CARD = re.compile(r"(?<![\w.+])\d(?:[ -]?\d){13,18}(?!\w|\.\d)")
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:|::)[0-9A-Fa-f:]{2,37}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])")
# Digits with at least one separator, a `+`, or a leading zero: what is an integer in SQL is no telephone number.
_PHONE = re.compile(r"(?<![\w.@/+-])(?:\+\d|\(\+?\d|0\d|\d)(?:[ ()./-]{0,2}\d){6,14}(?!\w|[.:-]\d)")
_TIME = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")

# National ids: the form that separators or letters make unmistakable, or a check digit that few numbers pass.
# Eleven digits that pass by chance are masked too; nine-digit ids (BSN, SIN) are left to the column's name.
_NATIONAL = tuple(
    (re.compile(rf"(?<![\w.-]){form}(?![\w-]|\.\d)"), module)
    for form, module in (
        (r"\d{3}-\d{2}-\d{4}", "stdnum.us.ssn"),
        (r"\d{8}-?[A-Za-z]", "stdnum.es.dni"),
        (r"[XYZxyz]-?\d{7}-?[A-Za-z]", "stdnum.es.nie"),
        (r"[A-Za-z]{6}\d{2}[A-Za-z]\d{2}[A-Za-z]\d{3}[A-Za-z]", "stdnum.it.codicefiscale"),
        (r"[12] ?\d{2} ?\d{2} ?\d[\dABab] ?\d{3} ?\d{3} ?\d{2}", "stdnum.fr.nir"),
        (r"\d{11}", "stdnum.pl.pesel"),
        (r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "stdnum.de.idnr"),
        (r"\d{3}\.\d{3}\.\d{3}-\d{2}", "stdnum.br.cpf"),
        (r"\d{4} ?\d{4} ?\d{4}", "stdnum.in_.aadhaar"),
        (r"\d{6}(?:\d{2})?[-+]\d{4}", "stdnum.se.personnummer"),
        (r"\d{6}[-+A]\d{3}\w", "stdnum.fi.hetu"),
        (r"\d{6}-\d{4}", "stdnum.dk.cpr"),
        (r"756\.\d{4}\.\d{4}\.\d{2}", "stdnum.ch.ssn"),
    )
)
# The United Kingdom's has no check digit; https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110
_NINO = re.compile(
    r"(?<!\w)(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D](?!\w)"
)


@dataclass(frozen=True)
class Found:
    """Personal data at `text[start:end]`; kind: EMAIL, IBAN, CARD, NATIONAL_ID, IP or PHONE."""

    kind: str
    start: int
    end: int


def find_pii(text: str) -> tuple[Found, ...]:
    """Personal data in `text`, in order, without overlaps; what is surer wins over what it overlaps."""
    kept: list[Found] = []
    taken = bytearray(len(text))
    for finder in _FINDERS:
        for found in finder(text):
            if not any(taken[found.start : found.end]):
                taken[found.start : found.end] = b"\1" * (found.end - found.start)
                kept.append(found)
    return tuple(sorted(kept, key=lambda found: found.start))


def _matches(
    kind: str, pattern: re.Pattern[str], accept: Callable[[str], bool]
) -> Callable[[str], Iterator[Found]]:
    def find(text: str) -> Iterator[Found]:
        return (Found(kind, *hit.span()) for hit in pattern.finditer(text) if accept(hit[0]))

    return find


def _is_valid(module: str) -> Callable[[str], bool]:
    """A check of python-stdnum, whose modules are loaded when a candidate turns up."""
    return lambda candidate: import_module(module).is_valid(candidate)


def _find_ibans(text: str) -> Iterator[Found]:
    """IBANs; written in groups, the word behind one looks like a group more, so shorter ends are tried too."""
    from stdnum import iban

    for hit in _IBAN.finditer(text):
        ends = [hit.end(), *(hit.start() + gap.start() for gap in reversed([*re.finditer(r"[ -]", hit[0])]))]
        for end in ends:
            if iban.is_valid(text[hit.start() : end]):
                yield Found("IBAN", hit.start(), end)
                break


def _is_card(candidate: str) -> bool:
    from stdnum import luhn

    digits = re.sub(r"\D", "", candidate)
    # Major industries 3 to 6 and Mastercard's 2221-2720: a number of another beginning is no payment card.
    issued = digits[0] in "3456" or "2221" <= digits[:4] <= "2720"
    return issued and len(set(digits)) > 1 and luhn.is_valid(digits)


def _is_address(candidate: str) -> bool:
    try:
        address = ipaddress.ip_address(candidate)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _is_phone(candidate: str) -> bool:
    import phonenumbers

    plain = candidate.isdecimal() and not candidate.startswith("0")
    if plain or _TIME.match(candidate) or re.fullmatch(r"\d+\.\d+", candidate):
        return False
    # International numbers need no region; the others are tried in each.
    regions: tuple[Any, ...] = (None,) if candidate.startswith(("+", "(+")) else _REGIONS
    for region in regions:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(candidate, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


_FINDERS: tuple[Callable[[str], Iterator[Found]], ...] = (
    _matches("EMAIL", _EMAIL, lambda _: True),
    _find_ibans,
    _matches("CARD", _CARD, _is_card),
    *(_matches("NATIONAL_ID", pattern, _is_valid(module)) for pattern, module in _NATIONAL),
    _matches("NATIONAL_ID", _NINO, lambda _: True),
    _matches("IP", _IPV4, _is_address),
    _matches("IP", _IPV6, _is_address),
    _matches("PHONE", _PHONE, _is_phone),
)
