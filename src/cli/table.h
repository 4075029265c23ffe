/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table - columns on a terminal
 *
 * On a terminal the table is made to fit its width: the widest columns that may be cut lose characters, with
 * an ellipsis. Into a pipe nothing is cut. Cells are UTF-8, counted in characters; control characters are
 * shown as '?'.
 */
#pragma once
#include <stdio.h>

#include "base/util.h"

struct table_column {
        const char *title;
        bool right; /* numbers */
        bool whole; /* never cut */
};

#define TABLE_COLUMNS_MAX 12

struct table {
        const struct table_column *columns;
        size_t column_count;
        char **cells; /* rows * column_count, owned */
        size_t row_count;
};

#define TABLE_OF(titles) ((struct table){ .columns = (titles), .column_count = ARRAY_SIZE(titles) })

/* Takes over one malloc'ed string per column; NULL shows "-". */
void table_add_consume(struct table *table, char *const *cells);
/* width 0: as wide as it is. */
void table_print(const struct table *table, FILE *out, size_t width);
void table_release(struct table *table);

/* Columns of the terminal behind out; 0 when it is none. COLUMNS overrides on a terminal. */
size_t terminal_width(FILE *out);

/* Malloc'ed texts for cells: "3m 12s", "64 MB", or "-" for 0. */
char *text_of_seconds(double seconds);
char *text_of_bytes(uint64_t bytes);
