/* SPDX-License-Identifier: Apache-2.0 */
/*
 * date - Unix time as a date, in UTC
 *
 * Neither gmtime nor strftime: both read the time zone's files, the latter speaks the locale's language, and
 * together they are an eighth of a static program.
 */
#pragma once
#include "base/util.h"

struct date {
        unsigned year, month, day; /* months from 0 */
        unsigned hour, minute, second, millisecond;
        unsigned weekday; /* from Sunday, 0 */
};

void date_of(nsec_t wall, struct date *ret_date);

/* "2026-01-05T10:00:00.123Z", as logs have it; returns ret_text. */
#define DATE_TEXT 40
char *date_text(nsec_t wall, char ret_text[static DATE_TEXT]);
