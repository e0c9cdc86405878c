"""Labelled columns made with Faker in several locales, under telling names and under none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from faker import Faker

# The recognisers were tuned while looking at the first three; the others were not looked at.
SEEN = ("en_US", "de_DE", "fr_FR")
UNSEEN = ("en_GB", "es_ES", "it_IT", "nl_NL", "pl_PL", "pt_BR", "sv_SE", "ja_JP")
ROWS = 300
_SINCE, _UNTIL = datetime(2015, 1, 1, tzinfo=UTC), datetime(2025, 12, 31, tzinfo=UTC)

Make = Callable[[Faker], Any]


@dataclass(frozen=True)
class Made:
    """A column: its name, the semantic types that are accepted (first: the one recall is counted for), its maker.

    is_mute: whether its values alone say what it is, so that it can be asked for without its name.
    """

    name: str
    labels: tuple[str, ...]
    make: Make
    is_mute: bool = True


def _moment(fake: Faker) -> datetime:
    return fake.date_time_between(_SINCE, _UNTIL, tzinfo=UTC)


COLUMNS: tuple[Made, ...] = (
    Made("email_address", ("email",), lambda f: f.email()),
    Made("phone_number", ("phone",), lambda f: f.phone_number(), is_mute=False),
    Made("mobile", ("phone",), lambda f: f.unique.numerify("+4917########")),
    Made("iban", ("iban",), lambda f: f.iban()),
    Made("card_number", ("card",), lambda f: f.credit_card_number()),
    Made("ssn", ("national_id",), lambda f: f.ssn(), is_mute=False),
    Made("client_ip", ("ip",), lambda f: f.ipv4()),
    Made("ip_v6", ("ip",), lambda f: f.ipv6()),
    Made("homepage", ("url",), lambda f: f.url()),
    Made("session", ("uuid", "id", "foreign_key"), lambda f: f.uuid4()),
    Made("country", ("country",), lambda f: f.country()),
    Made("country_code", ("country",), lambda f: f.country_code(), is_mute=False),
    Made("nation", ("country",), lambda f: f.country_code(representation="alpha-3")),
    Made("currency", ("currency",), lambda f: f.currency_code()),
    Made("language", ("language",), lambda f: f.language_code(), is_mute=False),
    Made("locale", ("language",), lambda f: f.locale()),
    Made("postcode", ("postal_code",), lambda f: f.postcode(), is_mute=False),
    Made("first_name", ("person_name",), lambda f: f.first_name(), is_mute=False),
    Made("customer_name", ("person_name",), lambda f: f.name(), is_mute=False),
    Made("full", ("person_name",), lambda f: f"{f.first_name()} {f.last_name()}"),
    Made("street_address", ("address",), lambda f: f.street_address(), is_mute=False),
    Made("city", ("text", "address", "enum", "person_name"), lambda f: f.city(), is_mute=False),
    Made("company", ("text", "person_name"), lambda f: f.company(), is_mute=False),
    Made("job", ("text", "free_text", "enum"), lambda f: f.job(), is_mute=False),
    Made("lat", ("latitude",), lambda f: str(f.latitude()), is_mute=False),
    Made("lng", ("longitude",), lambda f: str(f.longitude()), is_mute=False),
    Made("unit_price", ("amount",), lambda f: f"{f.random_int(100, 90000) / 100:.2f}", is_mute=False),
    Made("weight", ("amount",), lambda f: f"{f.random_int(10, 900) / 10} kg"),
    Made("price_shown", ("amount",), lambda f: f"€ {f.random_int(1, 9999):,}.{f.random_int(10, 99)}"),
    Made("paid", ("amount",),
         lambda f: f"{f.random_int(100, 90000) / 100:.2f} {f.random_element(('EUR', 'USD'))}"),
    Made("share", ("percentage",), lambda f: f"{f.random_int(0, 100)}%"),
    Made("discount_pct", ("percentage",), lambda f: f.random_int(0, 60), is_mute=False),
    Made("quantity", ("number",), lambda f: f.random_int(1, 500)),
    Made("created_at", ("timestamp",), lambda f: _moment(f).isoformat()),
    Made("updated", ("timestamp",), lambda f: _moment(f).strftime("%Y-%m-%d %H:%M:%S")),
    Made("logged", ("timestamp",), lambda f: _moment(f).strftime("%d/%b/%Y:%H:%M:%S +0000")),
    Made("epoch", ("timestamp",), lambda f: int(_moment(f).timestamp())),
    Made("event_time", ("timestamp",), lambda f: int(_moment(f).timestamp() * 1000)),
    Made("order_date", ("date",), lambda f: _moment(f).strftime("%d.%m.%Y")),
    Made("ship_date", ("date",), lambda f: _moment(f).strftime("%m/%d/%Y")),
    Made("due", ("date",), lambda f: _moment(f).strftime("%b %d, %Y")),
    Made("day", ("date",), lambda f: _moment(f).strftime("%Y-%m-%d")),
    Made("day_number", ("date",), lambda f: int(_moment(f).strftime("%Y%m%d"))),
    Made("opens", ("time",), lambda f: _moment(f).strftime("%H:%M")),
    Made("is_active", ("boolean",), lambda f: f.random_element(["yes", "no"])),
    Made("opted_in", ("boolean",), lambda f: f.random_element(["Y", "N"])),
    Made("flag", ("boolean",), lambda f: f.random_element(["true", "false"])),
    Made("deleted", ("boolean",), lambda f: f.random_int(0, 1)),
    Made("status", ("enum",), lambda f: f.random_element(["open", "paid", "shipped", "returned", "cancelled"])),
    Made("plan", ("enum",), lambda f: f.random_element(["basic", "team", "enterprise"])),
    Made("comment", ("free_text",), lambda f: f.paragraph(3)),
    Made("note", ("free_text",), lambda f: f.sentence(9)),
    Made("sku", ("code", "id"), lambda f: f.unique.bothify("??-####-??")),
    Made("batch", ("code", "id"), lambda f: f.unique.bothify("LOT#####")),
    Made("payload", ("json",), lambda f: json.dumps({"a": f.random_int(), "b": [f.word()]})),
    Made("parent_id", ("foreign_key",), lambda f: f.random_int(1, 80), is_mute=False),
)  # fmt: skip


def make(locale: str) -> dict[str, list[Any]]:
    """A table of a locale; text, as it would come from a file, but for whole numbers."""
    fake = Faker(locale)
    fake.seed_instance(sum(map(ord, locale)))
    return {column.name: [column.make(fake) for _ in range(ROWS)] for column in COLUMNS}
