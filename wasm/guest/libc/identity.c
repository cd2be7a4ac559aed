/* The user and the host name. WASI has neither users nor permissions: there is one user, without a name. */

#include <errno.h>
#include <string.h>
#include <sys/types.h>

/* Not root: for root, libraries try to change the owners of files. */
#define USER 1000

uid_t getuid(void)
{
    return USER;
}

uid_t geteuid(void)
{
    return USER;
}

gid_t getgid(void)
{
    return USER;
}

gid_t getegid(void)
{
    return USER;
}

int gethostname(char *name, size_t size)
{
    static const char localhost[] = "localhost";
    if (size < sizeof localhost) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name, localhost, sizeof localhost);
    return 0;
}
