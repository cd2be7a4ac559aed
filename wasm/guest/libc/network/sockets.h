/* Linux's numbers, which CPython is compiled with as well (edits/network.toml). */

#ifndef SOCKETS_H
#define SOCKETS_H

#include <netinet/in.h>

enum {
    LINUX_AF_UNSPEC = 0,
    LINUX_AF_UNIX = 1,
    LINUX_AF_INET = 2,
    LINUX_AF_INET6 = 10,
    LINUX_SOCK_STREAM = 1,
    LINUX_SOCK_DGRAM = 2,
    LINUX_SOCK_RAW = 3,
    LINUX_SOCK_NONBLOCK = 04000,
    LINUX_SOCK_CLOEXEC = 02000000,
};

#endif
