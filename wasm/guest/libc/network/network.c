/* Sockets without a network. A socket can be made and set up; what would reach a network fails as on a Linux
 * machine without one, with an error that Python turns into an exception. Names of hosts are in hosts.c,
 * those of services in services.c. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libc/network/sockets.h"

/* Of each descriptor that is a socket. A run has fewer. */
enum { MAX_DESCRIPTORS = 256 };
static unsigned char families[MAX_DESCRIPTORS];
static unsigned char types[MAX_DESCRIPTORS];

static int fail(int error)
{
    errno = error;
    return -1;
}

/* A descriptor of the one directory there is stands for the socket, so that closing and counting
 * descriptors works as ever. */
int socket(int family, int type, int protocol)
{
    int kind = type & ~(LINUX_SOCK_NONBLOCK | LINUX_SOCK_CLOEXEC);
    if (family != LINUX_AF_INET && family != LINUX_AF_INET6 && family != LINUX_AF_UNIX) {
        return fail(EAFNOSUPPORT);
    }
    if (kind != LINUX_SOCK_STREAM && kind != LINUX_SOCK_DGRAM) {
        return fail(EPERM); /* Raw sockets are for root. */
    }
    int fd = open("/tmp", O_RDONLY | O_DIRECTORY);
    if (fd >= 0 && fd < MAX_DESCRIPTORS) {
        families[fd] = family;
        types[fd] = kind;
    }
    return fd;
}

static int is_stream(int fd)
{
    return fd < 0 || fd >= MAX_DESCRIPTORS || types[fd] != LINUX_SOCK_DGRAM;
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
    return fail(ENETDOWN);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    return fail(ENETUNREACH);
}

int listen(int fd, int backlog)
{
    return fail(is_stream(fd) ? ENETDOWN : EOPNOTSUPP);
}

int sandbox_accept(int fd, struct sockaddr *address, socklen_t *size)
{
    return fail(is_stream(fd) ? EINVAL : EOPNOTSUPP);
}

int sandbox_shutdown(int fd, int how)
{
    return fail(ENOTCONN);
}

int getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
    return fail(ENOTCONN);
}

/* Of a socket that is not bound: port 0 of any address. */
int getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
    int family = fd >= 0 && fd < MAX_DESCRIPTORS ? families[fd] : LINUX_AF_UNSPEC;
    if (family == LINUX_AF_UNSPEC) {
        return fail(ENOTSOCK);
    }
    socklen_t needed = family == LINUX_AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (*size < needed) {
        return fail(EINVAL);
    }
    memset(address, 0, needed);
    address->sa_family = family;
    *size = needed;
    return 0;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
    return 0;
}

int sandbox_getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
    enum { LINUX_SOL_SOCKET = 1, LINUX_SO_TYPE = 3 };
    memset(value, 0, *size);
    if (level == LINUX_SOL_SOCKET && option == LINUX_SO_TYPE && *size >= sizeof(int)) {
        *(int *)value = is_stream(fd) ? LINUX_SOCK_STREAM : LINUX_SOCK_DGRAM;
    }
    return 0;
}

ssize_t sandbox_recv(int fd, void *buffer, size_t size, int flags)
{
    return fail(ENOTCONN);
}

ssize_t recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *from, socklen_t *from_size)
{
    return fail(ENOTCONN);
}

ssize_t sandbox_send(int fd, const void *data, size_t size, int flags)
{
    return fail(is_stream(fd) ? EPIPE : EDESTADDRREQ);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size)
{
    return fail(is_stream(fd) ? EPIPE : ENETUNREACH);
}
