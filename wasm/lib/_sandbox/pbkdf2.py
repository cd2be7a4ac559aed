"""hashlib.pbkdf2_hmac, which CPython takes from OpenSSL alone."""

import hashlib
import operator

_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


def pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    """Password based key derivation function 2 (PKCS #5 v2.0) with HMAC as pseudorandom function."""
    if not isinstance(hash_name, str):
        raise TypeError(f"pbkdf2_hmac() argument 'hash_name' must be str, not {type(hash_name).__name__}")
    password, salt = bytes(memoryview(password)), bytes(memoryview(salt))
    iterations = operator.index(iterations)
    if iterations < 1:
        raise ValueError("iteration value must be greater than 0.")
    template = hashlib.new(hash_name)
    size, block_size = template.digest_size, template.block_size
    length = size if dklen is None else operator.index(dklen)
    if length < 1:
        raise ValueError("key length must be greater than 0.")

    # HMAC by hand: both hashes begin with the key, so that part of them is computed once.
    if len(password) > block_size:
        password = hashlib.new(hash_name, password).digest()
    key = password.ljust(block_size, b"\0")
    start_inner = hashlib.new(hash_name, key.translate(_INNER)).copy
    start_outer = hashlib.new(hash_name, key.translate(_OUTER)).copy
    number = int.from_bytes
    derived = b""
    block = 0
    while len(derived) < length:
        block += 1
        message = salt + block.to_bytes(4)
        result = 0
        for _ in range(iterations):
            inner = start_inner()
            inner.update(message)
            outer = start_outer()
            outer.update(inner.digest())
            message = outer.digest()
            result ^= number(message)
        derived += result.to_bytes(size)
    return derived[:length]
