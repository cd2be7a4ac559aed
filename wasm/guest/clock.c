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
