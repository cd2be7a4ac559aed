"""hashlib.scrypt, which CPython takes from OpenSSL alone."""

import operator

from _sandbox.pbkdf2 import pbkdf2_hmac

# OpenSSL's, for maxmem=0.
DEFAULT_MEMORY = 32 << 20


def scrypt(password, *, salt=None, n=None, r=None, p=None, maxmem=0, dklen=64):
    """scrypt password-based key derivation function."""
    if salt is None:
        raise TypeError("salt is required")
    for name, value in ("n", n), ("r", r), ("p", p):
        if value is None:
            raise TypeError(f"{name} is required and must be an unsigned int")
    n, r, p, maxmem, dklen = map(operator.index, (n, r, p, maxmem, dklen))
    if n < 2 or n & (n - 1):
        raise ValueError("n must be a power of 2.")
    if maxmem < 0:
        raise ValueError(f"maxmem must be positive and smaller than {2**31 - 1}")
    if dklen < 1:
        raise ValueError(f"dklen must be greater than 0 and smaller than {2**31 - 1}")
    if r < 1 or p < 1 or 128 * r * (n + 2 + p) > (maxmem or DEFAULT_MEMORY):
        raise ValueError("Invalid parameter combination for n, r, p, maxmem.")
    from _scrypt import mix

    blocks = pbkdf2_hmac("sha256", password, salt, 1, 128 * r * p)
    mixed = b"".join(mix(blocks[at : at + 128 * r], n) for at in range(0, len(blocks), 128 * r))
    return pbkdf2_hmac("sha256", password, mixed, 1, dklen)
