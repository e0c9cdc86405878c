"""An API behind a declarative connector: every page once, waits when throttled, increments from the state."""

from __future__ import annotations

from demo.rates_api import rates as published


def test_all_pages_land_and_throttling_is_waited_for(rates) -> None:
    expected = [(row["date"], row["currency"], row["rate"]) for row in published()]
    result = rates.load()
    assert result.rows_loaded == len(expected)
    assert rates.rates("select date, currency, rate from bronze order by all") == sorted(expected)
    assert result.notes[0].startswith("throttled ")
    assert " waited " in result.notes[0]
    pages = [path for path in rates.requests if "/v1/rates" in path]
    assert len(pages) > -(-len(expected) // 100), "a throttled page was asked for again"

    rates.requests.clear()
    again = rates.load()
    assert (again.outcome, again.rows_loaded) == ("unchanged", 0)
    assert again.rows_read <= 2 * 4, "only the days of the lookback"
    assert all("start=2011-12" in path for path in rates.requests)
