/* The start of CPython. */

#ifndef GUEST_INTERPRETER_H
#define GUEST_INTERPRETER_H

/* Starts CPython without a look at files, arguments or the environment. Without the importer only the modules
 * that are compiled in exist. */
void start_interpreter(int with_importer);

/* Frees the code of the modules that the start has needed before there was an importer. */
void forget_frozen(void);

#endif
