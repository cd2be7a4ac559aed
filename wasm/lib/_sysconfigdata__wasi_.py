"""What sysconfig would have learnt from CPython's Makefile: nothing that matters here."""

build_time_vars = {
    "ABIFLAGS": "",
    "EXT_SUFFIX": ".so",
    "HOST_GNU_TYPE": "wasm32-unknown-wasip1",
    "LIBDIR": "/lib",
    "Py_DEBUG": 0,
    "Py_GIL_DISABLED": 0,
    "SIZEOF_SIZE_T": 4,
    "SIZEOF_VOID_P": 4,
    "SOABI": "",
    "TZPATH": "",
    "VERSION": "3.13",
    "WITH_DOC_STRINGS": 1,
}
