/* What CPython's configure script would find out about wasm32-wasip1 and its libc, written by
 * hand: the target is always the same, so there is nothing to probe. A name that is missing here
 * is a thing the sandbox does not have. */

#ifndef Py_PYCONFIG_H
#define Py_PYCONFIG_H

#ifdef __cplusplus
extern "C" {
#endif

/* The machine: ILP32 with 64-bit file offsets and times, little-endian. */
#define SIZEOF_SHORT 2
#define SIZEOF_INT 4
#define SIZEOF_LONG 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_VOID_P 4
#define SIZEOF_SIZE_T 4
#define SIZEOF_UINTPTR_T 4
#define SIZEOF_FLOAT 4
#define SIZEOF_DOUBLE 8
#define SIZEOF_LONG_DOUBLE 16
#define SIZEOF_WCHAR_T 4
#define SIZEOF__BOOL 1
#define SIZEOF_OFF_T 8
#define SIZEOF_FPOS_T 16
#define SIZEOF_TIME_T 8
#define SIZEOF_PID_T 4
#define SIZEOF_PTHREAD_T 4
#define SIZEOF_PTHREAD_KEY_T 4
#define ALIGNOF_LONG 4
#define ALIGNOF_SIZE_T 4
#define ALIGNOF_MAX_ALIGN_T 16
#define DOUBLE_IS_LITTLE_ENDIAN_IEEE754 1
#define HAVE_GCC_UINT128_T 1
#define HAVE___UINT128_T 1
#define HAVE_BUILTIN_ATOMIC 1
#define HAVE_STD_ATOMIC 1

/* CPython takes 15-bit digits for 32-bit machines; WebAssembly multiplies 64 bits natively. */
#define PYLONG_BITS_IN_DIGIT 30

/* Which C library interfaces may be seen. */
#define _GNU_SOURCE 1
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE 700
#define _XOPEN_SOURCE_EXTENDED 1
#define _NETBSD_SOURCE 1
#define __BSD_VISIBLE 1
#define _FILE_OFFSET_BITS 64
#define _LARGEFILE_SOURCE 1
#define HAVE_LARGEFILE_SUPPORT 1
#define _WASI_EMULATED_GETPID 1
#define _WASI_EMULATED_PROCESS_CLOCKS 1
#define _WASI_EMULATED_SIGNAL 1

/* How the interpreter is built. */
#define WITH_PYMALLOC 1
#define WITH_FREELISTS 1
#define WITH_DOC_STRINGS 1
#define WITH_DECIMAL_CONTEXTVAR 1
#define PY_SUPPORT_TIER 2
#define PY_BUILTIN_HASHLIB_HASHES "md5,sha1,sha2,sha3,blake2"
#define PY_SSL_DEFAULT_CIPHERS 1
#define _PYTHONFRAMEWORK ""
#define STDC_HEADERS 1
#define RETSIGTYPE void

/* Threads cannot be started; locks are stubs. */
#define HAVE_PTHREAD_STUBS 1
#define PTHREAD_KEY_T_IS_COMPATIBLE_WITH_INT 1

/* Headers. */
#define HAVE_ALLOCA_H 1
#define HAVE_DIRENT_H 1
#define HAVE_ENDIAN_H 1
#define HAVE_ERRNO_H 1
#define HAVE_FCNTL_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_LANGINFO_H 1
#define HAVE_NETDB_H 1
#define HAVE_NETINET_IN_H 1
#define HAVE_POLL_H 1
#define HAVE_SCHED_H 1
#define HAVE_SIGNAL_H 1
#define HAVE_STDINT_H 1
#define HAVE_STDIO_H 1
#define HAVE_STDLIB_H 1
#define HAVE_STRINGS_H 1
#define HAVE_STRING_H 1
#define HAVE_SYSEXITS_H 1
#define HAVE_SYS_FILE_H 1
#define HAVE_SYS_IOCTL_H 1
#define HAVE_SYS_PARAM_H 1
#define HAVE_SYS_POLL_H 1
#define HAVE_SYS_RANDOM_H 1
#define HAVE_SYS_SELECT_H 1
#define HAVE_SYS_SOCKET_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_SYSCALL_H 1
#define HAVE_SYS_TIMES_H 1
#define HAVE_SYS_TIME_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_SYS_UIO_H 1
#define HAVE_SYS_UTSNAME_H 1
#define HAVE_UNISTD_H 1
#define HAVE_UTIME_H 1
#define HAVE_WCHAR_H 1
#define SYS_SELECT_WITH_SYS_TIME 1

/* Files. */
#define HAVE_DIRENT_D_TYPE 1
#define HAVE_DIRFD 1
#define HAVE_FACCESSAT 1
#define HAVE_FDATASYNC 1
#define HAVE_FPATHCONF 1
#define HAVE_FSEEKO 1
#define HAVE_FSTATAT 1
#define HAVE_FSYNC 1
#define HAVE_FTELLO 1
#define HAVE_FTRUNCATE 1
#define HAVE_FUTIMENS 1
#define HAVE_LINK 1
#define HAVE_LINKAT 1
#define HAVE_LSTAT 1
#define HAVE_MKDIRAT 1
#define HAVE_OPENAT 1
#define HAVE_OPENDIR 1
#define HAVE_PATHCONF 1
#define HAVE_POSIX_FADVISE 1
#define HAVE_POSIX_FALLOCATE 1
#define HAVE_PREAD 1
#define HAVE_PWRITE 1
#define HAVE_READLINK 1
#define HAVE_READLINKAT 1
#define HAVE_REALPATH 1
#define HAVE_RENAMEAT 1
#define HAVE_SETVBUF 1
#define HAVE_SSIZE_T 1
#define HAVE_STAT_TV_NSEC 1
#define HAVE_STRUCT_STAT_ST_BLKSIZE 1
#define HAVE_STRUCT_STAT_ST_BLOCKS 1
#define HAVE_STRUCT_STAT_ST_RDEV 1
#define HAVE_SYMLINK 1
#define HAVE_SYMLINKAT 1
#define HAVE_TRUNCATE 1
#define HAVE_UNLINKAT 1
#define HAVE_UTIMENSAT 1
#define HAVE_UTIMES 1

/* Time, waiting and the process. */
#define HAVE_CLOCK 1
#define HAVE_CLOCK_GETRES 1
#define HAVE_CLOCK_GETTIME 1
#define HAVE_CLOCK_NANOSLEEP 1
#define HAVE_CLOCK_T 1
#define HAVE_CONFSTR 1
#define HAVE_GETENTROPY 1
#define HAVE_GETPAGESIZE 1
#define HAVE_GETPID 1
#define HAVE_MKTIME 1
#define HAVE_NANOSLEEP 1
#define HAVE_POLL 1
#define HAVE_STRFTIME 1
#define HAVE_STRSIGNAL 1
#define HAVE_STRUCT_TM_TM_ZONE 1
#define HAVE_SYSCONF 1
#define HAVE_TIMEGM 1
#define HAVE_TIMES 1
#define HAVE_TM_ZONE 1
#define HAVE_UNAME 1

/* Linux does not have it. */
#include <errno.h>
#undef ENOTCAPABLE

/* Modes and owners of files, and duplicates of descriptors (attributes.c, descriptors.c). */
#define HAVE_CHMOD 1
#define HAVE_CHOWN 1
#define HAVE_DUP 1
#define HAVE_DUP3 1
#define HAVE_FCHMOD 1
#define HAVE_FCHMODAT 1
#define HAVE_FCHOWN 1
#define HAVE_FCHOWNAT 1
#define HAVE_FSTATVFS 1
#define HAVE_LCHOWN 1
#define HAVE_MKFIFO 1
#define HAVE_MKFIFOAT 1
#define HAVE_MKNOD 1
#define HAVE_MKNODAT 1
#define HAVE_STATVFS 1
#define HAVE_SYS_STATVFS_H 1
int chown(const char *path, unsigned user, unsigned group);
int dup(int fd);
int dup2(int fd, int copy);
int dup3(int fd, int copy, int flags);
int fchown(int fd, unsigned user, unsigned group);
int fchownat(int fd, const char *path, unsigned user, unsigned group, int flags);
int lchown(const char *path, unsigned user, unsigned group);
int mkfifo(const char *path, unsigned mode);
int mkfifoat(int fd, const char *path, unsigned mode);
int mknod(const char *path, unsigned mode, unsigned long long device);
int mknodat(int fd, const char *path, unsigned mode, unsigned long long device);

/* The only process (system.c). */
#define HAVE_GETLOADAVG 1
#define HAVE_GETPGID 1
#define HAVE_GETPGRP 1
#define HAVE_GETPPID 1
#define HAVE_GETSID 1
#define HAVE_KILL 1
#define HAVE_KILLPG 1
#define HAVE_NICE 1
#define HAVE_SYNC 1
int getloadavg(double to[], int count);
int getpgid(int process);
int getpgrp(void);
int getppid(void);
int getsid(int process);
int kill(int process, int signal);
int killpg(int group, int signal);
int nice(int by);
void sync(void);

/* Users: there is one (identity.c, system.c). wasi-libc does not declare these. */
#define HAVE_GETGROUPS 1
#define HAVE_GETRESGID 1
#define HAVE_GETRESUID 1
#define HAVE_SETEGID 1
#define HAVE_SETEUID 1
#define HAVE_SETGID 1
#define HAVE_SETREGID 1
#define HAVE_SETRESGID 1
#define HAVE_SETRESUID 1
#define HAVE_SETREUID 1
#define HAVE_SETUID 1
int getgroups(int room, unsigned to[]);
int getresgid(unsigned *real, unsigned *effective, unsigned *saved);
int getresuid(unsigned *real, unsigned *effective, unsigned *saved);
int setegid(unsigned group);
int seteuid(unsigned user);
int setgid(unsigned group);
int setregid(unsigned real, unsigned effective);
int setresgid(unsigned real, unsigned effective, unsigned saved);
int setresuid(unsigned real, unsigned effective, unsigned saved);
int setreuid(unsigned real, unsigned effective);
int setuid(unsigned user);
#define HAVE_GETEGID 1
#define HAVE_GETEUID 1
#define HAVE_GETGID 1
#define HAVE_GETHOSTNAME 1
#define HAVE_GETUID 1
#define HAVE_UMASK 1
unsigned getegid(void);
unsigned geteuid(void);
unsigned getgid(void);
unsigned getuid(void);
unsigned umask(unsigned mask);
int gethostname(char *name, unsigned long size);

/* Sockets: the module can be imported; every way to make one fails (network.c). */
#define ENABLE_IPV6 1
#define HAVE_ACCEPT 1
#define HAVE_ADDRINFO 1
#define HAVE_BIND 1
#define HAVE_CONNECT 1
#define HAVE_GETADDRINFO 1
#define HAVE_GETHOSTBYNAME 1
#define HAVE_GETNAMEINFO 1
#define HAVE_GETPEERNAME 1
#define HAVE_GETSOCKNAME 1
#define HAVE_LISTEN 1
#define HAVE_RECVFROM 1
#define HAVE_SENDTO 1
#define HAVE_SETSOCKOPT 1
#define HAVE_SHUTDOWN 1
#define HAVE_SOCKET 1
#define HAVE_INET_ATON 1
#define HAVE_INET_PTON 1
#define HAVE_SOCKADDR_STORAGE 1
#define HAVE_SOCKLEN_T 1
/* wasi-libc does not declare these. */
struct sockaddr;
int socket(int domain, int type, int protocol);
int bind(int fd, const struct sockaddr *address, unsigned size);
int connect(int fd, const struct sockaddr *address, unsigned size);
int getpeername(int fd, struct sockaddr *address, unsigned *size);
int getsockname(int fd, struct sockaddr *address, unsigned *size);
int listen(int fd, int backlog);
long recvfrom(int fd, void *buffer, unsigned long size, int flags, struct sockaddr *from, unsigned *from_size);
long sendto(int fd, const void *data, unsigned long size, int flags, const struct sockaddr *to, unsigned to_size);
int setsockopt(int fd, int level, int option, const void *value, unsigned size);

/* Text and numbers. */
#define HAVE_ACOSH 1
#define HAVE_ASINH 1
#define HAVE_ATANH 1
#define HAVE_ERF 1
#define HAVE_ERFC 1
#define HAVE_EXPLICIT_BZERO 1
#define HAVE_EXPM1 1
#define HAVE_LOG1P 1
#define HAVE_LOG2 1
#define HAVE_LONG_DOUBLE 1
#define HAVE_MBRTOWC 1
#define HAVE_MEMRCHR 1
#define HAVE_PROTOTYPES 1
#define HAVE_SETLOCALE 1
#define HAVE_SNPRINTF 1
#define HAVE_STRLCPY 1
#define HAVE_WCSCOLL 1
#define HAVE_WCSXFRM 1
#define HAVE_WMEMCMP 1

#ifdef __cplusplus
}
#endif

#endif
