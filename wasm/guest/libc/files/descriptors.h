/* Descriptors that WASI does not have: duplicates of others, devices, and the directories above /tmp. */

#ifndef GUEST_DESCRIPTORS_H
#define GUEST_DESCRIPTORS_H

/* The host's descriptor of the scratch directory. */
enum { SCRATCH_DESCRIPTOR = 3 };

enum kind {
    ORDINARY, /* the host's */
    DUPLICATE,
    NULL_DEVICE,
    ZERO_DEVICE,
    FULL_DEVICE,
    RANDOM_DEVICE,
    ROOT_DIRECTORY,
    DEVICES_DIRECTORY,
    MOUNTS_DIRECTORY,
};

/* Returns the kind of a descriptor. That of a duplicate is the kind of the original. */
enum kind kind_of(int fd);

/* The host's descriptor behind `fd`. */
int host_descriptor(int fd);

/* Opens a device or directory; returns the descriptor, or -1 with errno set. */
int open_special(enum kind kind);

/* Closes a descriptor of any kind; returns an error number, 0 without. */
int close_descriptor(int fd);

/* As in POSIX; wasi-libc does not declare them. */
int dup(int fd);
int dup2(int fd, int copy);
int dup3(int fd, int copy, int flags);

#endif
