/* Modes of files and directories, which WASI does not have. Kept for the life of the instance, by inode. */

#ifndef GUEST_MODES_H
#define GUEST_MODES_H

#include <sys/stat.h>

/* The mode of a file or directory that has not been given another. */
enum { FILE_MODE = 0644, DIRECTORY_MODE = 0755 };

/* Returns whether any has a mode of its own. */
int has_modes(void);

/* Returns whether one of them denies its owner something. */
int has_denying_modes(void);

/* The mode of `inode`, without its type. */
mode_t mode_of(ino_t inode, int is_directory);

/* Sets the mode of `inode`; returns an error number, 0 without. */
int set_mode(ino_t inode, int is_directory, mode_t mode);

/* `inode` is no longer there: another may get its number. */
void forget_mode(ino_t inode);

/* The bits that new files and directories do not get. */
mode_t creation_mask(void);

#endif
