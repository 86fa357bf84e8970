"""The HTTP API as the dashboard sees it: JSON objects in, two kinds of errors out."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

from nyttig.errors import NyttigError

Json = dict[str, Any]

TIMEOUT_SECONDS = 20.0
HEALTH_TIMEOUT_SECONDS = 5.0
LIST_TIMEOUT_SECONDS = 120.0
PROPOSALS_MAX = 2000


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
    """Reads from one API, and asks it to change things. Safe to share between threads."""

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

    def explanations(self, trial: str) -> list[Json]:
        """Every figure of the trial: its definition, thresholds, counts and value."""
        return self._rows(f"/v1/trials/{trial}/explain", "figures")

    def days(self, trial: str, home: str | None, state: str | None, from_day: str | None) -> list[Json]:
        """The device-days that the figures count, of a home, in a state, from an ISO day on; None: all."""
        asked = {"home": home, "state": state, "from_day": from_day}
        answer = self._object(
            f"/v1/trials/{trial}/days", {name: each for name, each in asked.items() if each}
        )
        days: list[Json] = answer.get("days", [])
        return days

    def periods(self, trial: str) -> Json | None:
        """The last complete weeks against those before; None where the trial is too young."""
        found: Json | None = self._object(f"/v1/trials/{trial}/periods", {}).get("comparison")
        return found

    def threshold_changes(self, trial: str) -> list[Json]:
        """The newest changes of the trial's thresholds, with the figures under both."""
        return self._rows(f"/v1/trials/{trial}/threshold-changes", "changes")

    def calls(self, trial: str) -> Json:
        """Whom to call (`calls`), whose device comes first (`device_first`), and what was put off (`snoozed`)."""
        return self._object(f"/v1/trials/{trial}/calls", {})

    def home(self, trial: str, home: str) -> Json:
        """One home's part in a trial: its dates, `pauses` and `notes`."""
        return self._object(f"/v1/trials/{trial}/homes/{quote(home, safe='')}", {})

    def change_home(self, trial: str, home: str, verb: str, body: Json) -> Json:
        """The home gets a note (`notes`), a pause (`pauses`), an `end`, or one of them is taken back, as `verb` says."""
        return self._changed(f"/v1/trials/{trial}/homes/{quote(home, safe='')}/{verb}", json=body)

    def devices(self, trial: str | None = None, status: str | None = None) -> Json:
        """Device health, worst first: `devices`, and what is silent as a whole."""
        asked = {"trial": trial, "status": status}
        return self._object("/v1/devices", {name: value for name, value in asked.items() if value})

    def device(self, device: str) -> Json:
        """One placed device: its health as in the list, and its past."""
        return self._object(f"/v1/devices/{quote(device, safe='')}", {})

    def answers(self, device: str, since: str) -> Json:
        """Whether the device has answered since an ISO time, with the state of its radio and battery."""
        return self._object(f"/v1/devices/{quote(device, safe='')}/answers", {"since": since})

    def work(self, trial: str | None = None) -> Json:
        """What there is to do: `gateways`, `visits` by home, and what is `hidden` because of a mark."""
        return self._object("/v1/work", {"trial": trial} if trial else {})

    def mark_work(self, tasks: list[Json], action: str, until: str | None, note: str | None) -> Json:
        """These tasks are `done`, or `postponed` until an ISO time; answers with the work that there is then."""
        named = [{name: task[name] for name in ("subject_kind", "subject", "finding")} for task in tasks]
        return self._changed(
            "/v1/work", json={"tasks": named, "action": action, "postponed_until": until, "note": note}
        )

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

    def proposals(self, status: str) -> Json:
        """Devices that speak and nobody registered (`proposed`), or that were dismissed (`dismissed`)."""
        return self._object("/v1/proposals", {"status": status, "limit": str(PROPOSALS_MAX)})

    def answer_proposal(self, verb: str, chosen: Json) -> Json:
        """The proposal is accepted, dismissed or restored, as `verb` says; `chosen` holds dialect and address."""
        return self._changed(f"/v1/proposals/{verb}", json=chosen)

    def choices(self) -> Json:
        """What a form offers: `homes`, `technologies`, `labels_lead_to`."""
        return self._object("/v1/registry/choices", {})

    def registered(self) -> list[Json]:
        """Every device of the registry, placed or not, in service or retired."""
        return self._rows("/v1/registry/devices", "devices")

    def register(
        self, content: bytes, content_type: str, *, trial: str | None, dry_run: bool, skip_bad: bool = False
    ) -> Json:
        """What becomes, or in a dry run would become, of each row of a list of devices."""
        asked = {"dry_run": str(dry_run).lower(), "skip_bad": str(skip_bad).lower()}
        response = self._post(
            "/v1/registry/devices",
            asked if trial is None else asked | {"trial": trial},
            content=content,
            headers={"Content-Type": content_type},
            timeout=LIST_TIMEOUT_SECONDS,
        )
        body = self._body(response)
        return body if "rows" in body else self._said(response, body)  # a refusal holds the rows too

    def change_device(self, device: str, verb: str, body: Json) -> Json:
        """The device is placed (`placements`), moved, removed, swapped, retired or unretired, as `verb` says."""
        return self._changed(f"/v1/devices/{quote(device, safe='')}/{verb}", json=body)

    def history(self, kind: str, code: str, limit: int) -> list[Json]:
        """The newest changes of a device or a trial; `kind` is `devices` or `trials`."""
        answer = self._object(f"/v1/{kind}/{quote(code, safe='')}/history", {"limit": str(limit)})
        entries: list[Json] = answer.get("entries", [])
        return entries

    def labels(self, devices: list[str], trial: str | None, language: str) -> bytes:
        """A PDF of labels for these devices; without any, for all of the trial or of the registry."""
        asked: dict[str, str | list[str]] = {"device": devices, "language": language}
        return self._file("/v1/labels.pdf", asked if trial is None else asked | {"trial": trial})

    def template(self, kind: str) -> bytes:
        """An empty list of devices; `kind` is `xlsx` or `csv`."""
        return self._file(f"/v1/registry/template.{kind}", {})

    def _changed(self, path: str, **sent: Any) -> Json:
        response = self._post(path, {}, **sent)
        return self._said(response, self._body(response))

    def _post(
        self, path: str, params: dict[str, str], timeout: float = TIMEOUT_SECONDS, **sent: Any
    ) -> httpx.Response:
        try:
            return self._http.post(self.url + path, params=params, timeout=timeout, **sent)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ApiUnreachableError(self.url, str(error) or type(error).__name__) from error

    def _file(self, path: str, params: dict[str, str | list[str]]) -> bytes:
        try:
            response = self._http.get(self.url + path, params=params, timeout=LIST_TIMEOUT_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ApiUnreachableError(self.url, str(error) or type(error).__name__) from error
        if not response.is_success:
            self._said(response, self._body(response))
        return response.content

    def _rows(self, path: str, key: str) -> list[Json]:
        rows: list[Json] = self._object(path, {}).get(key, [])
        return rows

    def _object(self, path: str, params: dict[str, str]) -> Json:
        response = self._send(path, params, TIMEOUT_SECONDS)
        return self._said(response, self._body(response))

    def _said(self, response: httpx.Response, body: Json) -> Json:
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
