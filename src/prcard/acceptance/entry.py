"""Names, sex, nationality and number as a sector enters them into its own forms. Nothing is guessed.

The English name stands on the card as it is printed, the surname before a comma. Where there is no comma, the card does
not tell which part is the surname: the name is left in its order, and that is said.

Source: foreign-guest entry guide (web page, not confirmed): as printed, capitals, half width, the surname first when a
long name is cut, `?` where it was cut, and the Chinese name too where there is one. Printed forms: front of the card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prcard.record import to_document
from prcard.record.codes import SEX, country_by_alpha3

if TYPE_CHECKING:
    from prcard.acceptance.profile import EntryForm, Profile
    from prcard.record import CardRecord

__all__ = ["EnteredName", "enter_name", "enter_nationality", "enter_record", "enter_sex", "half_width"]

_LETTERS: Final = {"1": "M", "2": "F"}
_ORDER: Final = (
    *("name", "chinese_name", "english_name", "sex", "nationality", "nation", "birth_date", "number"),
    *("issue_date", "expiry_date", "address"),
)


class EnteredName(NamedTuple):
    """A name as it is entered.

    Attributes:
        text: What to enter.
        cut: True when it was too long.
        surname_told: False when the card does not tell which part is the surname.
    """

    text: str
    cut: bool
    surname_told: bool

    def __repr__(self) -> str:
        """Shows no name, so that no log and no traceback does."""
        return f"<EnteredName cut={self.cut} surname_told={self.surname_told}>"


def half_width(text: str) -> str:
    """Gives full-width letters, digits and signs in half width; everything else stays."""
    return "".join(
        chr(ord(character) - 0xFEE0) if "！" <= character <= "～" else (" " if character == "\u3000" else character)
        for character in text
    )


def enter_name(printed: str, form: EntryForm) -> EnteredName:
    """Gives an English name as a sector enters it.

    Args:
        printed: The name as it stands on the card.
        form: How it is entered.

    >>> from prcard.store.profiles import load_profile
    >>> enter_name("Specimen,  Alice", load_profile("hotel").entry).text
    'SPECIMEN, ALICE'
    """
    text = " ".join((half_width(printed) if form.half_width else printed).split())
    surname, comma, given = (part.strip() for part in text.partition(","))
    if comma:
        text = f"{surname}, {given}" if given else surname
    if form.capitals:
        text = text.upper()
    told = bool(comma) or not form.surname_first or " " not in text
    if not form.name_max_chars or len(text) <= form.name_max_chars:
        return EnteredName(text, cut=False, surname_told=told)
    kept = text[: form.name_max_chars - len(form.cut_mark)].rstrip(" ,")
    return EnteredName(kept + form.cut_mark, cut=True, surname_told=told)


def enter_sex(code: str, form: str) -> str:
    """Gives a sex code in one of `SEX_FORMS`; a code that is in no table stays a code."""
    meaning = SEX.get(code)
    if meaning is None or form == "code":
        return code
    letter = _LETTERS.get(code, "")
    return {"zh": meaning.zh, "letter": letter or code, "printed": f"{meaning.zh}/{letter}".rstrip("/")}[form]


def enter_nationality(alpha3: str, form: str) -> str:
    """Gives a nationality in one of `NATIONALITY_FORMS`; a code that is in no table stays as it is."""
    country = country_by_alpha3(alpha3)
    if country is None or form == "alpha3":
        return alpha3
    forms = {
        "alpha2": country.alpha2,
        "numeric": country.numeric,
        "zh": country.zh,
        "printed": f"{country.zh}/{country.alpha3}",
    }
    return forms[form]


def enter_record(record: CardRecord, profile: Profile) -> tuple[dict[str, str], list[str]]:
    """Gives what a sector enters of a card, and what a person must look at.

    Args:
        record: The decoded card. The values are not masked: they are there to be entered.
        profile: Only fields that it shows are given.

    Returns:
        Values by field; and remarks as codes: `name-cut`, `surname-not-told`, `no-entry-form`.
    """
    document = to_document(record)
    form = profile.entry
    values = {name: str(document[name]) for name in _ORDER if document.get(name) and profile.shows(name)}
    if form is None:
        return values, ["no-entry-form"]
    remarks = []
    if not form.chinese_name:
        values.pop("chinese_name", None)
    if "english_name" in values:
        entered = enter_name(values["english_name"], form)
        values["english_name"] = entered.text
        remarks += ["name-cut"] if entered.cut else []
        remarks += [] if entered.surname_told else ["surname-not-told"]
    forms: dict[str, Any] = {
        "sex": lambda value: enter_sex(value, form.sex_form),
        "nationality": lambda value: enter_nationality(value, form.nationality_form),
    }
    return {name: forms.get(name, str)(value) for name, value in values.items()}, remarks
