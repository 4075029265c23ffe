/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <sys/ioctl.h>

#define GAP 2
#define LEAST_WIDTH 6

void table_add_consume(struct table *table, char *const *cells) {
        size_t at = table->row_count++ * table->column_count;

        must(table->column_count <= TABLE_COLUMNS_MAX);
        table->cells = xrealloc(table->cells, (at + table->column_count) * sizeof(*table->cells));
        for (size_t i = 0; i < table->column_count; i++) {
                table->cells[at + i] = cells[i] ? cells[i] : xstrdup("-");
                /* What a function chose to be called must not steer the terminal. */
                for (char *c = table->cells[at + i]; *c; c++)
                        *c = (unsigned char)*c < ' ' || *c == 127 ? '?' : *c;
        }
}

void table_release(struct table *table) {
        for (size_t i = 0; i < table->row_count * table->column_count; i++)
                free(table->cells[i]);
        free(table->cells);
        table->cells = NULL;
        table->row_count = 0;
}

static size_t characters(const char *text) {
        size_t count = 0;

        for (; *text; text++)
                count += ((unsigned char)*text & 0xc0) != 0x80;
        return count;
}

static size_t bytes_of(const char *text, size_t count) {
        const char *at = text;

        while (*at && (count || ((unsigned char)*at & 0xc0) == 0x80)) {
                count -= ((unsigned char)*at & 0xc0) != 0x80;
                at++;
        }
        return (size_t)(at - text);
}

static void fit(const struct table *table, size_t *widths, size_t width) {
        size_t total = GAP * (table->column_count - 1);

        for (size_t i = 0; i < table->column_count; i++)
                total += widths[i];
        while (total > width) {
                size_t widest = table->column_count;

                for (size_t i = 0; i < table->column_count; i++) {
                        if (!table->columns[i].whole && widths[i] > LEAST_WIDTH &&
                            (widest == table->column_count || widths[i] > widths[widest]))
                                widest = i;
                }
                if (widest == table->column_count)
                        return;
                widths[widest]--;
                total--;
        }
}

static void print_cell(const struct table *table, FILE *out, size_t column, const char *text, size_t width) {
        size_t count = characters(text), shown = MIN(count, width);
        bool cut = count > width, last = column + 1 == table->column_count;

        if (table->columns[column].right)
                fprintf(out, "%*s", (int)(width - shown), "");
        fprintf(out, "%.*s%s", (int)bytes_of(text, cut ? width - 1 : shown), text, cut ? "…" : "");
        if (last)
                fputc('\n', out);
        else
                fprintf(out, "%*s", (int)((table->columns[column].right ? 0 : width - shown) + GAP), "");
}

void table_print(const struct table *table, FILE *out, size_t width) {
        size_t widths[TABLE_COLUMNS_MAX];

        for (size_t i = 0; i < table->column_count; i++) {
                widths[i] = characters(table->columns[i].title);
                for (size_t row = 0; row < table->row_count; row++) {
                        size_t count = characters(table->cells[row * table->column_count + i]);

                        widths[i] = MAX(widths[i], count);
                }
        }
        if (width)
                fit(table, widths, width);
        for (size_t i = 0; i < table->column_count; i++)
                print_cell(table, out, i, table->columns[i].title, widths[i]);
        for (size_t at = 0; at < table->row_count * table->column_count; at++)
                print_cell(table, out, at % table->column_count, table->cells[at],
                           widths[at % table->column_count]);
}

size_t terminal_width(FILE *out) {
        const char *columns = getenv("COLUMNS");
        struct winsize size;
        uint64_t width;

        if (!isatty(fileno(out)))
                return 0;
        if (columns && str_to_u64(columns, 10000, &width) == 0 && width)
                return width;
        return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

char *text_of_seconds(double seconds) {
        uint64_t whole = seconds < 0 ? 0 : (uint64_t)seconds;

        if (whole < 60)
                return xasprintf("%us", (unsigned)whole);
        if (whole < 3600)
                return xasprintf("%um %us", (unsigned)(whole / 60), (unsigned)(whole % 60));
        if (whole < 24 * 3600)
                return xasprintf("%uh %um", (unsigned)(whole / 3600), (unsigned)(whole / 60 % 60));
        return xasprintf("%llud %uh", (unsigned long long)whole / 86400, (unsigned)(whole / 3600 % 24));
}

char *text_of_bytes(uint64_t bytes) {
        if (!bytes)
                return xstrdup("-");
        if (bytes < MIB)
                return xasprintf("%llu KB", (unsigned long long)(bytes + KIB - 1) / KIB);
        if (bytes < 10 * MIB)
                return xasprintf("%.1f MB", (double)bytes / (double)MIB);
        return xasprintf("%llu MB", (unsigned long long)(bytes / MIB));
}
