/* strftime as glibc has it in the C locale: with its flags, widths and directives. Unknown directives are
 * copied; wasi-libc's function returns no text at all then. */

#include "pyconfig.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* From timezone.c. */
const char *local_zone_name(int is_daylight);

static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

/* The text as it grows; what does not fit is counted only. */
struct output {
    char *to;
    size_t room;
    size_t size;
};

/* The flags and the width between `%` and the directive. */
struct field {
    char pad; /* '0', '_' or '-'; 0 for the directive's own */
    bool upper;
    bool swap_case;
    int width; /* -1 without */
};

/* Directives that a modifier makes unknown. */
#define NEVER_WITH_E "ABDFGHIMSUVWabdeghjklmw"
#define NEVER_WITH_O "AaDFXYcx"

/* Wider ones only repeat a character. */
enum { WIDEST = 1 << 20 };

static void put(struct output *out, char c)
{
    if (out->size < out->room) {
        out->to[out->size] = c;
    }
    out->size++;
}

static void pad(struct output *out, char c, long count)
{
    while (count-- > 0) {
        put(out, c);
    }
}

static void put_text(struct output *out, const struct field *field, const char *text, bool lower)
{
    long size = strlen(text);
    pad(out, field->pad == '0' ? '0' : ' ', field->width - size);
    for (; *text != 0; text++) {
        put(out, field->upper ? toupper((unsigned char)*text) : lower ? tolower((unsigned char)*text) : *text);
    }
}

/* A number with at least `digits` digits. */
static void put_number(struct output *out, const struct field *field, long long value, int digits, char own_pad)
{
    char text[24];
    char padding = field->pad != 0 ? field->pad : own_pad;
    int size = snprintf(text, sizeof text, "%lld", value);
    if (padding == '-') {
        put_text(out, field, text, false);
        return;
    }
    const char *first = text;
    long missing = (field->width > digits ? field->width : digits) - size;
    if (padding == '_') {
        pad(out, ' ', missing);
    } else {
        if (value < 0) {
            put(out, *first++);
        }
        pad(out, '0', missing);
    }
    while (*first != 0) {
        put(out, *first++);
    }
}

static size_t format_into(char *to, size_t room, const char *format, const struct tm *tm, bool upper);

/* A directive that stands for others. */
static void put_format(struct output *out, const struct field *field, const char *format, const struct tm *tm)
{
    char text[128];
    size_t size = format_into(text, sizeof text, format, tm, field->upper);
    text[size] = 0;
    struct field plain = *field;
    plain.upper = false;
    put_text(out, &plain, text, false);
}

static bool is_leap(long long year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days since the Monday of week 1 of a year, for a day of the year. */
static int days_into_iso_year(int day_of_year, int weekday)
{
    const int big_enough = 3 * 7;
    int monday_based = (day_of_year - weekday + 4 + big_enough) % 7;
    return day_of_year - monday_based + 3;
}

/* The year and week of ISO 8601. */
static int iso_week(const struct tm *tm, long long *year)
{
    *year = tm->tm_year + 1900LL;
    int days_in = days_into_iso_year(tm->tm_yday, tm->tm_wday);
    if (days_in < 0) {
        --*year;
        days_in = days_into_iso_year(tm->tm_yday + 365 + is_leap(*year), tm->tm_wday);
    } else {
        int next = days_into_iso_year(tm->tm_yday - 365 - is_leap(*year), tm->tm_wday);
        if (next >= 0) {
            ++*year;
            days_in = next;
        }
    }
    return days_in / 7 + 1;
}

static long long floor_div(long long value, long long by)
{
    return value / by - (value % by < 0);
}

/* The zone of a time that was put together by hand is the local one. */
static const char *zone_of(const struct tm *tm)
{
    return tm->tm_zone != NULL ? tm->tm_zone : tm->tm_isdst < 0 ? "" : local_zone_name(tm->tm_isdst > 0);
}

/* The offset from UTC, +hhmm. */
static void put_offset(struct output *out, const struct field *field, const struct tm *tm)
{
    if (tm->tm_isdst >= 0) {
        long minutes = (tm->tm_gmtoff < 0 ? -tm->tm_gmtoff : tm->tm_gmtoff) / 60;
        put_text(out, field, tm->tm_gmtoff < 0 ? "-" : "+", false);
        put_number(out, field, minutes / 60 * 100 + minutes % 60, 4, '0');
    }
}

/* Writes what a directive stands for; false if there is none of that name. */
static bool put_directive(struct output *out, struct field *field, char modifier, char directive,
                          const struct tm *tm)
{
    long long year = tm->tm_year + 1900LL, week_year;
    int hour12 = tm->tm_hour % 12 == 0 ? 12 : tm->tm_hour % 12;
    bool morning = tm->tm_hour < 12;
    if ((modifier == 'E' && strchr(NEVER_WITH_E, directive) != NULL)
        || (modifier == 'O' && strchr(NEVER_WITH_O, directive) != NULL)) {
        return false;
    }
    switch (directive) {
    case '%':
        put_text(out, field, "%", false);
        return true;
    case 'n':
        put_text(out, field, "\n", false);
        return true;
    case 't':
        put_text(out, field, "\t", false);
        return true;
    case 'a':
    case 'A':
    case 'b':
    case 'h':
    case 'B': {
        bool of_week = directive == 'a' || directive == 'A';
        int number = of_week ? tm->tm_wday : tm->tm_mon;
        const char *name = number < 0 || number > (of_week ? 6 : 11) ? "?" : of_week ? days[number] : months[number];
        char text[16];
        snprintf(text, sizeof text, directive == 'A' || directive == 'B' ? "%s" : "%.3s", name);
        field->upper |= field->swap_case;
        put_text(out, field, text, false);
        return true;
    }
    case 'p':
        put_text(out, field, morning ? "AM" : "PM", field->swap_case);
        return true;
    case 'P':
        put_text(out, &(struct field){.pad = field->pad, .width = field->width, .upper = false},
                 morning ? "am" : "pm", false);
        return true;
    case 'Z':
        put_text(out, field, zone_of(tm), field->swap_case);
        return true;
    case 'z':
        put_offset(out, field, tm);
        return true;
    case 'c':
        put_format(out, field, "%a %b %e %H:%M:%S %Y", tm);
        return true;
    case 'D':
    case 'x':
        put_format(out, field, "%m/%d/%y", tm);
        return true;
    case 'r':
        put_format(out, field, "%I:%M:%S %p", tm);
        return true;
    case 'R':
        put_format(out, field, "%H:%M", tm);
        return true;
    case 'T':
    case 'X':
        put_format(out, field, "%H:%M:%S", tm);
        return true;
    case 'F':
        put_format(out, field, "%Y-%m-%d", tm);
        return true;
    case 'C':
        put_number(out, field, floor_div(year, 100), 1, '0');
        return true;
    case 'y':
        put_number(out, field, year - floor_div(year, 100) * 100, 2, '0');
        return true;
    case 'Y':
        put_number(out, field, year, 1, '0');
        return true;
    case 'G':
        iso_week(tm, &week_year);
        put_number(out, field, week_year, 1, '0');
        return true;
    case 'g':
        iso_week(tm, &week_year);
        put_number(out, field, week_year - floor_div(week_year, 100) * 100, 2, '0');
        return true;
    case 'V':
        put_number(out, field, iso_week(tm, &week_year), 2, '0');
        return true;
    case 'U':
        put_number(out, field, (tm->tm_yday - tm->tm_wday + 7) / 7, 2, '0');
        return true;
    case 'W':
        put_number(out, field, (tm->tm_yday - (tm->tm_wday + 6) % 7 + 7) / 7, 2, '0');
        return true;
    case 'd':
        put_number(out, field, tm->tm_mday, 2, '0');
        return true;
    case 'e':
        put_number(out, field, tm->tm_mday, 2, '_');
        return true;
    case 'H':
        put_number(out, field, tm->tm_hour, 2, '0');
        return true;
    case 'k':
        put_number(out, field, tm->tm_hour, 2, '_');
        return true;
    case 'I':
        put_number(out, field, hour12, 2, '0');
        return true;
    case 'l':
        put_number(out, field, hour12, 2, '_');
        return true;
    case 'j':
        put_number(out, field, tm->tm_yday + 1, 3, '0');
        return true;
    case 'm':
        put_number(out, field, tm->tm_mon + 1, 2, '0');
        return true;
    case 'M':
        put_number(out, field, tm->tm_min, 2, '0');
        return true;
    case 'S':
        put_number(out, field, tm->tm_sec, 2, '0');
        return true;
    case 's': {
        struct tm copy = *tm;
        put_number(out, field, mktime(&copy), 1, '0');
        return true;
    }
    case 'u':
        put_number(out, field, (tm->tm_wday + 6) % 7 + 1, 1, '0');
        return true;
    case 'w':
        put_number(out, field, tm->tm_wday, 1, '0');
        return true;
    default:
        return false;
    }
}

/* Reads the flags and the width of a directive. */
static const char *read_field(const char *at, struct field *field)
{
    for (;; at++) {
        if (*at == '_' || *at == '-' || *at == '0') {
            field->pad = *at;
        } else if (*at == '^') {
            field->upper = true;
        } else if (*at == '#') {
            field->swap_case = true;
        } else {
            break;
        }
    }
    if (isdigit((unsigned char)*at)) {
        for (field->width = 0; isdigit((unsigned char)*at); at++) {
            field->width = field->width >= WIDEST / 10 ? WIDEST : 10 * field->width + (*at - '0');
        }
    }
    return at;
}

static size_t format_into(char *to, size_t room, const char *format, const struct tm *tm, bool upper)
{
    struct output out = {.to = to, .room = room};
    for (; *format != 0; format++) {
        if (*format != '%') {
            put(&out, *format);
            continue;
        }
        struct field field = {.width = -1, .upper = upper};
        const char *start = format;
        format = read_field(format + 1, &field);
        char modifier = *format == 'E' || *format == 'O' ? *format++ : 0;
        if (*format == 0 || !put_directive(&out, &field, modifier, *format, tm)) {
            const char *end = *format == 0 ? format - 1 : format;
            struct field plain = field;
            char text[64];
            snprintf(text, sizeof text, "%.*s", (int)(end - start + 1), start);
            put_text(&out, &plain, text, false);
            format = end;
        }
    }
    if (out.size >= room) {
        return 0;
    }
    to[out.size] = 0;
    return out.size;
}

size_t strftime(char *restrict to, size_t room, const char *restrict format, const struct tm *restrict tm)
{
    return format_into(to, room, format, tm, false);
}
