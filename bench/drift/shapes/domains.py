"""What the tables of a case are about: the same roles of columns under other names, sizes and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# What each column of the main table is, in its order there, and its type.
ROLES: Mapping[str, str] = {
    "key": "bigint not null",
    "ref": "integer",
    "status": "varchar",
    "amount": "decimal(12, 2)",
    "quantity": "integer",
    "duration": "double",
    "share": "double",
    "day": "varchar",
    "at": "timestamp",
    "updated": "timestamp",
    "code": "varchar",
    "person": "varchar",
    "street": "varchar",
    "house": "varchar",
    "place": "struct",
    "note": "varchar",
    "flag": "boolean default false",
    "unused": "varchar",
}


@dataclass(frozen=True)
class Domain:
    """Names and values of one subject.

    main, other, twin: tables; other is what main refers to, twin has the columns of main. raw, staged: a column's
    name at the source and in staging, by role. statuses: the values of the enumeration. scale: about what the
    amount is. fields: of the nested column. first, last, streets: words that values are made of.
    """

    name: str
    source: str
    main: str
    other: str
    twin: str
    raw: Mapping[str, str]
    staged: Mapping[str, str]
    other_columns: tuple[str, str, str, str]
    statuses: tuple[str, ...]
    scale: float
    fields: tuple[str, str]
    prefix: str
    first: tuple[str, ...] = (
        "Ada",
        "Grace",
        "Alan",
        "Edsger",
        "Barbara",
        "Donald",
        "Radia",
        "Tim",
        "Ursula",
        "Ken",
    )
    last: tuple[str, ...] = ("Moss", "Okafor", "Lindqvist", "Tanaka", "Byrne", "Haddad", "Novak", "Silva", "Weber")
    streets: tuple[str, ...] = ("Mill", "Station", "Harbour", "Church", "Orchard", "Castle", "Bridge", "Park")


def _names(text: str) -> dict[str, str]:
    return dict(zip(ROLES, text.split(), strict=True))


DOMAINS: Mapping[str, Domain] = {
    one.name: one
    for one in (
        Domain(
            "orders",
            "shop",
            "orders",
            "customers",
            "till_orders",
            _names(
                "order_id cust_id status total_amt qty pick_seconds discount_pct order_date created_at updated_at"
                " sku contact street house_no ship_to remark is_gift batch_no"
            ),
            _names(
                "order_id customer_id order_status total_amount quantity pick_seconds discount_pct ordered_on"
                " ordered_at updated_at sku contact_name street house_number ship_to remark is_gift batch_no"
            ),
            ("cust_id", "cust_name", "country", "segment"),
            ("new", "paid", "shipped", "returned"),
            80.0,
            ("city", "zip"),
            "SKU",
        ),
        Domain(
            "sensors",
            "plant",
            "readings",
            "devices",
            "edge_readings",
            _names(
                "reading_id dev state pressure samples exposure_s humidity read_on read_at modified_at"
                " part_no technician hall bay location comment is_calibrated firmware_crc"
            ),
            _names(
                "reading_id device_id reading_state pressure_kpa sample_count exposure_s humidity_pct read_on"
                " read_at modified_at part_number technician hall bay location comment is_calibrated firmware_crc"
            ),
            ("dev", "dev_label", "vendor", "family"),
            ("ok", "drifting", "saturated", "offline"),
            900.0,
            ("building", "floor"),
            "PT",
        ),
        Domain(
            "staff",
            "people",
            "employments",
            "departments",
            "agency_employments",
            _names(
                "employment_id dept_id grade monthly_salary weekly_hours training_s fte_pct hired signed_at"
                " changed_at cost_centre full_name street house_no home memo is_remote badge"
            ),
            _names(
                "employment_id department_id grade monthly_salary weekly_hours training_s fte_pct hired_on"
                " signed_at changed_at cost_centre full_name home_street home_number home memo is_remote badge"
            ),
            ("dept_id", "dept_name", "site", "division"),
            ("junior", "senior", "lead", "director"),
            4200.0,
            ("town", "postcode"),
            "CC",
        ),
        Domain(
            "payments",
            "pay",
            "payments",
            "merchants",
            "wallet_payments",
            _names(
                "payment_id merchant state gross instalments latency_s fee_pct booked_on captured_at touched_at"
                " terminal payer bank_name account_no card reference is_refund trace_id"
            ),
            _names(
                "payment_id merchant_id payment_state gross_amount instalments latency_s fee_pct booked_on"
                " captured_at touched_at terminal payer bank_name account_no card reference is_refund trace_id"
            ),
            ("merchant", "merchant_name", "country", "industry"),
            ("authorised", "captured", "settled", "disputed"),
            35.0,
            ("brand", "bin"),
            "TRM",
        ),
    )
}


def quoted_raw(domain: Domain) -> dict[str, str]:
    """The names at the source as a spreadsheet would have them: mixed case, and every other one with blanks."""
    names = {}
    for number, (role, name) in enumerate(domain.raw.items()):
        words = name.split("_")
        spaced = " ".join(word.capitalize() for word in words)
        camel = words[0] + "".join(word.capitalize() for word in words[1:])
        names[role] = spaced if number % 2 else camel
    return names
