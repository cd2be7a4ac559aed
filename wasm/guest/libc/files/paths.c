/* Paths are resolved here, as Linux does it: the host knows one directory, which is /tmp, and there are no
 * links. Above it are `/`, `/dev` with the devices that scripts open, and `/mnt`, whose entry `data` is /tmp once
 * more: language models write that name. getcwd() returns the first one. */

#include "pyconfig.h"

#include "libc/files/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

#include "libc/files/devices.h"
#include "libc/files/modes.h"

static const char scratch[] = "/tmp";
static const char scratch_alias[] = "/mnt/data";

static const struct {
    const char *path;
    enum kind kind;
    int original;
} specials[] = {
    {"", ROOT_DIRECTORY, 0},
    {"/dev", DEVICES_DIRECTORY, 0},
    {"/mnt", MOUNTS_DIRECTORY, 0},
    {"/dev/null", NULL_DEVICE, 0},
    {"/dev/zero", ZERO_DEVICE, 0},
    {"/dev/full", FULL_DEVICE, 0},
    {"/dev/random", RANDOM_DEVICE, 0},
    {"/dev/urandom", RANDOM_DEVICE, 0},
    {"/dev/stdin", DUPLICATE, 0},
    {"/dev/stdout", DUPLICATE, 1},
    {"/dev/stderr", DUPLICATE, 2},
};

/* Absolute, without a slash at its end: empty for `/`. */
static char current_directory[PATH_MAX];

static int fail(int error)
{
    errno = error;
    return -1;
}

/* Returns the part of a path that follows `prefix`, or NULL if the path is not below it. */
static const char *below(const char *path, const char *prefix)
{
    size_t size = strlen(prefix);
    return strncmp(path, prefix, size) == 0 && path[size] == '/' ? path + size + 1 : NULL;
}

/* Returns the path of a directory above the scratch directory. */
static const char *directory_path(enum kind kind)
{
    size_t i = 0;
    while (specials[i].kind != kind) {
        i++;
    }
    return specials[i].path;
}

/* Classifies the absolute path `full`. */
static int classify(const char *full, struct place *place)
{
    const char *rest = below(full, scratch);
    if (rest == NULL) {
        rest = below(full, scratch_alias);
    }
    if (rest != NULL || strcmp(full, scratch) == 0 || strcmp(full, scratch_alias) == 0) {
        place->where = SCRATCH;
        place->directory = SCRATCH_DESCRIPTOR;
        strcpy(place->path, rest == NULL ? "." : rest);
        return 0;
    }
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        enum kind kind = specials[i].kind;
        if (strcmp(full, specials[i].path) == 0) {
            place->where = kind == DUPLICATE ? OPEN : SPECIAL;
            place->kind = kind;
            place->original = specials[i].original;
            return 0;
        }
        if (!is_directory(kind) && below(full, specials[i].path) != NULL) {
            return fail(ENOTDIR);
        }
    }
    const char *number = below(full, "/dev/fd");
    if (number != NULL && *number != 0 && number[strspn(number, "0123456789")] == 0 && strlen(number) < 6) {
        place->where = OPEN;
        place->original = atoi(number);
        return 0;
    }
    place->where = OUTSIDE;
    const char *name = below(full, directory_path(DEVICES_DIRECTORY));
    if (name == NULL) {
        name = below(full, directory_path(MOUNTS_DIRECTORY));
    }
    place->parent_exists = strchr(name == NULL ? full + 1 : name, '/') == NULL;
    return 0;
}

/* Checks that `full`, absolute, is a directory, so that `..` leads out of it. */
static int check_directory(const char *full)
{
    struct place *place = malloc(sizeof *place);
    if (place == NULL) {
        return fail(ENOMEM);
    }
    struct stat found;
    place->must_be_directory = true;
    int result = classify(full, place) < 0 ? -1 : stat_place(place, &found);
    free(place);
    return result;
}

static int locate_absolute(const char *start, const char *path, struct place *place)
{
    char full[PATH_MAX];
    size_t size = strlen(start);
    memcpy(full, start, size + 1);
    place->end = DOT;
    place->must_be_directory = true;
    while (*path != 0) {
        size_t length = strcspn(path, "/");
        if (length == 2 && memcmp(path, "..", 2) == 0) {
            if (check_directory(full) < 0) {
                return -1;
            }
            while (size > 0 && full[--size] != '/') {
            }
            full[size] = 0;
            place->end = DOT_DOT;
        } else if (length == 1 && *path == '.') {
            place->end = DOT;
        } else if (length > 0) {
            if (length > NAME_MAX || size + 1 + length >= sizeof full) {
                return fail(ENAMETOOLONG);
            }
            full[size] = '/';
            memcpy(full + size + 1, path, length);
            size += 1 + length;
            full[size] = 0;
            place->end = NAME;
        }
        path += length;
        place->must_be_directory = *path == '/' || place->end != NAME;
        path += strspn(path, "/");
    }
    return classify(full, place);
}

/* In a directory of the host's, which keeps a path from leading out of it. */
static int locate_in(int directory, const char *path, struct place *place)
{
    size_t size = strlen(path), stripped = size;
    while (path[stripped - 1] == '/') {
        stripped--;
    }
    memcpy(place->path, path, stripped);
    place->path[stripped] = 0;
    const char *last = strrchr(place->path, '/');
    last = last == NULL ? place->path : last + 1;
    place->where = SCRATCH;
    place->directory = directory;
    place->end = strcmp(last, ".") == 0 ? DOT : strcmp(last, "..") == 0 ? DOT_DOT : NAME;
    place->must_be_directory = stripped < size || place->end != NAME;
    return 0;
}

int locate(int fd, const char *path, struct place *place)
{
    if (*path == 0) {
        return fail(ENOENT);
    }
    if (strlen(path) >= PATH_MAX) {
        return fail(ENAMETOOLONG);
    }
    if (*path == '/') {
        return locate_absolute("", path, place);
    }
    if (fd == AT_FDCWD) {
        return locate_absolute(current_directory, path, place);
    }
    enum kind kind = kind_of(fd);
    if (kind == ORDINARY) {
        return locate_in(host_descriptor(fd), path, place);
    }
    return is_directory(kind) ? locate_absolute(directory_path(kind), path, place) : fail(ENOTDIR);
}

int chdir(const char *path)
{
    struct place place;
    struct stat found;
    if (locate(AT_FDCWD, path, &place) < 0 || stat_place(&place, &found) < 0) {
        return -1;
    }
    if (!S_ISDIR(found.st_mode)) {
        return fail(ENOTDIR);
    }
    if (!(found.st_mode & S_IXUSR)) {
        return fail(EACCES);
    }
    if (place.where == SPECIAL) {
        strcpy(current_directory, directory_path(place.kind));
    } else if (strcmp(place.path, ".") == 0) {
        strcpy(current_directory, scratch);
    } else if (sizeof scratch + 1 + strlen(place.path) >= sizeof current_directory) {
        return fail(ENAMETOOLONG);
    } else {
        strcpy(current_directory, scratch);
        strcat(current_directory, "/");
        strcat(current_directory, place.path);
    }
    return 0;
}

char *getcwd(char *to, size_t size)
{
    const char *path = *current_directory == 0 ? "/" : current_directory;
    if (to == NULL) {
        return strdup(path);
    }
    if (strlen(path) >= size) {
        errno = size == 0 ? EINVAL : ERANGE;
        return NULL;
    }
    return strcpy(to, path);
}
