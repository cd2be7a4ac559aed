/* Local time by the variable TZ: POSIX's descriptions of a zone, and names of zones, of which the archive's data
 * end in such a description. wasi-libc knows UTC alone. */

#include "pyconfig.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* From archive.c. */
int archive_size(const char *path);
void archive_read(const char *path, void *to);

enum { MAX_NAME = 16, MAX_PATH = 64, HOUR = 3600, DAY = 24 * HOUR };

/* When daylight saving time begins or ends: `Mm.w.d`, `Jn` or `n`, and a time of that day. */
struct rule {
    char kind; /* 'M', 'J' or 0 */
    int month, week, day;
    long time;
};

struct zone {
    char standard[MAX_NAME];
    char daylight[MAX_NAME];
    long standard_offset; /* seconds east of Greenwich */
    long daylight_offset;
    bool has_daylight;
    struct rule start, end;
};

static struct zone zone = {.standard = "UTC"};

static const char *read_number(const char *at, long *number)
{
    if (at == NULL || !isdigit((unsigned char)*at)) {
        return NULL;
    }
    char *end;
    *number = strtol(at, &end, 10);
    return *number > 100000 ? NULL : end;
}

static const char *read_name(const char *at, char *name)
{
    size_t size;
    bool quoted = *at == '<';
    at += quoted;
    for (size = 0; quoted ? *at != 0 && *at != '>' : isalpha((unsigned char)*at); at++) {
        if (size + 1 >= MAX_NAME) {
            return NULL;
        }
        name[size++] = *at;
    }
    name[size] = 0;
    if (size < 3 || (quoted && *at++ != '>')) {
        return NULL;
    }
    return at;
}

/* [+-]hh[:mm[:ss]] */
static const char *read_time(const char *at, long *time)
{
    int sign = *at == '-' ? -1 : 1;
    at += *at == '-' || *at == '+';
    long number;
    *time = 0;
    for (long unit = HOUR;; unit /= 60) {
        at = read_number(at, &number);
        if (at == NULL) {
            return NULL;
        }
        *time += sign * number * unit;
        if (*at != ':' || unit == 1) {
            return at;
        }
        at++;
    }
}

static const char *read_rule(const char *at, struct rule *rule)
{
    long numbers[3] = {0};
    rule->kind = *at == 'M' || *at == 'J' ? *at++ : 0;
    for (int i = 0; i < (rule->kind == 'M' ? 3 : 1); i++) {
        if (i > 0 && *at++ != '.') {
            return NULL;
        }
        at = read_number(at, &numbers[i]);
        if (at == NULL) {
            return NULL;
        }
    }
    if (rule->kind == 'M') {
        rule->month = numbers[0];
        rule->week = numbers[1];
        rule->day = numbers[2];
        if (rule->month < 1 || rule->month > 12 || rule->week < 1 || rule->week > 5 || rule->day > 6) {
            return NULL;
        }
    } else {
        rule->day = numbers[0];
    }
    rule->time = 2 * HOUR;
    return *at == '/' ? read_time(at + 1, &rule->time) : at;
}

/* Reads POSIX's description of a zone; false if `text` is none. */
static bool read_zone(const char *text, struct zone *to)
{
    *to = (struct zone){.has_daylight = false};
    const char *at = read_name(text, to->standard);
    at = at == NULL ? NULL : read_time(at, &to->standard_offset);
    if (at == NULL) {
        return false;
    }
    to->standard_offset = -to->standard_offset;
    if (*at == 0) {
        return true;
    }
    to->has_daylight = true;
    to->daylight_offset = to->standard_offset + HOUR;
    at = read_name(at, to->daylight);
    if (at != NULL && *at != 0 && *at != ',') {
        at = read_time(at, &to->daylight_offset);
        to->daylight_offset = -to->daylight_offset;
    }
    if (at == NULL) {
        return false;
    }
    if (*at == 0) {
        at = ",M3.2.0,M11.1.0";
    }
    at = *at == ',' ? read_rule(at + 1, &to->start) : NULL;
    at = at != NULL && *at == ',' ? read_rule(at + 1, &to->end) : NULL;
    return at != NULL && *at == 0;
}

/* Reads the description of a zone in the archive: the last line of its data. */
static bool read_named_zone(const char *name, struct zone *to)
{
    char path[MAX_PATH] = "zoneinfo/data/";
    if (strlen(path) + strlen(name) >= sizeof path) {
        return false;
    }
    strcat(path, name);
    int size = archive_size(path);
    char *data = size <= 0 ? NULL : malloc(size);
    if (data == NULL) {
        return false;
    }
    archive_read(path, data);
    bool found = false;
    if (data[size - 1] == '\n') {
        data[--size] = 0;
        int start = size;
        while (start > 0 && data[start - 1] != '\n') {
            start--;
        }
        found = read_zone(data + start, to);
    }
    free(data);
    return found;
}

void tzset(void)
{
    const char *name = getenv("TZ");
    struct zone new;
    if (name == NULL || *name == 0) {
        name = "UTC0";
    }
    name += *name == ':';
    if (!read_zone(name, &new) && !read_named_zone(name, &new)) {
        new = (struct zone){.standard = "UTC"};
    }
    zone = new;
}

/* The names of local time. */
const char *local_zone_name(int is_daylight)
{
    return is_daylight && zone.has_daylight ? zone.daylight : zone.standard;
}

static time_t start_of_year(int year)
{
    struct tm first = {.tm_year = year, .tm_mday = 1};
    return timegm(&first);
}

/* When a rule applies in a year, in local time. */
static time_t moment(const struct rule *rule, int year)
{
    struct tm day = {.tm_year = year, .tm_mday = 1};
    if (rule->kind != 'M') {
        bool leap = start_of_year(year + 1) - start_of_year(year) == 366 * DAY;
        /* `J` counts as if there were no 29th of February. */
        int days = rule->kind == 'J' ? rule->day - 1 + (leap && rule->day >= 60) : rule->day;
        return start_of_year(year) + (time_t)days * DAY + rule->time;
    }
    day.tm_mon = rule->month - 1;
    time_t first = timegm(&day);
    int month = day.tm_mon;
    int days = (rule->day - day.tm_wday + 7) % 7 + 7 * (rule->week - 1);
    for (;; days -= 7) {
        time_t found = first + (time_t)days * DAY;
        struct tm check;
        gmtime_r(&found, &check);
        if (check.tm_mon == month) {
            return found + rule->time;
        }
    }
}

static bool is_daylight(time_t at)
{
    if (!zone.has_daylight) {
        return false;
    }
    time_t local = at + zone.standard_offset;
    struct tm now;
    if (gmtime_r(&local, &now) == NULL) {
        return false;
    }
    time_t start = moment(&zone.start, now.tm_year) - zone.standard_offset;
    time_t end = moment(&zone.end, now.tm_year) - zone.daylight_offset;
    return start < end ? at >= start && at < end : at >= start || at < end;
}

struct tm *localtime_r(const time_t *restrict at, struct tm *restrict to)
{
    bool daylight = is_daylight(*at);
    long offset = daylight ? zone.daylight_offset : zone.standard_offset;
    time_t local = *at + offset;
    if (gmtime_r(&local, to) == NULL) {
        return NULL;
    }
    to->tm_isdst = daylight;
    to->tm_gmtoff = offset;
    to->tm_zone = daylight ? zone.daylight : zone.standard;
    return to;
}

struct tm *localtime(const time_t *at)
{
    static struct tm result;
    return localtime_r(at, &result);
}

time_t mktime(struct tm *from)
{
    struct tm copy = *from;
    time_t local = timegm(&copy);
    long offset = from->tm_isdst > 0 && zone.has_daylight ? zone.daylight_offset : zone.standard_offset;
    if (from->tm_isdst < 0 && is_daylight(local - zone.daylight_offset)) {
        offset = zone.daylight_offset;
    }
    time_t at = local - offset;
    return localtime_r(&at, from) == NULL ? -1 : at;
}
