"""How finely a currency is paid out (ISO 4217, minor units), and exact sums rounded to that."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

EXACT = Context(prec=60)
"""Wide enough that no sum or product of the ledger's numbers is ever rounded."""

_OTHER_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_MINOR_DIGITS = {code: digits for digits, codes in _OTHER_DIGITS.items() for code in codes.split()}


def minor_digits(currency: str) -> int:
    """Return the decimals of a currency: 2, but for those that ISO 4217 lists otherwise."""
    return _MINOR_DIGITS.get(currency, 2)


def payable(exact: Decimal, currency: str) -> Decimal:
    """Return an exact sum rounded half to even at the currency's minor unit."""
    unit = Decimal(1).scaleb(-minor_digits(currency))
    return exact.quantize(unit, rounding=ROUND_HALF_EVEN, context=EXACT)


def plain(amount: Decimal, currency: str) -> str:
    """Return an amount exactly, as digits: at least the currency's decimals, and no zero as `-0`."""
    digits = minor_digits(currency)
    text = format(amount if amount else abs(amount), "f")
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(digits, "0")
    return f"{whole}.{fraction}" if fraction else whole
