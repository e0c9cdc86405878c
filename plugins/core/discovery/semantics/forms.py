"""Values told by their form, and by a check digit wherever there is one."""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module

from plugins.core.discovery.look import Look
from plugins.core.discovery.semantics.candidate import Candidate, count_fits, sureness, told
from plugins.core.discovery.semantics.moment_formats import is_moment
from plugins.core.privacy import redact

_EMAIL = re.compile(r"(?:mailto:)?[^\s@<>,;:\"()]+@[\w-]+(?:\.[\w-]+)+")
_UUID = re.compile(r"\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?")
_URL = re.compile(r"(?:(?:https?|ftp|s3|gs)://|www\.)[^\s]+", re.IGNORECASE)
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_IPV6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*")
_IBAN = re.compile(r"[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_CARD = re.compile(r"\d(?:[ -]?\d){11,18}")
_PHONE = re.compile(r"\(?\+?\(?\d[\d ()./x-]{5,24}(?:(?:ext\.?|#|x) ?\d+)?", re.IGNORECASE)
_SEPARATED = re.compile(r"[+() /x-]|\d\.\d+\.\d|^0")
# Forms of national ids that no other number has, and those whose check digit must hold as well.
_NATIONAL = (
    (r"\d{3}-\d{2}-\d{4}", "stdnum.us.ssn", "US social security number"),
    (r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D]", "",
    "UK national insurance number"),
    (r"\d{8}-?[A-Za-z]", "stdnum.es.dni", "Spanish DNI"),
    (r"[XYZxyz]-?\d{7}-?[A-Za-z]", "stdnum.es.nie", "Spanish NIE"),
    (r"[A-Za-z]{6}\d{2}[A-Za-z]\d{2}[A-Za-z]\d{3}[A-Za-z]", "stdnum.it.codicefiscale", "Italian codice fiscale"),
    (r"[12] ?\d{2} ?\d{2} ?\d[\dABab] ?\d{3} ?\d{3} ?\d{2}", "stdnum.fr.nir", "French NIR"),
    (r"\d{11}", "stdnum.pl.pesel", "Polish PESEL"),
    (r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "stdnum.de.idnr", "German tax id"),
    (r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", "stdnum.br.cpf", "Brazilian CPF"),
    (r"\d{4} ?\d{4} ?\d{4}", "stdnum.in_.aadhaar", "Indian Aadhaar"),
    (r"\d{6}(?:\d{2})?[-+]\d{4}", "stdnum.se.personnummer", "Swedish personnummer"),
    (r"\d{6}[-+A]\d{3}\w", "stdnum.fi.hetu", "Finnish HETU"),
    (r"756\.\d{4}\.\d{4}\.\d{2}", "stdnum.ch.ssn", "Swiss AHV number"),
    (r"\d{9}", "stdnum.nl.bsn", "Dutch BSN"),
)  # fmt: skip
_NATIONAL_FORMS = tuple((re.compile(form), module, label) for form, module, label in _NATIONAL)
_ANY_NATIONAL = re.compile(r"(?=(?:\D*\d){5})[A-Za-z\d][A-Za-z\d ./-]{6,19}")
_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "PL", "BR", "IN", "CH", "AT", "SE", "AU", "JP", "MX", "CN")
# Telephone numbers are parsed for this many values: parsing one takes as long as a hundred of other forms.
_PARSED = 15
_ENOUGH = 0.9
_JSON = re.compile(r"\s*[\[{].*[\]}]\s*", re.DOTALL)


def of_forms(look: Look) -> Iterator[Candidate]:
    """What the form of a text column's values says."""
    texts = look.texts
    for value, fits, strength, caution, what, form in _SIMPLE:
        if count := count_fits(texts, fits):
            yield Candidate(
                value, sureness(count, len(texts), strength, caution), told(count, len(texts), what), form
            ).named(look.name, value in look.hints)
    for finder in (_ips, _cards, _national_ids, _phones, _json):
        if (found := finder(look, texts)) is not None:
            yield found.named(look.name, found.value in look.hints)


def _is_iban(text: str) -> bool:
    if not _IBAN.fullmatch(text):
        return False
    from stdnum import iban

    return iban.is_valid(text)


_SIMPLE: tuple[tuple[str, Callable[[str], object], float, float, str, str | None], ...] = (
    ("email", _EMAIL.fullmatch, 0.99, 0.1, "e-mail addresses", None),
    ("uuid", _UUID.fullmatch, 0.99, 0.05, "UUIDs", "UUID"),
    ("url", _URL.fullmatch, 0.98, 0.1, "URLs", None),
    ("iban", _is_iban, 0.99, 0.1, "IBANs with the right check digits", None),
)


def _is_ip(text: str) -> bool:
    address, slash, bits = text.partition("/")
    if slash and not bits.isdecimal():
        return False
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _ips(look: Look, texts: list[str]) -> Candidate | None:
    count = count_fits(texts, lambda t: (_IPV4.match(t) or _IPV6.match(t)) and _is_ip(t))
    if not count:
        return None
    versions = {6 if ":" in text else 4 for text in texts if _is_ip(text)}
    form = "IPv4 and IPv6" if len(versions) > 1 else f"IPv{versions.pop()}"
    # Versions of software are written like addresses.
    strength = (
        0.97
        if any(int(t.partition(".")[0] or 0) > 30 for t in texts if _IPV4.fullmatch(t)) or "6" in form
        else 0.6
    )
    return Candidate(
        "ip", sureness(count, len(texts), strength, 0.3), told(count, len(texts), f"{form} addresses"), form
    )


def is_card(text: str) -> bool:
    """Whether it is the number of a payment card, of an issuer that there is, with its check digit."""
    from stdnum import luhn

    if not _CARD.fullmatch(text):
        return False
    digits = re.sub(r"\D", "", text)
    issued = digits[0] in "3456" or "2221" <= digits[:4] <= "2720" or digits[:4] in ("1800", "2131")
    return issued and len(set(digits)) > 1 and luhn.is_valid(digits)


def _cards(look: Look, texts: list[str]) -> Candidate | None:
    count = count_fits(texts, is_card)
    if not count:
        return None
    return Candidate(
        "card", sureness(count, len(texts), 0.98, 0.5),
        told(count, len(texts), "numbers of payment cards with the right check digit"),
    )  # fmt: skip


def _national_ids(look: Look, texts: list[str]) -> Candidate | None:
    found = []
    for form, module, label in _NATIONAL_FORMS:
        if not texts or not any(map(form.fullmatch, texts[:3])):
            continue
        is_valid: Callable[[str], object] = import_module(module).is_valid if module else bool
        count = count_fits(texts, lambda t, f=form, v=is_valid: f.fullmatch(t) and v(t))
        # Nine to eleven bare digits pass a check digit by chance, one in eleven: all of many must.
        is_bare = form.pattern.startswith(r"\d{") and "-" not in form.pattern
        if count and (not is_bare or count == len(texts)):
            strength, caution = (0.97, 1.0) if module else (0.9, 2.0)
            what = f"written like a {label}" + (", and valid" if module else "")
            sure = sureness(count, len(texts), strength, caution)
            found.append(Candidate("national_id", sure, told(count, len(texts), what), label))
    if "national_id" in look.hints and (count := count_fits(texts, _ANY_NATIONAL.fullmatch)):
        sure = sureness(count, len(texts), 0.75, 1.0)
        found.append(Candidate("national_id", sure, told(count, len(texts), "written like national ids")))
    return max(found, key=lambda one: one.confidence, default=None)


def _phones(look: Look, texts: list[str]) -> Candidate | None:
    is_hinted = "phone" in look.hints
    count = count_fits(
        texts, lambda t: _PHONE.fullmatch(t) and 7 <= sum(map(str.isdigit, t)) <= 20 and not is_moment(t)
    )
    if not count or not (is_hinted or count_fits(texts, _SEPARATED.search)):
        return None
    tried = [text for text in texts[:: max(1, len(texts) // _PARSED)] if _PHONE.fullmatch(text)]
    region, valid = _best_region(tried)
    if valid < (0.3 if is_hinted else 0.5) * len(tried):
        # Made-up numbers are of no network; the name alone says then what they are.
        if not is_hinted:
            return None
        return Candidate(
            "phone", 0.55 * count / (count + 1), told(count, len(texts), "written like telephone numbers")
        )
    # Of ten random digits about every second is a number of some country.
    strength = 0.97 if region == "international" else 0.8
    form = "E.164" if all(re.fullmatch(r"\+\d+", text) for text in tried) else region
    return Candidate(
        "phone", sureness(count, len(texts), strength * (0.7 + 0.3 * valid / len(tried)), 1.0),
        f"{told(count, len(texts), 'written like telephone numbers')}, and of {len(tried)} parsed "
        f"{valid} are valid ({region})", form,
    )  # fmt: skip


def _best_region(texts: list[str]) -> tuple[str, int]:
    """The region in which most of some numbers are valid, and how many are."""
    import phonenumbers

    def is_valid(text: str, region: str | None) -> bool:
        try:
            return phonenumbers.is_valid_number(phonenumbers.parse(text, region))
        except phonenumbers.NumberParseException:
            return False

    international = [text for text in texts if text.lstrip("(").startswith(("+", "00"))]
    plus = [re.sub(r"^00", "+", text) for text in international]
    valid = sum(is_valid(text, None) for text in plus)
    rest = [text for text in texts if text not in set(international)]
    if not rest:
        return "international", valid
    counts: Counter[str] = Counter()
    for region in _REGIONS:
        few = sum(is_valid(text, region) for text in rest[:4])
        if few * 3 >= min(4, len(rest)):
            counts[region] = few + sum(is_valid(text, region) for text in rest[4:])
            if counts[region] >= _ENOUGH * len(rest):
                break
    region, most = counts.most_common(1)[0] if counts else ("international", 0)
    return region, most + valid


def _json(look: Look, texts: list[str]) -> Candidate | None:
    count = count_fits(texts, lambda t: _JSON.fullmatch(t) and _is_json(t))
    if not count:
        return None
    fields = Counter(
        key for text in texts[:50] if text.startswith("{") and _is_json(text) for key in json.loads(text)
    )
    named = [f"`{redact(key[:30])}`" for key, _ in fields.most_common(4)]
    shown = f", with {', '.join(named)}" if named else ""
    is_array = all(text.startswith("[") for text in texts)
    return Candidate(
        "json", sureness(count, len(texts), 0.98, 0.2),
        told(count, len(texts), f"JSON {'arrays' if is_array else 'objects'}{shown}"),
        "JSON array" if is_array else "JSON", casts_to="JSON" if count == len(texts) else None,
    )  # fmt: skip


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
