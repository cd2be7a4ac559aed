/* The run's limits, as the host enforces them (src/sandbox/wasi/limits.rs). */

#ifndef GUEST_SYSTEM_H
#define GUEST_SYSTEM_H

#include <stdint.h>

enum limit {
    DISK_BYTES,
    DISK_BYTES_USED,
    DISK_ENTRIES,
    DISK_ENTRIES_USED,
    OPEN_FILES,
    MEMORY_BYTES,
};

__attribute__((import_module("python_executor"), import_name("limit"))) int64_t host_limit(enum limit limit);

#endif
