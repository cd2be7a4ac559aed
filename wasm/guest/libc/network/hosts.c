/* Addresses of hosts, as on a Linux machine without a network: it knows itself and numbers. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "libc/network/sockets.h"

/* --- addresses and text: wasi-libc's functions take its own numbers --- */

static int wasi_family(int family)
{
    return family == LINUX_AF_INET ? AF_INET : family == LINUX_AF_INET6 ? AF_INET6 : -1;
}

int sandbox_inet_pton(int family, const char *text, void *address)
{
    return inet_pton(wasi_family(family), text, address);
}

const char *sandbox_inet_ntop(int family, const void *address, char *text, socklen_t size)
{
    return inet_ntop(wasi_family(family), address, text, size);
}

char *sandbox_inet_ntoa(struct in_addr address)
{
    static char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address, text, sizeof text);
    return text;
}

/* --- hosts --- */

static bool is_localhost(const char *name)
{
    return strcmp(name, "localhost") == 0 || strcmp(name, "localhost.localdomain") == 0;
}

/* Puts an address and its port to the front of the list at `result`. */
static int add_address(struct addrinfo **result, int family, int type, int protocol, const void *address, int port)
{
    struct addrinfo *info = calloc(1, sizeof *info + sizeof(struct sockaddr_in6));
    if (info == NULL) {
        return EAI_MEMORY;
    }
    info->ai_family = family;
    info->ai_socktype = type;
    info->ai_protocol = protocol;
    info->ai_addr = (struct sockaddr *)(info + 1);
    info->ai_addr->sa_family = family;
    if (family == LINUX_AF_INET) {
        struct sockaddr_in *internet = (struct sockaddr_in *)info->ai_addr;
        info->ai_addrlen = sizeof *internet;
        internet->sin_port = htons(port);
        memcpy(&internet->sin_addr, address, sizeof internet->sin_addr);
    } else {
        struct sockaddr_in6 *internet = (struct sockaddr_in6 *)info->ai_addr;
        info->ai_addrlen = sizeof *internet;
        internet->sin6_port = htons(port);
        memcpy(&internet->sin6_addr, address, sizeof internet->sin6_addr);
    }
    info->ai_next = *result;
    *result = info;
    return 0;
}

/* The port that `service` names; negative for an error. */
static int port_of(const char *service, int flags)
{
    if (service == NULL) {
        return 0;
    }
    char *end;
    unsigned long port = strtoul(service, &end, 10);
    if (end != service && *end == 0) {
        return port & 0xffff;
    }
    struct servent *found = flags & AI_NUMERICSERV ? NULL : getservbyname(service, NULL);
    return found == NULL ? (flags & AI_NUMERICSERV ? EAI_NONAME : EAI_SERVICE) : ntohs(found->s_port);
}

/* The addresses of a host: at most one of each family. */
struct host {
    bool has4, has6;
    struct in_addr four;
    struct in6_addr six;
};

static int look_up(const char *name, int family, int flags, struct host *host)
{
    static const struct in6_addr loopback6 = {.s6_addr = {[15] = 1}};
    memset(host, 0, sizeof *host);
    if (name == NULL) {
        host->has4 = host->has6 = true;
        if (!(flags & AI_PASSIVE)) {
            host->four.s_addr = htonl(INADDR_LOOPBACK);
            host->six = loopback6;
        }
    } else if (inet_aton(name, &host->four)) {
        host->has4 = true;
    } else if (inet_pton(AF_INET6, name, &host->six) == 1) {
        host->has6 = true;
    } else if (!(flags & AI_NUMERICHOST) && is_localhost(name)) {
        host->has4 = true;
        host->has6 = family == LINUX_AF_INET6;
        host->four.s_addr = htonl(INADDR_LOOPBACK);
        host->six = loopback6;
    } else {
        return flags & AI_NUMERICHOST ? EAI_NONAME : EAI_AGAIN;
    }
    host->has4 &= family != LINUX_AF_INET6;
    host->has6 &= family != LINUX_AF_INET;
    return host->has4 || host->has6 ? 0 : EAI_ADDRFAMILY;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    static const struct {
        int type, protocol;
    } kinds[] = {{LINUX_SOCK_RAW, 0}, {LINUX_SOCK_DGRAM, IPPROTO_UDP}, {LINUX_SOCK_STREAM, IPPROTO_TCP}};
    static const struct addrinfo no_hints;
    hints = hints == NULL ? &no_hints : hints;
    int family = hints->ai_family;
    *result = NULL;
    if (family != LINUX_AF_UNSPEC && family != LINUX_AF_INET && family != LINUX_AF_INET6) {
        return EAI_FAMILY;
    }
    if (name == NULL && service == NULL) {
        return EAI_NONAME;
    }
    int port = port_of(service, hints->ai_flags);
    if (port < 0) {
        return port;
    }
    struct host host;
    int error = look_up(name, family, hints->ai_flags, &host);
    if (error != 0) {
        return error;
    }
    bool four_first = name != NULL || hints->ai_flags & AI_PASSIVE;
    error = EAI_SOCKTYPE;
    /* From the last to the first. */
    for (int step = 0; step < 2; step++) {
        int wanted = (step == 1) == four_first ? LINUX_AF_INET : LINUX_AF_INET6;
        if (!(wanted == LINUX_AF_INET ? host.has4 : host.has6)) {
            continue;
        }
        const void *address = wanted == LINUX_AF_INET ? (void *)&host.four : (void *)&host.six;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            bool fits = hints->ai_socktype == 0 || hints->ai_socktype == kinds[i].type;
            /* A named service is one of streams or datagrams. */
            bool named = service != NULL && (*service < '0' || *service > '9');
            fits &= !(named && hints->ai_socktype == 0 && kinds[i].type != LINUX_SOCK_STREAM);
            if (!fits || (hints->ai_protocol != 0 && kinds[i].protocol != 0 && hints->ai_protocol != kinds[i].protocol)) {
                continue;
            }
            error = add_address(result, wanted, kinds[i].type, kinds[i].protocol, address, port);
            if (error != 0) {
                freeaddrinfo(*result);
                return error;
            }
        }
    }
    if (*result != NULL && hints->ai_flags & AI_CANONNAME) {
        (*result)->ai_canonname = strdup(name == NULL ? "localhost" : name);
    }
    return *result == NULL ? error : 0;
}

void freeaddrinfo(struct addrinfo *info)
{
    while (info != NULL) {
        struct addrinfo *next = info->ai_next;
        free(info->ai_canonname);
        free(info);
        info = next;
    }
}

const char *gai_strerror(int error)
{
    switch (error) {
    case EAI_AGAIN:
        return "Temporary failure in name resolution: the sandbox has no network";
    case EAI_NONAME:
        return "Name or service not known";
    case EAI_ADDRFAMILY:
        return "Address family for hostname not supported";
    case EAI_SERVICE:
        return "Servname not supported for ai_socktype";
    case EAI_FAMILY:
        return "ai_family not supported";
    case EAI_SOCKTYPE:
        return "ai_socktype not supported";
    case EAI_MEMORY:
        return "Memory allocation failure";
    case EAI_OVERFLOW:
        return "Result too large for supplied buffer";
    }
    return "Unknown error";
}

static bool is_loopback(int family, const void *address)
{
    static const unsigned char loopback6[16] = {[15] = 1};
    return family == LINUX_AF_INET ? *(const unsigned char *)address == 127 : memcmp(address, loopback6, 16) == 0;
}

int getnameinfo(const struct sockaddr *address, socklen_t size, char *host, socklen_t host_size, char *service,
                socklen_t service_size, int flags)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    bool is_four = address->sa_family == LINUX_AF_INET;
    const void *bytes = is_four ? (const void *)&four->sin_addr : (const void *)&six->sin6_addr;
    int port = is_four ? four->sin_port : six->sin6_port;
    bool known = !(flags & NI_NUMERICHOST) && is_loopback(address->sa_family, bytes);
    if (!known && flags & NI_NAMEREQD) {
        return EAI_NONAME;
    }
    if (host_size > 0 && known) {
        snprintf(host, host_size, "localhost");
    } else if (host_size > 0 && sandbox_inet_ntop(address->sa_family, bytes, host, host_size) == NULL) {
        return EAI_OVERFLOW;
    }
    struct servent *found = flags & NI_NUMERICSERV ? NULL : getservbyport(port, flags & NI_DGRAM ? "udp" : "tcp");
    if (service_size > 0 && found != NULL) {
        snprintf(service, service_size, "%s", found->s_name);
    } else if (service_size > 0) {
        snprintf(service, service_size, "%d", ntohs(port));
    }
    return 0;
}

static int host_error;

int *__h_errno_location(void)
{
    return &host_error;
}

const char *hstrerror(int error)
{
    switch (error) {
    case HOST_NOT_FOUND:
        return "Unknown host";
    case TRY_AGAIN:
        return "Host name lookup failure: the sandbox has no network";
    }
    return "Resolver error";
}

struct hostent *gethostbyaddr(const void *address, socklen_t size, int family)
{
    static char bytes[16];
    static char *no_aliases[] = {NULL};
    static char *addresses[] = {bytes, NULL};
    static struct hostent found = {.h_name = "localhost", .h_aliases = no_aliases, .h_addr_list = addresses};
    if (size > sizeof bytes || !is_loopback(family, address)) {
        host_error = HOST_NOT_FOUND;
        return NULL;
    }
    memcpy(bytes, address, size);
    found.h_addrtype = family;
    found.h_length = size;
    return &found;
}

struct hostent *gethostbyname(const char *name)
{
    static char text[256];
    static struct in_addr address;
    static char *no_aliases[] = {NULL};
    static char *addresses[] = {(char *)&address, NULL};
    static struct hostent found = {
        .h_name = text, .h_aliases = no_aliases, .h_addrtype = LINUX_AF_INET,
        .h_length = sizeof address, .h_addr_list = addresses,
    };
    struct host host;
    if (look_up(name, LINUX_AF_INET, 0, &host) != 0) {
        host_error = TRY_AGAIN;
        return NULL;
    }
    address = host.four;
    snprintf(text, sizeof text, "%s", name);
    return &found;
}
