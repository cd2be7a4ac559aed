/* The ABI between the host and the guest (src/sandbox/guest.rs is the host's side).
 *
 *     abi_version_2()            see ABI_VERSION
 *     alloc(size) -> ptr         a block for bytes from the host; 0 if there is no memory for it
 *     run(script_ptr, script_size, input_ptr, input_size) -> status
 *                                runs the script in a block, UTF-8; see `enum status`. The input, in a block as
 *                                well, is a JSON object as src/sandbox/job.rs describes it; without any it has
 *                                no bytes
 *     result_ptr(), result_len() the text that goes with the status, UTF-8; valid until the next `run`
 *     display_ptr(), display_len()
 *                                what the script has shown: JSON texts, joined by commas; at any time until the
 *                                next `run`
 *     pending_output_len(fd), pending_output_ptr()
 *                                after a run that was interrupted: output to stdout (1) or stderr (2) that is
 *                                still in Python's buffers
 *
 * A block belongs to the guest from the call on that it is passed to.
 *
 * For the build only: `init` (startup/startup.c), `freeze` and `frozen_ptr` (build/freeze.c), `list_functions`
 * and `functions_ptr` (build/functions.c). */

#ifndef GUEST_ABI_H
#define GUEST_ABI_H

#include <stddef.h>
#include <stdint.h>

/* A function that the host calls. */
#define EXPORT(name) __attribute__((export_name(name), used))

/* The version is in the name of an export, so that the host knows it without calling the guest. It changes with
 * every change of an export, of its meaning, of the input, or of `enum status`. */
#define ABI_VERSION "abi_version_2"

/* How a run ended, and the text that goes with it. */
enum status {
    RESULT = 0,           /* the result as JSON; of a cell {"result": ..., "text": its repr} */
    SYNTAX_ERROR = 1,     /* Python's message */
    NO_MAIN = 2,          /* what `main` is instead */
    EXCEPTION = 3,        /* the last line of Python's traceback */
    NOT_SERIALIZABLE = 4, /* the reason */
    OUT_OF_MEMORY = 5,    /* empty */
    EXITED = 6,           /* the exit code, in decimal */
};

#endif
