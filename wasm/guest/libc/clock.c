/* clock(), of which Python makes process_time(): the processor time that the script has used. That of
 * wasi-libc goes on while a script sleeps. */

#define _WASI_EMULATED_PROCESS_CLOCKS
#include <time.h>
#include <wasi/api.h>

_Static_assert(CLOCKS_PER_SEC == 1000000000, "a clock's tick is a nanosecond, as WASI's is");

clock_t clock(void)
{
    __wasi_timestamp_t now = 0;
    return __wasi_clock_time_get(__WASI_CLOCKID_PROCESS_CPUTIME_ID, 0, &now) == 0 ? (clock_t)now : 0;
}

/* From wasi-libc, which does not publish it. */
struct __clockid {
    __wasi_clockid_t id;
};

/* The clock that a script names: its numbers in Linux are those of WASI. The host refuses one that does
 * not exist. Good until the next call. */
clockid_t clock_by_number(int number)
{
    static struct __clockid clock;
    clock.id = (__wasi_clockid_t)number;
    return &clock;
}
