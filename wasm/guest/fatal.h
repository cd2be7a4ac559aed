/* Errors that end the start-up or a step of the build. */

#ifndef GUEST_FATAL_H
#define GUEST_FATAL_H

/* Prints the step that failed and Python's own error if there is one, and traps. */
_Noreturn void fatal(const char *step);

#endif
