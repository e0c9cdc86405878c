"""What a column's name says about what is in it: evidence beside the values, never instead of them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Words of names in English and the larger languages of Europe, each whole between underscores; the second of a
# pair is what may not stand in the name as well.
_HINTS: tuple[tuple[str, str, str], ...] = (
    ("email", r"e_?mails?|mail|courriel|correo", r"subject|body|template|sent|opt|count|status|verified|type"),
    (
        "phone",
        r"phones?|telephone|tel|mobile|cell|fax|telefon|telefono|telefone|handy|msisdn",
        r"type|verified|model",
    ),
    ("iban", r"iban", r""),
    ("card", r"card_?(?:number|no|num|nr)|credit_?card|cc_?(?:number|num|no)|pan", r"type|brand|name|expir\w*"),
    (
        "national_id",
        r"ssn|nino|bsn|passport|tax_?id|national_?id|nif|dni|cpf|pesel|personnummer|social_security\w*|codice_fiscale",
        r"",
    ),
    ("ip", r"ip|ip_?addr(?:ess)?|ipv[46]|remote_addr|client_ip", r""),
    (
        "url",
        r"urls?|uri|links?|href|web_?site|homepage|web_?page|webseite|avatar|image|photo|picture",
        r"id|count",
    ),
    ("country", r"country|countries|nation|land|pays|pais|paese|nationality|country_code|staat", r"id|count"),
    ("currency", r"currency|currencies|curr|ccy|waehrung|devise|moneda|moeda|valuta", r"rate|amount|id"),
    ("language", r"languages?|lang|locale|sprache|langue|idioma|lingua|taal", r"id|count"),
    (
        "postal_code",
        r"zip|zip_?code|postal(?:_?code)?|post_?code|postcode|plz|postleitzahl|cap|code_postal|cp|codigo_postal|cep|npa",
        r"file",
    ),
    (
        "person_name",
        r"(?:first|last|full|middle|given|family|maiden|contact|person|user|customer|client|employee|patient|author|"
        r"display|nick|account_holder|cardholder|card_holder|recipient|sender|owner|manager|doctor|passenger|guest|"
        r"member|student|teacher|player|artist|actor|director)_?names?|surname|forename|fname|lname|vorname|nachname|"
        r"prenom|nom|nombre|apellidos?|nome|cognome|sobrenome|imie|nazwisko|author|actor|director|assignee|reporter|"
        r"cardholder|contact|employee|father|mother|spouse|partner|husband|wife|(?:father|mother|"
        r"spouse|partner|given_name|family_name)_(?:label|name)|maiden|^(?:first|last|middle)$",
        r"id|ids|user_?name|login|email|phone|title|type|count|date|company|address|count|at|of_birth",
    ),
    (
        "address",
        r"address(?:_line)?|street|addr|adresse|strasse|direccion|indirizzo|rue|adres|endereco|calle|via",
        r"ip|e?mail|mac|web|id|type|url|city|zip|country|state|line_2|email_address",
    ),
    ("latitude", r"lat|latitude|breitengrad", r""),
    ("longitude", r"lon|lng|long|longitude|laengengrad", r"name|text|description"),
    (
        "percentage",
        r"pct|perc|percent|percentage|prozent|pourcentage|porcentaje|ratio|rate|share|margin|quote",
        r"id|limit",
    ),
    (
        "amount",
        r"amounts?|amt|prices?|costs?|total|subtotal|fees?|revenue|sales|salary|balance|tax|vat|gross|net|payment|"
        r"budget|income|profit|spend|turnover|freight|paid|due|refund(?:ed)?|charge|wage|credit_limit|msrp|"
        r"\w*?(?:amount|price|cost|betrag|preis)s?|total\w*|coverage|expenses?|discount|betrag|preis|summe|umsatz|kosten|gehalt|montant|prix|precio|importe|prezzo|importo|valor|preco",
        r"id|ids|type|date|at|status|count|method|number|code|name|currency|rate|pct|percent|percentage|items|rows|quantity",
    ),
    (
        "timestamp",
        r"at|timestamp|ts|datetime|date_?time|time|created|updated|modified|deleted|last_seen|last_login|"
        r"placed|received|started|finished|ended|expires|logged|opened|closed|ordered|shipped|published|"
        r"zeitpunkt|zeitstempel|horodatage",
        r"zone|timezone|id|by|count|spent|taken|minutes|hours|seconds|ms|user",
    ),
    (
        "date",
        r"date|day|dob|birthday|birth_?date|on|datum|fecha|data|geburtsdatum|birth",
        r"id|count|name|of_week|place",
    ),
    (
        "boolean",
        r"^(?:is|has|was|can|should|allow|allows|enable|enables|include|includes)|flag|enabled|disabled|active|deleted|"
        r"verified|opt_?in|yes_?no|subscribed|archived|paid",
        r"at|on|date|by|count|id|amount|reason",
    ),
    (
        "free_text",
        r"descriptions?|desc|comments?|notes?|message|body|reviews?|summary|content|remarks?|text|bio|about|feedback|"
        r"beschreibung|bemerkung|kommentar|commentaire|descripcion|descrizione|overview|plot|abstract",
        r"id|ids|count|date|at|type|language|url",
    ),
    (
        "enum",
        r"status|state|type|category|kind|level|gender|sex|priority|stage|class|segment|tier|channel|severity|mode|"
        r"method|grade|role|source|medium|size|colou?r|brand|department|group|genre|region",
        r"id|ids|code|name|count|date|at|description",
    ),
    (
        "json",
        r"json|payload|metadata|meta|properties|attributes|props|params|config|settings|raw",
        r"id|count|type",
    ),
)
_COMPILED = tuple(
    (
        semantic,
        re.compile(rf"(?:^|_)(?:{yes})(?=_|\d|$)"),
        re.compile(rf"(?:^|_)(?:{no})(?=_|\d|$)") if no else None,
    )
    for semantic, yes, no in _HINTS
)
_ID = re.compile(r"(?:^|_)(?:id|ids|key|pk|fk|uuid|guid|sk|identifier|sid|oid|uid)\d*$|^(?:id|uuid|guid)_")
_WEAK_ID = re.compile(
    r"code$|(?:^|_)(?:no|nr|num|number|ref|reference|sku|handle|slug|symbol|login|username|user_name)$"
)
_PLACE = re.compile(
    r"(?:^|_)(?:line|position|pos|seq|sequence|index|idx|ordinal|version|revision|step|rank|row)(?:_?(?:no|nr|num|number|id))?$"
)
_BIRTH = re.compile(r"(?:^|_)(?:dob|birth|birthday|birth_?date|date_of_birth|geburtsdatum|born)(?=_|$)")
_UNITS = {
    "usd": "USD", "eur": "EUR", "gbp": "GBP", "chf": "CHF", "jpy": "JPY", "cad": "CAD", "aud": "AUD", "inr": "INR",
    "brl": "BRL", "pln": "PLN", "sek": "SEK", "nok": "NOK", "dkk": "DKK", "cents": "cents", "cent": "cents",
    "kg": "kg", "grams": "g", "lbs": "lb", "km": "km", "cm": "cm", "mm": "mm", "meters": "m", "miles": "mi",
    "celsius": "°C", "kwh": "kWh", "mb": "MB", "gb": "GB", "bytes": "B", "seconds": "s", "secs": "s", "sec": "s",
    "ms": "ms", "milliseconds": "ms", "minutes": "min", "hours": "h", "days": "d",
}  # fmt: skip
MONEY_UNITS = frozenset(
    {"USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "INR", "BRL", "PLN", "SEK", "NOK", "DKK", "cents"}
)


@lru_cache(maxsize=16_384)
def snake(name: str) -> str:
    """A name in lower-case words with underscores between: `customerID`, `Customer Id` → `customer_id`."""
    plain = unicodedata.normalize("NFKD", name[:200].replace("ß", "ss"))
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    return re.sub(r"_+", "_", re.sub(r"[\W_]+", "_", apart)).strip("_").lower()


@lru_cache(maxsize=16_384)
def hints(name: str) -> frozenset[str]:
    """The semantic types that a name speaks of; often none, sometimes several."""
    plain = snake(name)
    found = {
        semantic
        for semantic, yes, no in _COMPILED
        if (hit := yes.search(plain)) and not (no and no.search(plain[: hit.start()] + "_" + plain[hit.end() :]))
    }
    return frozenset(found)


def is_id_name(name: str) -> bool:
    """Whether it is called like an identifier: `id`, `order_id`, `customerKey`, `uuid`."""
    return _ID.search(snake(name)) is not None


def is_code_name(name: str) -> bool:
    """Whether it is called like something that may identify: `sku`, `invoice_no`, `country_code`."""
    return _WEAK_ID.search(snake(name)) is not None


def is_place_name(name: str) -> bool:
    """Whether it is called like a place in an order: `line_no`, `position`, `version`."""
    return _PLACE.search(snake(name)) is not None


def is_birth_name(name: str) -> bool:
    """Whether it is called like a date of birth."""
    return _BIRTH.search(snake(name)) is not None


def unit_in(name: str) -> str | None:
    """The unit that ends a name: `price_usd` → `USD`, `weight_kg` → `kg`."""
    return _UNITS.get(snake(name).rpartition("_")[2])


def id_subject(name: str) -> str:
    """What an identifier's name is about: `customer_id` → `customer`, `orderKey` → `order`, `id` → ``."""
    return re.sub(
        r"_?(?:ids?|key|pk|fk|uuid|guid|sk|identifier|sid|oid|uid|code|no|nr|num|number|ref)$", "", snake(name)
    )


@lru_cache(maxsize=4_096)
def singular(word: str) -> str:
    """An English word without its plural: `categories` → `category`, `boxes` → `box`."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes", "uses")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def is_of(subject: str, stream: str) -> bool:
    """Whether an identifier about `subject` is one of rows of a stream: `customer` of `stg_customers`."""
    ours, words = singular(subject), [singular(word) for word in snake(stream).split("_")]
    return bool(ours) and any("_".join(words[start:]) == ours for start in range(len(words)))
