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
