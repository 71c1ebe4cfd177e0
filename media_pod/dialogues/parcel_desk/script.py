"""The texts of the parcel desk, and its fictitious parcels."""

from dataclasses import dataclass

from media_pod.dialogues.parcel_desk.intents import STREETS

NUMBER_DIGITS = 4

GREETING = "Hello, this is the parcel desk."
ASK_NUMBER = "Please tell me the four digits of your tracking number."
KEY_NUMBER = "You can also enter the four digits on the keys of your telephone."
IS_THAT_RIGHT = "Is that right?"
KEY_YES_NO = "Please say yes or no, or press one for yes and two for no."
ASK_WISH = "Would you like to change the address, or is that all for today?"
KEY_WISH = "Say address, repeat, or goodbye."
ASK_ADDRESS = "What is the new street, and the house number, digit by digit?"
KEY_ADDRESS = f"The streets that I deliver to are {', '.join(STREETS[:-1])} and {STREETS[-1]}."
SHALL_I_GO_ON = "Shall I go on?"

SORRY = "Sorry, I did not understand that."
STOPPED = "All right, I have stopped."
TAKE_YOUR_TIME = "All right, take your time."
GIVE_UP = "I am sorry, I cannot understand you today. Please call again later. Goodbye."
GOODBYE = "Thank you for calling. Goodbye."
PUT_THROUGH = "One moment please, I put you through."
NOBODY_ELSE = "I am sorry, nobody else is here."
HELP = "I can tell you where your parcel is, and change its address."

POLICY = (
    "Before it is delivered, I have to tell you our delivery policy.",
    "Our driver comes between eight in the morning and six in the evening, and rings once.",
    "If nobody opens the door, the driver leaves a card and takes the parcel back to the depot.",
    "The depot keeps every parcel for ten working days, and asks for a photo identity card.",
    "After ten working days the parcel goes back to its sender, who pays for the way back.",
    "Please report a damaged parcel within seven days, and keep the box and all that was in it.",
    "A neighbour can accept your parcel for you, if you have told us the name on the door.",
)
"""Half a minute of speech, which the demonstration interrupts."""

_PLACES = (
    "at the depot in Riverside, and comes tomorrow morning",
    "in the van of our driver, and comes this afternoon",
    "at the sorting centre in Northfield, and comes in two days",
    "at the airport, and comes on Friday",
    "at the depot in Oakham, and comes tomorrow afternoon",
)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel: its location and destination."""

    number: str
    place: str
    street: str
    house: str

    @property
    def status(self) -> str:
        """The location, as a sentence."""
        return f"Your parcel {spoken(self.number)} is {self.place}."


def find_parcel(number: str) -> Parcel | None:
    """The fictitious parcel of a tracking number; deterministic. Numbers do not begin with 0."""
    if len(number) != NUMBER_DIGITS or number.startswith("0"):
        return None
    seed = int(number)
    return Parcel(
        number, _PLACES[seed % len(_PLACES)], STREETS[seed % len(STREETS)], str(seed % 89 + 1)
    )


def spoken(digits: str) -> str:
    """`digits` separated by blanks, to be spoken one by one."""
    return " ".join(digits)


def address(street: str, house: str) -> str:
    """An address as it is spoken."""
    return f"{street}, house number {spoken(house)}"
