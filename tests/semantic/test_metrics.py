"""Every metric compiles and runs; figures equal SQL written by hand over silver, not over gold."""

from datetime import date
from decimal import Decimal

import pytest

from .conftest import SemanticLayer

CORE_METRICS = {
    "revenue", "revenue_eur", "revenue_usd", "net_revenue", "revenue_growth", "cumulative_revenue", "orders",
    "average_order_value", "units_sold", "active_customers", "new_customers", "returning_customer_share",
    "returned_value", "return_rate",
}  # fmt: skip

JANUARY, FEBRUARY, MARCH = date(2011, 1, 1), date(2011, 2, 1), date(2011, 3, 1)


def by_month(layer: SemanticLayer, metric: str) -> dict[date, float]:
    """The metric's values in the three months that have orders, rounded to six decimals."""
    rows = layer.query([metric], ["metric_time__month"])
    values = {month.date() if hasattr(month, "date") else month: value for month, value in rows}
    return {month: round(float(values.get(month) or 0), 6) for month in (JANUARY, FEBRUARY, MARCH)}


def one(layer: SemanticLayer, sql: str) -> Decimal | float | int:
    row = layer.connection.execute(sql).fetchone()
    assert row is not None
    return row[0]


def test_the_manifest_holds_the_core_metrics(layer: SemanticLayer) -> None:
    assert {metric["name"] for metric in layer.metrics} >= CORE_METRICS


def test_every_metric_has_a_description_and_synonyms(layer: SemanticLayer) -> None:
    for metric in layer.metrics:
        assert metric["description"], metric["name"]
        assert metric["config"]["meta"]["synonyms"], metric["name"]


@pytest.mark.parametrize("grain", ["day", "month", "year"])
def test_every_metric_compiles_and_runs(layer: SemanticLayer, grain: str) -> None:
    for metric in layer.metrics:
        assert layer.query([metric["name"]], [f"metric_time__{grain}"]), metric["name"]


def test_revenue_equals_quantity_times_price_of_silver(layer: SemanticLayer) -> None:
    expected = one(layer, "select sum(quantity * unit_price) from silver.order_lines")
    assert layer.query(["revenue"]) == [(expected,)]


@pytest.mark.parametrize(
    ("metric", "per_gbp"),
    [("revenue_eur", "1 / gbp.units_per_eur"), ("revenue_usd", "usd.units_per_eur / gbp.units_per_eur")],
)
def test_converted_revenue_uses_the_last_rate_published_by_the_day(
    layer: SemanticLayer, metric: str, per_gbp: str
) -> None:
    expected = one(
        layer,
        f"""
        select sum(lines.quantity * lines.unit_price * {per_gbp})
        from silver.order_lines as lines
        join silver.orders using (order_id)
        asof join (from silver.fx_rates where currency = 'GBP') as gbp on orders.ordered_at >= gbp.rate_date
        asof join (from silver.fx_rates where currency = 'USD') as usd on orders.ordered_at >= usd.rate_date
        """,
    )
    [(actual,)] = layer.query([metric])
    assert float(actual) == pytest.approx(float(expected), abs=0.0005)


def test_orders_per_country_of_the_customer_leave_anonymous_orders_without_one(layer: SemanticLayer) -> None:
    expected = layer.connection.execute(
        """
        select customers.country, count(*)
        from silver.orders left join silver.customers using (customer_id)
        group by 1 order by 1
        """
    ).fetchall()
    assert layer.query(["orders"], ["customer__country"]) == expected


def test_average_order_value_is_revenue_over_orders(layer: SemanticLayer) -> None:
    assert by_month(layer, "average_order_value") == {JANUARY: 29.4, FEBRUARY: 70.05, MARCH: 21.6}


def test_customers_are_active_new_or_returning(layer: SemanticLayer) -> None:
    assert by_month(layer, "active_customers") == {JANUARY: 1, FEBRUARY: 2, MARCH: 1}
    assert by_month(layer, "new_customers") == {JANUARY: 1, FEBRUARY: 1, MARCH: 0}
    assert by_month(layer, "returning_customer_share") == {JANUARY: 0, FEBRUARY: 0.5, MARCH: 1}


def test_return_rate_compares_goods_with_goods(layer: SemanticLayer) -> None:
    # February: 2 cake stands of 10.95 against 140.10 of goods; the discount of 5.00 is not a return of goods
    assert by_month(layer, "return_rate")[FEBRUARY] == round(21.9 / 140.1, 6)
    assert by_month(layer, "returned_value")[FEBRUARY] == 26.9


def test_net_revenue_takes_everything_credited_off(layer: SemanticLayer) -> None:
    assert by_month(layer, "net_revenue") == {JANUARY: 58.8, FEBRUARY: 113.2, MARCH: 19.05}


def test_revenue_grows_against_the_month_before(layer: SemanticLayer) -> None:
    growth = by_month(layer, "revenue_growth")
    assert growth[FEBRUARY] == round((140.1 - 58.8) / 58.8, 6)
    assert growth[MARCH] == round((21.6 - 140.1) / 140.1, 6)


def test_cumulative_revenue_ends_at_the_total(layer: SemanticLayer) -> None:
    assert by_month(layer, "cumulative_revenue") == {JANUARY: 58.8, FEBRUARY: 198.9, MARCH: 220.5}


def test_products_slice_what_was_sold(layer: SemanticLayer) -> None:
    rows = layer.query(["units_sold"], ["product__is_merchandise"])
    assert rows == [(False, 1), (True, 34)]
