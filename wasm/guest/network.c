/* There is no network: what wasi-libc leaves out of the sockets interface fails here, with an error
 * that Python turns into an exception. */

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>

int socket(int domain, int type, int protocol)
{
    errno = EAFNOSUPPORT;
    return -1;
}

static int not_a_socket(void)
{
    errno = ENOTSOCK;
    return -1;
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
    return not_a_socket();
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    return not_a_socket();
}

int getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
    return not_a_socket();
}

int getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
    return not_a_socket();
}

int listen(int fd, int backlog)
{
    return not_a_socket();
}

ssize_t recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *from, socklen_t *from_size)
{
    return not_a_socket();
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size)
{
    return not_a_socket();
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
    return not_a_socket();
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    return EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *info)
{
}

int getnameinfo(const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size, char *service,
                socklen_t service_size, int flags)
{
    return EAI_NONAME;
}

const char *gai_strerror(int error)
{
    return "the sandbox has no network";
}

struct hostent *gethostbyname(const char *name)
{
    return NULL;
}

int *__h_errno_location(void)
{
    static int h_errno_value = 1; /* HOST_NOT_FOUND */
    return &h_errno_value;
}
