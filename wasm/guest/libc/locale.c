/* The locales of a system that has none installed: C, POSIX and C.UTF-8, under glibc's names. wasi-libc
 * takes any name for one it has. */

#include "pyconfig.h"

#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* From wasi-libc: its own nl_langinfo. */
char *__nl_langinfo(nl_item item);

enum { CATEGORIES = LC_ALL, MAX_NAME = 16 };

static const char *const categories[CATEGORIES] = {
    [LC_CTYPE] = "LC_CTYPE",     [LC_NUMERIC] = "LC_NUMERIC",   [LC_TIME] = "LC_TIME",
    [LC_COLLATE] = "LC_COLLATE", [LC_MONETARY] = "LC_MONETARY", [LC_MESSAGES] = "LC_MESSAGES",
};

/* Categories of glibc that wasi-libc does not have. */
static const char *const others[] = {"LC_PAPER",     "LC_NAME",        "LC_ADDRESS",
                                     "LC_TELEPHONE", "LC_MEASUREMENT", "LC_IDENTIFICATION"};

/* As Python sets them at its start: text is UTF-8 (LANG), all else is as in C. */
static char names[CATEGORIES][MAX_NAME] = {"C.UTF-8", "C", "C", "C", "C", "C"};

/* Returns the name of a locale once it is set, or NULL if there is none of that name. */
static const char *known(const char *name, size_t size)
{
    static char copy[MAX_NAME];
    if (size >= sizeof copy) {
        return NULL;
    }
    memcpy(copy, name, size);
    copy[size] = 0;
    if (strcmp(copy, "POSIX") == 0) {
        return "C";
    }
    bool is_utf8 = strcasecmp(copy, "C.UTF-8") == 0 || strcasecmp(copy, "C.utf8") == 0;
    return strcmp(copy, "C") == 0 || (is_utf8 && *copy == 'C') ? copy : NULL;
}

/* Returns the locale that the environment sets for a category. */
static const char *from_environment(int category)
{
    const char *variables[] = {"LC_ALL", categories[category], "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && *value != 0) {
            return value;
        }
    }
    return "C";
}

/* The part of `name` that is for `category`, in which a name may stand for all or for each. */
static const char *part_of(const char *name, int category, size_t *size)
{
    const char *part = name;
    if (strchr(name, ';') != NULL) {
        char start[MAX_NAME];
        snprintf(start, sizeof start, "%s=", categories[category]);
        part = strstr(name, start);
        if (part == NULL) {
            return NULL;
        }
        part += strlen(start);
    }
    *size = strcspn(part, ";");
    return part;
}

/* The names of all categories: one if they are the same. */
static char *all_names(void)
{
    static char text[512];
    bool same = true;
    for (int i = 1; i < CATEGORIES; i++) {
        same = same && strcmp(names[i], names[0]) == 0;
    }
    if (same) {
        return names[0];
    }
    int size = 0;
    for (int i = 0; i < CATEGORIES; i++) {
        size += snprintf(text + size, sizeof text - size, "%s=%s;", categories[i], names[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size += snprintf(text + size, sizeof text - size, "%s=C;", others[i]);
    }
    text[size - 1] = 0;
    return text;
}

char *setlocale(int category, const char *name)
{
    if (category < 0 || category > LC_ALL) {
        return NULL;
    }
    int first = category == LC_ALL ? 0 : category, last = category == LC_ALL ? CATEGORIES - 1 : category;
    if (name != NULL) {
        char new[CATEGORIES][MAX_NAME];
        for (int i = first; i <= last; i++) {
            const char *wanted = *name == 0 ? from_environment(i) : name;
            size_t size;
            const char *part = part_of(wanted, i, &size);
            const char *found = part == NULL ? NULL : known(part, size);
            if (found == NULL) {
                return NULL;
            }
            strcpy(new[i], found);
        }
        memcpy(names[first], new[first], (last - first + 1) * MAX_NAME);
    }
    return category == LC_ALL ? all_names() : names[category];
}

char *nl_langinfo(nl_item item)
{
    switch (item) {
    case CODESET:
        return strchr(names[LC_CTYPE], '.') != NULL ? "UTF-8" : "ANSI_X3.4-1968";
    case D_T_FMT:
        return "%a %b %e %H:%M:%S %Y";
    case CRNCYSTR:
        return "-";
    default:
        return __nl_langinfo(item);
    }
}
