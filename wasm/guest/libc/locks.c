/* The fcntl that SQLite is compiled with: wasi-libc's, and locks.
 *
 * Locks of fcntl are between processes, and there is one; so they are always granted. SQLite itself
 * keeps connections of one process apart. */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

/* As SQLite defines them for WASI, whose headers do not. */
enum { GET_LOCK = 12, SET_LOCK = 13, SET_LOCK_WAIT = 14, UNLOCKED = 2 };

int fcntl_with_locks(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    int result = 0;
    switch (command) {
    case GET_LOCK:
        va_arg(arguments, struct flock *)->l_type = UNLOCKED;
        break;
    case SET_LOCK:
    case SET_LOCK_WAIT:
        break;
    default:
        result = fcntl(fd, command, va_arg(arguments, int));
    }
    va_end(arguments);
    return result;
}
