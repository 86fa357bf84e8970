"""What each estimate takes for granted, and what would break it: in the words of somebody who could know."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ASSUMPTIONS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "regression_to_the_mean": {
            "en": "Homes were chosen because things were unusually bad just then: they would have come back to their usual by"
            " themselves.",
            "nb": "Hjem ble valgt fordi det gikk uvanlig dårlig akkurat da: de ville ha kommet tilbake til det vanlige"
            " av seg selv.",
            "da": "Hjem blev valgt, fordi det gik usædvanligt dårligt netop da: de ville være vendt tilbage til det sædvanlige"
            " af sig selv.",
        },
        "no_other_change_at_start": {
            "en": "Something else changed at about the same time: staff, routines, the season, an illness, other help.",
            "nb": "Noe annet endret seg omtrent samtidig: ansatte, rutiner, årstiden, en sykdom, annen hjelp.",
            "da": "Noget andet ændrede sig omtrent samtidig: personale, rutiner, årstiden, en sygdom, anden hjælp.",
        },
        "need_stays_the_same": {
            "en": "The residents' need changed meanwhile. It usually grows with age, which hides a gain.",
            "nb": "Beboernes behov endret seg imens. Det øker som regel med alderen, og det skjuler en gevinst.",
            "da": "Borgernes behov ændrede sig imens. Det vokser som regel med alderen, og det skjuler en gevinst.",
        },
        "same_registration": {
            "en": "Before and after were not registered in the same way, by as many, or as completely.",
            "nb": "Før og etter ble ikke registrert på samme måte, av like mange eller like fullstendig.",
            "da": "Før og efter blev ikke registreret på samme måde, af lige så mange eller lige så fuldstændigt.",
        },
        "missing_homes_alike": {
            "en": "The homes that are missing in one of the periods did better or worse than those that are counted.",
            "nb": "Hjemmene som mangler i en av periodene, gikk det bedre eller dårligere med enn dem som er talt med.",
            "da": "De hjem, der mangler i en af perioderne, gik det bedre eller dårligere end dem, der er talt med.",
        },
        "homes_independent": {
            "en": "Homes depend on each other, for example because they share staff or a route.",
            "nb": "Hjem påvirker hverandre, for eksempel fordi de deler ansatte eller kjørerute.",
            "da": "Hjem påvirker hinanden, for eksempel fordi de deler personale eller køreliste.",
        },
        "few_extremes": {
            "en": "One or two homes that are unlike all others carry the average.",
            "nb": "Ett eller to hjem som er ulike alle andre, bærer gjennomsnittet.",
            "da": "Et eller to hjem, der er ulig alle andre, bærer gennemsnittet.",
        },
        "parallel_trends": {
            "en": "Without the technology the comparison homes would have changed differently from the homes that got it.",
            "nb": "Uten teknologien ville sammenligningshjemmene ha endret seg annerledes enn hjemmene som fikk den.",
            "da": "Uden teknologien ville sammenligningshjemmene have ændret sig anderledes end de hjem, der fik den.",
        },
        "comparison_untouched": {
            "en": "The comparison homes felt the technology too: staff had more time for them, or less, or they got something"
            " like it.",
            "nb": "Sammenligningshjemmene merket også teknologien: ansatte fikk mer tid til dem, eller mindre, eller de fikk noe"
            " lignende.",
            "da": "Sammenligningshjemmene mærkede også teknologien: personalet fik mere tid til dem, eller mindre, eller de fik"
            " noget lignende.",
        },
        "start_not_chosen": {
            "en": "Homes got it early or late because of how they were doing.",
            "nb": "Hjem fikk den tidlig eller sent på grunn av hvordan det sto til med dem.",
            "da": "Hjem fik den tidligt eller sent på grund af, hvordan det stod til hos dem.",
        },
        "same_effect_for_all": {
            "en": "The effect differs between those that started early and late, or grows or fades with time: then the average"
            " is a lopsided one, and can even have the wrong sign.",
            "nb": "Virkningen er ulik for dem som begynte tidlig og sent, eller den vokser eller avtar med tiden: da er"
            " gjennomsnittet skjevt, og kan til og med ha feil fortegn.",
            "da": "Virkningen er forskellig for dem, der begyndte tidligt og sent, eller den vokser eller aftager med tiden: så"
            " er gennemsnittet skævt og kan endda have forkert fortegn.",
        },
        "no_effect_in_advance": {
            "en": "Homes changed before the start because they knew that it was coming.",
            "nb": "Hjem endret seg før starten fordi de visste at den kom.",
            "da": "Hjem ændrede sig før starten, fordi de vidste, at den kom.",
        },
        "trend_would_have_gone_on": {
            "en": "What was going on before would not have gone on in a straight line.",
            "nb": "Det som var i gang før, ville ikke ha fortsatt i en rett linje.",
            "da": "Det, der var i gang før, ville ikke være fortsat i en ret linje.",
        },
        "change_at_start_only": {
            "en": "The effect came later than the start, or bit by bit, in another way than a step and a change of slope.",
            "nb": "Virkningen kom senere enn starten, eller litt etter litt, på en annen måte enn et sprang og en endret"
            " helning.",
            "da": "Virkningen kom senere end starten eller lidt efter lidt, på en anden måde end et spring og en ændret"
            " hældning.",
        },
        "memory_is_short": {
            "en": "One period resembles the next for longer than the interval reckons with: then it is too narrow.",
            "nb": "En periode ligner den neste lenger enn intervallet regner med: da er det for smalt.",
            "da": "En periode ligner den næste længere, end intervallet regner med: så er det for smalt.",
        },
        "every_event_known": {
            "en": "Events happened that nobody reported.",
            "nb": "Det skjedde hendelser som ingen meldte fra om.",
            "da": "Der skete hændelser, som ingen indberettede.",
        },
        "events_independent": {
            "en": "One event makes the next more likely, or a few homes have most of them: then the bounds are too narrow.",
            "nb": "Én hendelse gjør den neste mer sannsynlig, eller noen få hjem har de fleste: da er grensene for smale.",
            "da": "Én hændelse gør den næste mere sandsynlig, eller nogle få hjem har de fleste: så er grænserne for snævre.",
        },
        "same_person_answers": {
            "en": "Somebody else answered the second time, or helped with the answer.",
            "nb": "En annen svarte den andre gangen, eller hjalp til med svaret.",
            "da": "En anden svarede anden gang eller hjalp med svaret.",
        },
        "answers_are_honest": {
            "en": "People answered what they thought was hoped for.",
            "nb": "Folk svarte det de trodde man håpet på.",
            "da": "Folk svarede det, de troede, man håbede på.",
        },
        "users_alike": {
            "en": "Homes that use it more differ from those that use it less in health, help and household: then the use is not"
            " what made the difference.",
            "nb": "Hjem som bruker den mer, er ulike dem som bruker den mindre, i helse, hjelp og husstand: da er det ikke bruken"
            " som gjorde forskjellen.",
            "da": "Hjem, der bruger den mere, adskiller sig fra dem, der bruger den mindre, i helbred, hjælp og husstand: så er"
            " det ikke brugen, der gjorde forskellen.",
        },
    }
)
"""For each key what would break the assumption, one sentence by language. Keys are stable, sentences may be improved."""
