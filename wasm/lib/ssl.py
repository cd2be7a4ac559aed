"""TLS for sockets, of which the sandbox has none: what code names is here, and opening a connection raises
what the absence of a network raises."""

import enum as _enum
import socket as _socket
from collections import namedtuple as _namedtuple

OPENSSL_VERSION = "none (the sandbox has no network)"
OPENSSL_VERSION_NUMBER = 0
OPENSSL_VERSION_INFO = (0, 0, 0, 0, 0)
HAS_ALPN = HAS_NEVER_CHECK_COMMON_NAME = HAS_SNI = HAS_ECDH = HAS_TLSv1_2 = HAS_TLSv1_3 = True
HAS_SSLv2 = HAS_SSLv3 = HAS_NPN = HAS_TLSv1 = HAS_TLSv1_1 = HAS_PSK = False
CHANNEL_BINDING_TYPES = ["tls-unique"]


class _SSLMethod(_enum.IntEnum):
    PROTOCOL_TLS = PROTOCOL_SSLv23 = 2
    PROTOCOL_TLS_CLIENT = 16
    PROTOCOL_TLS_SERVER = 17
    PROTOCOL_TLSv1 = 3
    PROTOCOL_TLSv1_1 = 4
    PROTOCOL_TLSv1_2 = 5


class VerifyMode(_enum.IntEnum):
    CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED = range(3)


class VerifyFlags(_enum.IntFlag):
    VERIFY_DEFAULT = 0
    VERIFY_CRL_CHECK_LEAF = 4
    VERIFY_CRL_CHECK_CHAIN = 12
    VERIFY_X509_STRICT = 32
    VERIFY_ALLOW_PROXY_CERTS = 64
    VERIFY_X509_TRUSTED_FIRST = 0x8000
    VERIFY_X509_PARTIAL_CHAIN = 0x80000


class TLSVersion(_enum.IntEnum):
    MINIMUM_SUPPORTED = -2
    SSLv3 = 768
    TLSv1 = 769
    TLSv1_1 = 770
    TLSv1_2 = 771
    TLSv1_3 = 772
    MAXIMUM_SUPPORTED = -1


class Options(_enum.IntFlag):
    OP_ALL = 0x80000050
    OP_NO_SSLv2 = 0
    OP_NO_SSLv3 = 0x2000000
    OP_NO_TLSv1 = 0x4000000
    OP_NO_TLSv1_1 = 0x10000000
    OP_NO_TLSv1_2 = 0x8000000
    OP_NO_TLSv1_3 = 0x20000000
    OP_NO_COMPRESSION = 0x20000
    OP_NO_TICKET = 0x4000
    OP_NO_RENEGOTIATION = 0x40000000
    OP_CIPHER_SERVER_PREFERENCE = 0x400000
    OP_SINGLE_DH_USE = OP_SINGLE_ECDH_USE = 0
    OP_IGNORE_UNEXPECTED_EOF = 0x80
    OP_LEGACY_SERVER_CONNECT = 0x4


class AlertDescription(_enum.IntEnum):
    ALERT_DESCRIPTION_CLOSE_NOTIFY = 0
    ALERT_DESCRIPTION_HANDSHAKE_FAILURE = 40
    ALERT_DESCRIPTION_BAD_CERTIFICATE = 42
    ALERT_DESCRIPTION_CERTIFICATE_EXPIRED = 45
    ALERT_DESCRIPTION_UNKNOWN_CA = 48
    ALERT_DESCRIPTION_INTERNAL_ERROR = 80


class SSLErrorNumber(_enum.IntEnum):
    SSL_ERROR_SSL = 1
    SSL_ERROR_WANT_READ = 2
    SSL_ERROR_WANT_WRITE = 3
    SSL_ERROR_SYSCALL = 5
    SSL_ERROR_ZERO_RETURN = 6
    SSL_ERROR_EOF = 8


for _names in _SSLMethod, VerifyMode, VerifyFlags, Options, AlertDescription, SSLErrorNumber:
    globals().update(_names.__members__)
del _names


class SSLError(OSError):
    """An error of TLS."""

    library = reason = None


class SSLZeroReturnError(SSLError):
    """The connection has been closed."""


class SSLWantReadError(SSLError):
    """More data has to be received first."""


class SSLWantWriteError(SSLError):
    """More data has to be sent first."""


class SSLSyscallError(SSLError):
    """A call of the system has failed."""


class SSLEOFError(SSLError):
    """The connection has ended without notice."""


class SSLCertVerificationError(SSLError, ValueError):
    """A certificate is not valid."""

    verify_code, verify_message = 0, ""


CertificateError = SSLCertVerificationError
socket_error = OSError
DefaultVerifyPaths = _namedtuple(
    "DefaultVerifyPaths",
    "cafile capath openssl_cafile_env openssl_cafile openssl_capath_env openssl_capath",
)
_ASN1Object = _namedtuple("_ASN1Object", "nid shortname longname oid")


class Purpose(_ASN1Object, _enum.Enum):
    """What a context is for."""

    SERVER_AUTH = 129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"
    CLIENT_AUTH = 130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"


def _no_network(*arguments, **keywords):
    """Raises what a connection without TLS raises."""
    raise _socket.gaierror(_socket.EAI_NONAME, "the sandbox has no network")


class SSLContext:
    """Settings of connections. All can be made; there is no connection to use them for."""

    sslsocket_class = sslobject_class = None

    def __new__(cls, protocol=None, *arguments, **keywords):
        self = super().__new__(cls)
        self.protocol = _SSLMethod.PROTOCOL_TLS if protocol is None else _SSLMethod(protocol)
        client = self.protocol == _SSLMethod.PROTOCOL_TLS_CLIENT
        self._check_hostname = client
        self._verify_mode = VerifyMode.CERT_REQUIRED if client else VerifyMode.CERT_NONE
        self.verify_flags = VerifyFlags.VERIFY_X509_TRUSTED_FIRST
        self.options = Options.OP_ALL | Options.OP_NO_SSLv3 | Options.OP_NO_COMPRESSION
        self.minimum_version = TLSVersion.TLSv1_2
        self.maximum_version = TLSVersion.MAXIMUM_SUPPORTED
        self.post_handshake_auth = False
        self.hostname_checks_common_name = False
        self.keylog_filename = None
        self.sni_callback = None
        return self

    @property
    def check_hostname(self):
        """Whether the server's name is compared with its certificate's."""
        return self._check_hostname

    @check_hostname.setter
    def check_hostname(self, value):
        self._check_hostname = bool(value)
        if value and self._verify_mode == VerifyMode.CERT_NONE:
            self._verify_mode = VerifyMode.CERT_REQUIRED

    @property
    def verify_mode(self):
        """Whether certificates are verified."""
        return self._verify_mode

    @verify_mode.setter
    def verify_mode(self, value):
        value = VerifyMode(value)
        if value == VerifyMode.CERT_NONE and self._check_hostname:
            raise ValueError("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
        self._verify_mode = value

    def _nothing(self, *arguments, **keywords):
        """Sets what only a connection would use."""

    load_default_certs = set_default_verify_paths = set_ciphers = set_alpn_protocols = set_npn_protocols = _nothing
    set_ecdh_curve = set_servername_callback = load_dh_params = _nothing

    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        """Reads certificates of authorities."""
        if cafile is None and capath is None and cadata is None:
            raise TypeError("cafile, capath and cadata cannot be all omitted")
        if cafile is not None:
            open(cafile, "rb").close()

    def load_cert_chain(self, certfile, keyfile=None, password=None):
        """Reads a certificate and its key."""
        for file in (certfile, keyfile):
            if file is not None:
                open(file, "rb").close()

    def get_ca_certs(self, binary_form=False):
        """The certificates of authorities: none."""
        return []

    def get_ciphers(self):
        """The ciphers: none."""
        return []

    def cert_store_stats(self):
        """How many certificates there are."""
        return {"x509": 0, "crl": 0, "x509_ca": 0}

    def session_stats(self):
        """How many sessions there were."""
        return dict.fromkeys("number connect connect_good connect_renegotiate accept hits misses".split(), 0)

    wrap_socket = wrap_bio = _no_network


class SSLSocket(_socket.socket):
    """A connection; there can be none."""

    __init__ = _no_network


class SSLObject:
    """A connection over memory; there can be none."""

    __init__ = _no_network


class SSLSession:
    """A session of a connection."""


class MemoryBIO:
    """A buffer between TLS and a connection."""

    def __init__(self):
        self._data, self._ended = bytearray(), False

    pending = property(lambda self: len(self._data), doc="How many bytes there are.")
    eof = property(lambda self: self._ended and not self._data, doc="Whether there will be no more.")

    def read(self, n=-1):
        """Takes at most n bytes."""
        size = len(self._data) if n < 0 else n
        taken = bytes(self._data[:size])
        del self._data[:size]
        return taken

    def write(self, buf):
        """Adds bytes."""
        self._data += buf
        return len(buf)

    def write_eof(self):
        """Says that there will be no more."""
        self._ended = True


SSLContext.sslsocket_class, SSLContext.sslobject_class = SSLSocket, SSLObject


def create_default_context(purpose=Purpose.SERVER_AUTH, *, cafile=None, capath=None, cadata=None):
    """A context with settings for most connections."""
    if not isinstance(purpose, _ASN1Object):
        raise TypeError(purpose)
    client = purpose is Purpose.SERVER_AUTH
    context = SSLContext(_SSLMethod.PROTOCOL_TLS_CLIENT if client else _SSLMethod.PROTOCOL_TLS_SERVER)
    if cafile or capath or cadata:
        context.load_verify_locations(cafile, capath, cadata)
    return context


def _create_unverified_context(protocol=None, **keywords):
    context = SSLContext(_SSLMethod.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = VerifyMode.CERT_NONE
    return context


_create_default_https_context = create_default_context
_create_stdlib_context = _create_unverified_context


def get_default_verify_paths():
    """Where certificates of authorities are: nowhere."""
    return DefaultVerifyPaths(None, None, "SSL_CERT_FILE", "", "SSL_CERT_DIR", "")


get_server_certificate = _no_network


def cert_time_to_seconds(cert_time):
    """The time of a certificate in seconds since the epoch."""
    from calendar import timegm
    from time import strptime

    if not cert_time.endswith(" GMT"):
        raise ValueError(f"time data {cert_time!r} does not match format '%b %d %H:%M:%S %Y GMT'")
    return timegm(strptime(cert_time, "%b %d %H:%M:%S %Y GMT"))


_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def DER_cert_to_PEM_cert(der_cert_bytes):
    """A certificate as text."""
    from base64 import standard_b64encode

    text = standard_b64encode(der_cert_bytes).decode()
    return "\n".join([_BEGIN, *(text[at : at + 64] for at in range(0, len(text), 64)), _END, ""])


def PEM_cert_to_DER_cert(pem_cert_string):
    """A certificate as bytes."""
    from base64 import decodebytes

    text = pem_cert_string.strip()
    if not text.startswith(_BEGIN) or not text.endswith(_END):
        raise ValueError(f"Invalid PEM encoding; must start with {_BEGIN}")
    return decodebytes(text[len(_BEGIN) : -len(_END)].encode())


def RAND_bytes(n):
    """Random bytes."""
    from os import urandom

    return urandom(n)


def RAND_status():
    """Whether there is enough randomness."""
    return True


def RAND_add(string, entropy):
    """Adds randomness; there is enough."""
