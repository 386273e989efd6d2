"""Territory codes: ISO 3166-1 alpha-2 countries, and their ISO 3166-2 subdivisions by form."""

from __future__ import annotations

import re

WORLDWIDE = "worldwide"

_OFFICIAL = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH
ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT
HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS
LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI
NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG
SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""

COUNTRY_CODES = frozenset(_OFFICIAL.split())
"""The 249 officially assigned codes of ISO 3166-1."""

USER_ASSIGNED = frozenset({"XK"})
"""Codes in wide use from the user-assigned range: Kosovo."""


def check_territory(code: str) -> str:
    """Return `code`, or raise `ValueError` where it is no territory."""
    country = code.split("-", 1)[0]
    known = country in COUNTRY_CODES or country in USER_ASSIGNED
    if code == WORLDWIDE or (known and re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", code)):
        return code
    raise ValueError(
        f"{code!r} is no territory: give {WORLDWIDE!r}, an ISO 3166-1 alpha-2 code in capitals (DE, US), "
        "or a subdivision of one (US-CA)"
    )


def territory_covers(granted: str, asked: str) -> bool:
    """True where `granted` holds the whole of `asked`: a country holds its subdivisions."""
    return granted in (WORLDWIDE, asked) or asked.startswith(granted + "-")
