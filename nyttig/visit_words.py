"""What care systems call the columns of their visit lists and what stands in them: bokmål, Danish, English, Swedish."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, ...]] = {
    "home": (
        "home", "home code", "hjemkode", "hjem", "boligkode", "bolig", "hemkod", "site", "site code", "deltakerkode",
        "deltagerkode", "studiekode", "forsøkskode", "brukerkode", "borgerkode", "pseudonym", "kode", "kod", "code",
        "deltaker", "deltager", "deltagare", "bruker", "bruker id", "borger", "tjenestemottaker", "brukare", "klient",
        "client", "bostad", "hjemmet",
    ),
    "day": (
        "day", "date", "dato", "datum", "dag", "besøksdato", "besøgsdato", "besöksdatum", "visit date", "oppdragsdato",
        "utført dato", "udført dato", "startdato", "start date", "startdatum",
    ),
    "started_at": (
        "started at", "started", "start", "start time", "starttid", "start tid", "starttidspunkt", "start tidspunkt",
        "startet", "startede", "startade", "faktisk start", "besøk start", "besøg start", "fra kl", "fra kl.", "fra tid",
        "fra", "from", "från", "påbegynt", "påbegyndt", "påbörjad", "ankomst", "ankommet", "arrival", "inn", "check in",
        "begin", "klokkeslett", "klokkeslæt", "klockslag", "tidspunkt", "tid", "time", "kl", "kl.",
    ),
    "ended_at": (
        "ended at", "ended", "end", "end time", "sluttid", "slutttid", "slutt tid", "slut tid", "sluttidspunkt", "slutt",
        "slut", "slutttidspunkt", "faktisk slutt", "faktisk slut", "besøk slutt", "besøg slut", "til kl", "til kl.",
        "til tid", "til", "to", "till", "avsluttet", "afsluttet", "avslutad", "avreise", "afgang", "departure", "ut", "ud",
        "check out", "finished", "stopp", "stop",
    ),
    "minutes": (
        "minutes", "minutter", "minuter", "min", "duration", "duration minutes", "duration min", "varighet",
        "varighet minutter", "varighet min", "varighet i minutter", "varighed", "varighed minutter", "varighed min",
        "varighed i minutter", "varaktighet", "varaktighet minuter", "antall minutter", "antal minutter", "antal minuter",
        "tid min", "tid minutter", "medgått tid", "forbrukt tid", "tidsbruk", "tidsforbrug", "levert tid", "leveret tid",
        "utförd tid", "besøkstid", "besøgstid", "besökstid", "visit minutes",
    ),
    "kind": (
        "kind", "kind of visit", "besøkstype", "besøgstype", "besökstyp", "type besøk", "type besøg", "typ av besök",
        "visit type", "besøksform", "besøgsform", "leveringsform", "kontaktform", "kontakttype", "type", "typ", "form",
    ),
    "purpose": (
        "purpose", "formål", "ändamål", "hensikt", "årsak", "årsag", "orsak", "oppdrag", "opgave", "oppgave", "uppgift",
        "tjeneste", "tiltak", "ydelse", "indsats", "insats", "ärende", "aktivitet", "activity", "task", "service", "reason",
    ),
    "staff_group": (
        "staff group", "faggruppe", "personellgruppe", "personalgruppe", "personalegruppe", "personalgrupp", "yrkesgruppe",
        "yrkesgrupp", "stillingsgruppe", "profession", "vagtlag", "team", "gruppe", "grupp", "stilling",
    ),
    "travel_minutes": (
        "travel minutes", "travel time", "travel", "travel time min", "reisetid", "reisetid min", "reiseminutter", "kjøretid",
        "kjøretid min", "kjøreminutter", "køretid", "køretid min", "rejsetid", "rejsetid min", "vejtid", "transporttid",
        "transporttid min", "transport", "restid", "restid min", "körtid", "minutes under way",
    ),
    "period": ("period", "periode", "fase", "phase", "fas", "før/etter", "før/efter", "före/efter", "før etter", "før efter"),
}  # fmt: skip
"""Per field what its column is called, the surest first; as `plain_header` writes it."""

BY_HEADER: dict[str, str] = {phrase: name for name, phrases in PHRASES.items() for phrase in phrases}

_KINDS = {
    "physical": (
        "physical", "fysisk", "fysiskt", "fysisk besøk", "fysisk besøg", "fysiskt besök", "hjemmebesøk", "hjemmebesøg",
        "hembesök", "besøk", "besøg", "besök", "home visit", "visit", "at the door", "in person", "oppmøte", "stedlig",
    ),
    "remote": (
        "remote", "digital", "digitalt", "skjermbesøk", "skærmbesøg", "skärmbesök", "skjerm", "skærm", "skärm", "screen visit",
        "videobesøk", "videobesøg", "videobesök", "videosamtale", "videosamtal", "videokonsultasjon", "video", "video call",
        "telefon", "telefonsamtale", "telefonsamtal", "telefonbesøk", "telefonkontakt", "oppringning", "opkald", "phone",
        "phone call", "call", "digitalt besøk", "digitalt besøg", "digitalt besök", "virtuelt besøk", "virtuelt besøg",
        "fjernbesøk", "digitalt tilsyn", "digital tillsyn", "på avstand", "på afstand", "på distans",
    ),
}  # fmt: skip

_PURPOSES = {
    "alarm_handling": (
        "alarm handling", "alarm", "alarmhåndtering", "alarmutrykning", "alarmbesøk", "alarmbesøg", "alarmoppfølging",
        "trygghetsalarm", "trygghetslarm", "nødkald", "utrykning", "udrykning", "utryckning", "larm", "larmhantering",
    ),
    "refill": (
        "refill", "påfyll", "påfylling", "påfyldning", "påfyllning", "opfyldning", "fylling av dispenser",
        "påfylling av dispenser", "påfyldning af dispenser", "påfyllning av dispenser", "dispenserfylling",
    ),
    "remote_check": (
        "remote check", "fjernsjekk", "fjerntilsyn", "digitalt tilsyn", "digital tillsyn", "skjermtilsyn", "skærmtilsyn",
    ),
    "support": (
        "support", "technical support", "brukerstøtte", "teknisk støtte", "teknisk support", "teknisk hjelp",
        "teknisk hjælp", "teknisk hjälp", "feilretting", "fejlretning", "felsökning",
    ),
}  # fmt: skip

_PERIODS = {
    "before": ("before", "før", "före", "innan", "baseline", "nullpunkt", "nulpunkt", "førmåling", "basislinje"),
    "after": ("after", "etter", "efter", "ettermåling", "eftermåling", "eftermätning"),
}  # fmt: skip


def _by_word(meanings: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {word: meaning for meaning, words in meanings.items() for word in words}


MEANINGS: dict[str, dict[str, str]] = {
    "kind": _by_word(_KINDS),
    "purpose": _by_word(_PURPOSES),
    "period": _by_word(_PERIODS),
}
"""What a value means in ours; as `plain_header` writes it. A purpose that stands in none stays as it is."""
