/* The ABI between the host and the guest (src/sandbox/guest.rs is the host's side).
 *
 *     abi_version() -> version   see ABI_VERSION
 *     alloc(size) -> ptr         a block for bytes from the host; 0 if there is no memory for it
 *     run(ptr, size) -> status   runs the script in a block, UTF-8; see `enum status`
 *     result_ptr(), result_len() the text that goes with the status, UTF-8; valid until the next `run`
 *     pending_output_len(fd), pending_output_ptr()
 *                                after a run that was interrupted: output to stdout (1) or stderr (2) that is
 *                                still in Python's buffers
 *
 * A block belongs to the guest from the call on that it is passed to. More input for a run than its script is
 * to come as further blocks, each passed by an export of its own before `run`.
 *
 * For the build only: `init` (startup/startup.c), `freeze` and `frozen_ptr` (build/freeze.c), `list_functions`
 * and `functions_ptr` (build/functions.c). */

#ifndef GUEST_ABI_H
#define GUEST_ABI_H

#include <stddef.h>
#include <stdint.h>

/* Changes with every change of an export, of its meaning, or of `enum status`. */
#define ABI_VERSION 1

/* A function that the host calls. */
#define EXPORT(name) __attribute__((export_name(name), used))

/* How a run ended, and the text that goes with it. */
enum status {
    RESULT = 0,           /* the result as JSON */
    SYNTAX_ERROR = 1,     /* Python's message */
    NO_MAIN = 2,          /* what `main` is instead */
    EXCEPTION = 3,        /* the last line of Python's traceback */
    NOT_SERIALIZABLE = 4, /* the reason */
    OUT_OF_MEMORY = 5,    /* empty */
    EXITED = 6,           /* the exit code, in decimal */
};

#endif
