"""The HTTP API as the dashboard sees it: JSON objects in, two kinds of errors out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from nyttig.errors import Fault, NyttigError
from nyttig.saying import of_parts

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
    """The API answered with a problem; `status` is the HTTP status, `detail` its own words, `faults` what they say."""

    def __init__(self, status: int, title: str, detail: str, faults: Iterable[Fault] = ()) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.faults = tuple(faults) or (Fault(None, detail or title),)
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

    def trial(self, trial: str) -> Json:
        """One trial with its headline figures."""
        return self._object(f"/v1/trials/{quote(trial, safe='')}", {})

    def report(self, trial: str, as_of: str | None = None, known: str = "then") -> Json:
        """One trial's report, today's or of an earlier day (ISO) as known `then` or `now`."""
        return self._object(f"/v1/trials/{trial}/report", _about(as_of, known))

    def benefit(self, trial: str, as_of: str | None = None, known: str = "then") -> Json:
        """What the trial gives: gains, harms and money, today's or of an earlier day as in `report`."""
        return self._object(f"/v1/trials/{quote(trial, safe='')}/benefit", _about(as_of, known))

    def explanations(self, trial: str, as_of: str | None = None, known: str = "then") -> list[Json]:
        """Every figure of that report: its definition, thresholds, counts and value."""
        found: list[Json] = self._object(f"/v1/trials/{trial}/explain", _about(as_of, known)).get(
            "figures", []
        )
        return found

    def days(
        self,
        trial: str,
        home: str | None,
        state: str | None,
        from_day: str | None,
        as_of: str | None = None,
        known: str = "then",
    ) -> list[Json]:
        """The device-days that that report counts, of a home, in a state, from an ISO day on; None: all."""
        asked = {"home": home, "state": state, "from_day": from_day}
        answer = self._object(
            f"/v1/trials/{trial}/days",
            {name: each for name, each in asked.items() if each} | _about(as_of, known),
        )
        days: list[Json] = answer.get("days", [])
        return days

    def alarms(self, trial: str, as_of: str | None = None, known: str = "then") -> list[Json]:
        """The alarms that that report counts, the newest first."""
        answer = self._object(f"/v1/trials/{trial}/alarms", _about(as_of, known))
        alarms: list[Json] = answer.get("alarms", [])
        return alarms

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

    def demo_board(self, site: str) -> Json:
        """Who came to a demo apartment and is to come, what they asked for, and what became of it."""
        return self._object(f"/v1/demo-sites/{quote(site, safe='')}", {})

    def safety(self, trial: str) -> Json:
        """What is due in each home of a trial for its safety, and since when."""
        return self._object(f"/v1/trials/{quote(trial, safe='')}/safety", {})

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

    def life(self, trial: str, as_of: str | None = None, known: str = "then") -> Json:
        """The life of a trial: its phases, rounds, gates, decisions and hand-over, today's or of an earlier day."""
        return self._object(f"/v1/trials/{quote(trial, safe='')}/life", _about(as_of, known))

    def phase_report(self, trial: str, phase: str) -> Json:
        """One phase of a trial, told from what is there."""
        return self._object(f"/v1/trials/{quote(trial, safe='')}/life/phases/{phase}/report", {})

    def programmes(self) -> Json:
        """All programmes, each followed by its parts, and the trials of none."""
        return self._object("/v1/programmes", {})

    def programme(self, name: str) -> Json:
        """A programme with its trials side by side, its gains over units, and its spread."""
        return self._object(f"/v1/programmes/{quote(name, safe='')}", {})

    def make_trial(self, idea: str, plan: Json) -> Json:
        """The idea becomes a trial without homes yet; answers with the idea."""
        return self._changed(f"/v1/ideas/{quote(idea, safe='')}/trial", json=plan)

    def entry_kinds(self) -> list[Json]:
        """What people can enter: each kind with its fields."""
        return self._rows("/v1/entry-kinds", "kinds")

    def entries(self, trial: str | None, kind: str | None = None) -> list[Json]:
        """What was entered about a trial (None: about none), as it stands, the oldest first; of one kind or all."""
        found: list[Json] = self._object(_entries_of(trial), {"kind": kind} if kind else {}).get(
            "entries", []
        )
        return found

    def entry_versions(self, entry: str) -> list[Json]:
        """Every version of an entry, the oldest first."""
        return self._rows(f"/v1/entries/{quote(entry, safe='')}/versions", "versions")

    def enter(self, trial: str | None, kind: str, values: Json) -> Json:
        """A new entry stands; answers with it."""
        return self._changed(f"{_entries_of(trial)}/{kind}", json=values)

    def change_entry(self, entry: str, version: int, values: Json) -> Json:
        """The entry says `values` from now on, unless somebody changed it since `version`; answers with it."""
        path, asked = f"/v1/entries/{quote(entry, safe='')}", {"version": str(version)}
        response = self._asked("PUT", path, asked, TIMEOUT_SECONDS, json=values)
        return self._said(response, self._body(response))

    def step_back(self, entry: str, version: int, step: str) -> Json:
        """The entry is taken back (`withdraw`), or is as it was before its newest version (`undo`); answers with it."""
        response = self._post(f"/v1/entries/{quote(entry, safe='')}/{step}", {"version": str(version)})
        return self._said(response, self._body(response))

    def registrations(self, trial: str) -> Json:
        """What people registered about a trial, and what is missing: by gain, by home, by shift."""
        return self._object(f"/v1/trials/{quote(trial, safe='')}/registrations", {})

    def questionnaires(self, trial: str) -> Json:
        """The `questionnaires` that a trial can use, and the `answers` given to them with their scores."""
        return self._object(f"/v1/trials/{quote(trial, safe='')}/questionnaires", {})

    def visit_imports(self, trial: str) -> list[Json]:
        """The lists of visits that were brought into the trial, the newest first."""
        return self._rows(_visits_of(trial), "imports")

    def bring_in_visits(
        self, trial: str, content: bytes, content_type: str, *, dry_run: bool, asked: Mapping[str, str]
    ) -> Json:
        """What becomes, or in a dry run would become, of each row of a list of visits; `asked` says how to read it."""
        response = self._post(
            _visits_of(trial),
            {**asked, "dry_run": str(dry_run).lower()},
            content=content,
            headers={"Content-Type": content_type},
            timeout=LIST_TIMEOUT_SECONDS,
        )
        body = self._body(response)
        return body if "rows" in body else self._said(response, body)  # a refusal holds the rows too

    def step_visits(self, trial: str, import_id: int, step: str) -> Json:
        """A list of visits is taken back whole (`withdraw`), or counts again (`undo`); answers with all lists."""
        return self._changed(f"{_visits_of(trial)}/{import_id}/{step}")

    def _changed(self, path: str, **sent: Any) -> Json:
        response = self._post(path, {}, **sent)
        return self._said(response, self._body(response))

    def _post(
        self, path: str, params: dict[str, str], timeout: float = TIMEOUT_SECONDS, **sent: Any
    ) -> httpx.Response:
        return self._asked("POST", path, params, timeout, **sent)

    def _file(self, path: str, params: dict[str, str | list[str]]) -> bytes:
        response = self._asked("GET", path, params, LIST_TIMEOUT_SECONDS)
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
            faults = [Fault(each["field"], of_parts(each)) for each in body.get("faults", ())]
            raise ApiRefusedError(response.status_code, title, str(body.get("detail") or ""), faults)
        return body

    def _send(self, path: str, params: dict[str, str], timeout_seconds: float) -> httpx.Response:
        return self._asked("GET", path, params, timeout_seconds)

    def _asked(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | list[str]],
        timeout_seconds: float,
        **sent: Any,
    ) -> httpx.Response:
        try:
            return self._http.request(method, self.url + path, params=params, timeout=timeout_seconds, **sent)
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


def _entries_of(trial: str | None) -> str:
    return "/v1/entries" if trial is None else f"/v1/trials/{quote(trial, safe='')}/entries"


def _about(as_of: str | None, known: str) -> dict[str, str]:
    """An earlier day, and how it is to be known; nothing for today."""
    return {} if as_of is None else {"as_of": as_of, "known": known}


def _visits_of(trial: str) -> str:
    return f"/v1/trials/{quote(trial, safe='')}/visits/imports"
