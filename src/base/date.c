/* SPDX-License-Identifier: Apache-2.0 */
#include "base/date.h"

#include <stdio.h>

#define DAY 86400

/* Days since 1970 to a date of the Gregorian calendar, counting years from March so that the leap day comes
 * last. */
static void civil_date(uint64_t days, struct date *date) {
        uint64_t from_0000_03 = days + 719468, era = from_0000_03 / 146097, day = from_0000_03 % 146097;
        uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
        uint64_t day_of_year = day - (365 * year + year / 4 - year / 100),
                 month = (5 * day_of_year + 2) / 153;

        date->day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
        date->month = (unsigned)(month < 10 ? month + 2 : month - 10);
        date->year = (unsigned)(year + era * 400 + (date->month < 2));
}

void date_of(nsec_t wall, struct date *ret_date) {
        uint64_t seconds = wall / SECOND;
        unsigned second = (unsigned)(seconds % DAY);

        civil_date(seconds / DAY, ret_date);
        ret_date->hour = second / 3600;
        ret_date->minute = second / 60 % 60;
        ret_date->second = second % 60;
        ret_date->millisecond = (unsigned)(wall % SECOND / MILLISECOND);
        ret_date->weekday = (unsigned)((seconds / DAY + 4) % 7); /* 1970 began on a Thursday */
}

char *date_text(nsec_t wall, char ret_text[static DATE_TEXT]) {
        struct date d;

        date_of(wall, &d);
        snprintf(ret_text, DATE_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", d.year, d.month + 1, d.day,
                 d.hour, d.minute, d.second, d.millisecond);
        return ret_text;
}
