"""The HTTP API as the dashboard sees it: JSON objects in, two kinds of errors out."""

from __future__ import annotations

from typing import Any

import httpx

from nyttig.errors import NyttigError

Json = dict[str, Any]

TIMEOUT_SECONDS = 20.0
HEALTH_TIMEOUT_SECONDS = 5.0


class ApiUnreachableError(NyttigError):
    """Nothing answers at the API's address, or what answers is not Nyttig's API."""

    def __init__(self, url: str, detail: str) -> None:
        super().__init__(f"no answer from Nyttig's API at {url} ({detail}); start it with `nyttig api`")
        self.url = url


class ApiRefusedError(NyttigError):
    """The API answered with a problem; `status` is the HTTP status, `detail` its own words."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status = status
        self.title = title
        self.detail = detail or title


class ApiClient:
    """Reads from one API. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # The API is a neighbour: a proxy set up for the way out to the internet would only be in between.
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False)

    def close(self) -> None:
        """The connections to the API are closed."""
        self._http.close()

    def trials(self) -> list[Json]:
        """Every trial with its headline figures."""
        return self._rows("/v1/trials", "trials")

    def report(self, trial: str, as_of: str | None = None) -> Json:
        """One trial's report; `as_of` is an ISO date."""
        return self._object(f"/v1/trials/{trial}/report", {"as_of": as_of} if as_of else {})

    def devices(self, trial: str | None = None, status: str | None = None) -> Json:
        """Device health, worst first: `devices` and `silent_sites`."""
        asked = {"trial": trial, "status": status}
        return self._object("/v1/devices", {name: value for name, value in asked.items() if value})

    def demo_sites(self) -> list[Json]:
        """Demo apartments, day by day."""
        return self._rows("/v1/demo-sites", "sites")

    def quarantine(self) -> list[Json]:
        """Messages that could not be used, grouped by reason."""
        return self._rows("/v1/quarantine", "groups")

    def health(self) -> Json:
        """Whether data comes in; `status` is `ready` or `not_ready`, also when the API answers 503."""
        response = self._send("/v1/health/ready", {}, HEALTH_TIMEOUT_SECONDS)
        body = self._body(response)
        if body.get("status") in ("ready", "not_ready"):
            return body
        if response.is_success:
            raise ApiUnreachableError(self.url, "the answer is not Nyttig's")
        return {"status": "not_ready", "reason": body.get("detail") or body.get("title"), "ingest": []}

    def _rows(self, path: str, key: str) -> list[Json]:
        rows: list[Json] = self._object(path, {}).get(key, [])
        return rows

    def _object(self, path: str, params: dict[str, str]) -> Json:
        response = self._send(path, params, TIMEOUT_SECONDS)
        body = self._body(response)
        if not response.is_success:
            title = str(body.get("title") or response.reason_phrase)
            raise ApiRefusedError(response.status_code, title, str(body.get("detail") or ""))
        return body

    def _send(self, path: str, params: dict[str, str], timeout_seconds: float) -> httpx.Response:
        try:
            return self._http.get(self.url + path, params=params, timeout=timeout_seconds)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ApiUnreachableError(self.url, str(error) or type(error).__name__) from error

    def _body(self, response: httpx.Response) -> Json:
        try:
            body = response.json()
        except ValueError:
            body = None
        if isinstance(body, dict):
            return body
        if response.is_success:
            raise ApiUnreachableError(self.url, "the answer is not JSON")
        return {}
