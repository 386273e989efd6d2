"""Which 32 bytes are a sound Ed25519 public key.

Libraries accept points of small order as public keys; a signature made with one verifies for
messages that nobody signed. This file decodes the point itself and accepts only points of the
prime-order subgroup in their one canonical encoding, which every honestly made key is.

Curve and encoding: RFC 8032, section 5.1. Small-order points: Chalkias, Garillot and Nikolaenko,
"Taming the many EdDSAs" (SSR 2020).
"""

from __future__ import annotations

from functools import lru_cache

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_SQRT_MINUS_1 = pow(2, (_P - 1) // 4, _P)

_Point = tuple[int, int, int, int]  # extended coordinates X, Y, Z, T with T = X Y / Z
_IDENTITY: _Point = (0, 1, 1, 0)


@lru_cache(maxsize=256)
def check_public_point(encoded: bytes) -> None:
    """Raise `ValueError` unless `encoded` is 32 bytes of a canonical, prime-order Ed25519 point."""
    point = _decode(encoded)
    if _is_identity(_multiply(8, point)):
        raise ValueError(
            "the public key is a low-order point: signatures made with it prove nothing, "
            "so it cannot be a person's key"
        )
    if not _is_identity(_multiply(_L, point)):
        raise ValueError("the public key does not lie in the prime-order subgroup of Ed25519")


def _decode(encoded: bytes) -> _Point:
    if len(encoded) != 32:
        raise ValueError(f"an Ed25519 public key has 32 bytes; this one has {len(encoded)}")
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= _P:
        raise ValueError("the public key is not in its canonical encoding (a low-order point in disguise)")
    x = _recover_x(y)
    if x == 0 and sign:
        raise ValueError("the public key is not in its canonical encoding (a low-order point in disguise)")
    if x & 1 != sign:
        x = _P - x
    return (x, y, 1, x * y % _P)


def _recover_x(y: int) -> int:
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _SQRT_MINUS_1 % _P
    if (x * x - square) % _P:
        raise ValueError("the public key is not a point of the curve Ed25519")
    return x


def _add(a: _Point, b: _Point) -> _Point:
    s = (a[1] - a[0]) * (b[1] - b[0]) % _P
    t = (a[1] + a[0]) * (b[1] + b[0]) % _P
    u = 2 * a[3] * b[3] * _D % _P
    v = 2 * a[2] * b[2] % _P
    e, f, g, h = t - s, v - u, v + u, t + s
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _multiply(scalar: int, point: _Point) -> _Point:
    result = _IDENTITY
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _is_identity(point: _Point) -> bool:
    return point[0] % _P == 0 and (point[1] - point[2]) % _P == 0
