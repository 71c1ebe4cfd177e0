"""What the synthetic voices say: other sentences in each split, in several languages."""

from collections.abc import Mapping
from typing import Final

from interject_lab.material.material import Split

Texts = Mapping[str, tuple[str, ...]]
"""By language, a tag of espeak-ng without its region."""

NOTICES: Final[Mapping[Split, Texts]] = {
    "train": {
        "en": (
            "Thank you for calling the clinic. We are open from eight to six on weekdays.",
            "Your order has been packed, and the courier will collect it later this afternoon.",
            "Before I can open the account, I need your full name and the year of your birth.",
            "There is a delay of twenty minutes on the northern line because of a broken signal.",
            "The next free appointment is on Thursday at half past nine with Doctor Lindqvist.",
            "I have found two bookings under that name. The first one is for a garden room.",
            "To confirm the transfer, please read me the last four digits of your card.",
            "Your contract ends in March. You may extend it by a year, or move to a smaller plan.",
            "The engineer has to turn off the water for an hour, so please fill a kettle.",
            "We have sent a code to your telephone. It is valid for ten minutes, and only once.",
            "Parking is free after seven in the evening, on Sundays, and on public holidays.",
            "If the red lamp blinks three times, hold the button on the back until it stops.",
            "The price includes breakfast, and the use of the pool, but not the city tax.",
        ),
        "de": (
            "Vielen Dank, dass Sie warten. Der nächste freie Mitarbeiter ist gleich für Sie da.",
            "Ihr Paket liegt in der Filiale am Marktplatz und kann bis Freitag abgeholt werden.",
            "Bitte nennen Sie mir zuerst Ihre Kundennummer, sie steht auf der Rechnung.",
        ),
        "fr": (
            "Votre rendez-vous est confirmé pour mardi prochain à quatorze heures trente.",
            "Nous avons bien reçu votre demande, et un conseiller vous rappellera avant midi.",
            "Le guichet est fermé le lundi, mais vous pouvez payer par carte à tout moment.",
        ),
        "es": (
            "Su pedido ha salido del almacén y llegará mañana entre las nueve y las once.",
            "Para cambiar la fecha de su vuelo, dígame primero el número de la reserva.",
            "La oficina abre a las ocho y cierra a las tres, de lunes a viernes.",
        ),
        "it": (
            "La sua prenotazione è confermata per due persone, sabato sera alle otto e mezza.",
            "Il tecnico passerà domani mattina, e la chiamerà dieci minuti prima di arrivare.",
        ),
    },
    "validation": {
        "en": (
            "This is the library. The book that you asked for is now waiting at the front desk.",
            "Your meter was read on Monday, and the new bill will be sent within a week.",
            "We can repair the washing machine at your home, or collect it and bring it back.",
            "The train at ten past four does not run today, please take the one at half past.",
        ),
        "de": (
            "Die Werkstatt ist fertig mit Ihrem Wagen, Sie können ihn heute bis sechs abholen.",
            "Wegen einer Störung fährt die Linie zwölf heute nur bis zum Rathaus.",
        ),
        "pt": ("A sua consulta foi marcada para quarta-feira, às dez horas da manhã.",),
    },
    "test": {
        "en": (
            "Welcome to the insurance desk. I will ask you three questions about the damage.",
            "The chemist has your prescription ready. Please bring your card and a photograph.",
            "Your room is on the second floor. The lift is on the left, just behind the reception.",
            "We could not take the payment, because the card is out of date. What now?",
            "The concert has been moved to the large hall, and all of the tickets remain valid.",
            "Our driver rang the bell twice. He will try again tomorrow, at about the same time.",
            "I can offer you a refund, a voucher for the same amount, or a new pair of shoes.",
        ),
        "nl": (
            "Uw aanvraag is ontvangen, en u krijgt binnen drie dagen een brief van ons.",
            "De winkel is vandaag open tot negen uur, en op zondag van twaalf tot vijf.",
        ),
        "pl": (
            "Pana zamówienie zostało wysłane i dotrze w piątek przed południem.",
            "Proszę podać numer umowy, znajduje się na pierwszej stronie faktury.",
        ),
        "sv": ("Din tid är bokad till torsdag klockan tio, hos sjuksköterskan på plan två.",),
    },
}
"""Read by bots: 2 to 9 s each."""

PHRASES: Final[Mapping[Split, Texts]] = {
    "train": {
        "en": (
            "one moment please",
            "no, not that one",
            "what did you say",
            "I meant the other order",
            "can you repeat the number",
            "it is spelled with a double t",
            "sorry, I did not catch that",
            "actually, make it two",
            "my name is Rosalind Carter",
            "four seven one nine",
            "that is far too expensive",
            "I would rather come on Friday",
            "please cancel it",
            "how long will that take",
            "you have the wrong address",
            "yes, go on, I am listening",
            "stop, I need to write this down",
            "is there anything earlier",
            "no thank you, that is all",
            "could I speak to a manager",
            "why is it still not here",
            "I have already paid for it",
            "the second one, please",
            "who is calling",
            "let me look for my card",
            "I do not have that with me",
            "but you told me it was free",
            "twenty two, Mill Lane",
            "do you also open on Sundays",
            "hello, are you there",
            "oh no, wait, wait",
            "that is correct",
            "forget about the invoice",
            "it broke after two days",
        ),
        "de": (
            "einen Augenblick bitte",
            "nein, das stimmt nicht",
            "ich habe eine Frage dazu",
            "können Sie das wiederholen",
            "die Nummer ist acht drei fünf",
            "ich möchte lieber kündigen",
        ),
        "fr": (
            "attendez une seconde",
            "non, ce n'est pas ça",
            "vous pouvez répéter",
            "je voudrais changer l'heure",
            "c'est à quel étage",
            "je n'ai pas compris",
        ),
        "es": (
            "espere un momento",
            "no, eso no es",
            "tengo una pregunta",
            "quiero hablar con alguien",
            "cuánto cuesta el envío",
            "mi apellido es Herrera",
        ),
        "it": (
            "un attimo per favore",
            "no, non è quello",
            "può ripetere il numero",
            "vorrei disdire tutto",
            "a che ora chiudete",
            "non ho sentito bene",
        ),
    },
    "validation": {
        "en": (
            "hang on a minute",
            "no, I never ordered that",
            "which of the two is cheaper",
            "please say that once more",
            "six zero eight, double two",
            "it is Thompson, with a p",
            "that will not work for me",
            "can you send it by mail",
            "I only wanted to ask something",
            "all right, but not today",
            "is that with or without tax",
            "I am in a hurry",
        ),
        "de": (
            "Moment, so schnell nicht",
            "welche Adresse haben Sie denn",
            "nein danke, kein Interesse",
            "das wäre am Mittwoch besser",
        ),
        "pt": (
            "espere um pouco",
            "não é isso que eu quero",
            "pode falar mais devagar",
            "o número é sete dois um",
        ),
    },
    "test": {
        "en": (
            "excuse me, just a second",
            "that cannot be right",
            "where did you get that from",
            "I would like a refund",
            "nine three five, zero six",
            "this is Margaret Osei speaking",
            "could you please slow down",
            "no, leave it as it was",
            "when does the shop close",
            "we moved house in April",
            "the colour is not the same",
            "do I need to sign for it",
            "put me through to billing",
            "I was told something else",
            "yes, that would be fine",
            "it still makes that noise",
            "what about my deposit",
            "hold it, I am not finished",
            "thirty one, not thirteen",
            "can we do this another day",
        ),
        "nl": (
            "wacht even alstublieft",
            "nee, dat klopt niet",
            "wat kost het dan",
            "ik wil iemand spreken",
            "het is nummer veertig",
            "dat heb ik al betaald",
        ),
        "pl": (
            "proszę chwilę poczekać",
            "nie, to nie tak",
            "ile to kosztuje",
            "chcę zmienić termin",
            "nie słyszę pana",
            "numer osiem cztery dwa",
        ),
        "sv": (
            "vänta ett ögonblick",
            "nej, det är fel",
            "kan du säga det igen",
            "jag vill avboka tiden",
            "vad kostar det",
            "det var inte jag",
        ),
    },
}
"""Said by callers: questions, corrections, refusals, numbers and names of 0.6 to 2.5 s."""

WORDS: Final[Mapping[Split, Texts]] = {
    "train": {
        "en": ("yes", "okay", "right", "sure", "uh huh", "three", "b", "well", "seven"),
        "de": ("ja", "genau", "gut", "acht"),
        "fr": ("oui", "bon", "merci", "deux"),
        "es": ("sí", "vale", "claro", "cinco"),
        "it": ("sì", "certo", "bene", "tre"),
    },
    "validation": {
        "en": ("yep", "fine", "I see", "nine", "k"),
        "de": ("stimmt", "aha", "vier"),
        "pt": ("sim", "certo", "dois"),
    },
    "test": {
        "en": ("yeah", "good", "true", "oh", "four", "two", "m"),
        "nl": ("jawel", "prima", "zes"),
        "pl": ("tak", "dobrze", "pięć"),
        "sv": ("jo", "precis", "sju"),
    },
}
"""Said by callers who only show that they listen: 0.15 to 0.6 s."""
