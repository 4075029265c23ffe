/* SPDX-License-Identifier: Apache-2.0 */
/* A buffer against a plain array, and the edges of its cap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

#define CAP 1000

static uint64_t seed;

static size_t draw(size_t below) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        return (size_t)(seed >> 33) % below;
}

struct model {
        char bytes[CAP];
        size_t len;
};

static void check(const struct buf *buf, const struct model *m) {
        assert_int_equal(buf->len, m->len);
        assert_int_equal(buf_is_empty(buf), m->len == 0);
        assert_true(buf->len <= buf->cap && buf->capacity <= buf->cap);
        if (m->len)
                assert_memory_equal(buf_data(buf), m->bytes, m->len);
}

static void append(struct buf *buf, struct model *m) {
        char data[400];
        size_t len = draw(2) ? draw(20) : draw(sizeof(data));
        int r;

        for (size_t i = 0; i < len; ++i)
                data[i] = (char)draw(256);
        r = buf_append(buf, data, len);
        assert_int_equal(r, m->len + len > CAP ? -E2BIG : 0);
        if (r)
                return;
        memcpy(m->bytes + m->len, data, len);
        m->len += len;
}

static void reserve(struct buf *buf, struct model *m) {
        size_t len = draw(300), used = draw(len + 1);
        char *tail;
        int r = buf_reserve(buf, len, &tail);

        assert_int_equal(r, m->len + len > CAP ? -E2BIG : 0);
        if (r)
                return;
        assert_true(buf_spare(buf) >= len);
        memset(tail, 'r', len);
        buf_commit(buf, used);
        memset(m->bytes + m->len, 'r', used);
        m->len += used;
}

static void print(struct buf *buf, struct model *m) {
        size_t len = draw(300);
        int r = buf_printf(buf, "%0*d", (int)len + 1, 7);

        assert_int_equal(r, m->len + len + 1 > CAP ? -E2BIG : 0);
        if (r)
                return;
        memset(m->bytes + m->len, '0', len);
        m->len += len;
        m->bytes[m->len++] = '7';
}

static void consume(struct buf *buf, struct model *m) {
        size_t len = draw(m->len + 1);

        buf_consume(buf, len);
        memmove(m->bytes, m->bytes + len, m->len - len);
        m->len -= len;
}

static void a_random_life(void **state) {
        for (uint64_t run = 1; run <= 50; ++run) {
                struct buf buf = BUF_NULL(CAP);
                struct model m = {};

                seed = run;
                for (unsigned step = 0; step < 1000; ++step) {
                        switch (draw(8)) {
                        case 0:
                                reserve(&buf, &m);
                                break;
                        case 1:
                                print(&buf, &m);
                                break;
                        case 2:
                        case 3:
                        case 4:
                                consume(&buf, &m);
                                break;
                        default:
                                append(&buf, &m);
                                break;
                        }
                        check(&buf, &m);
                }
                buf_deinit(&buf);
        }
}

/* Exactly the cap fits, in each way of writing, whatever lies before; one byte more changes nothing. */
static void exactly_the_cap(void **state) {
        static const size_t before[] = { 0, 1, 200, 255, 256, 299 };
        char text[302];

        for (size_t i = 0; i < ARRAY_SIZE(before); ++i)
                for (size_t over = 0; over < 2; ++over)
                        for (int how = 0; how < 3; ++how) {
                                struct buf buf = BUF_NULL(300);
                                size_t len = 300 - before[i] + over;
                                int r;

                                memset(text, 'x', sizeof(text));
                                assert_int_equal(buf_append(&buf, text, before[i]), 0);
                                text[len] = 0;
                                if (how == 0)
                                        r = buf_append_str(&buf, text);
                                else if (how == 1)
                                        r = buf_printf(&buf, "%s", text);
                                else
                                        r = buf_append_strs(&buf, text, NULL);
                                assert_int_equal(r, over ? -E2BIG : 0);
                                assert_int_equal(buf.len, over ? before[i] : 300);
                                buf_deinit(&buf);
                        }
}

static void an_absurd_length_is_refused(void **state) {
        struct buf buf = BUF_NULL(SIZE_MAX);
        char *tail;

        assert_int_equal(buf_append(&buf, "x", 1), 0);
        assert_int_equal(buf_reserve(&buf, SIZE_MAX, &tail), -E2BIG);
        assert_int_equal(buf.len, 1);
        buf_deinit(&buf);
}

static void memory_is_kept_until_the_end(void **state) {
        struct buf buf;
        const char *base;

        buf_init(&buf, 100);
        buf_deinit(&buf); /* legal on an empty one */
        assert_int_equal(buf.cap, 100);
        assert_int_equal(buf_append(&buf, "abc", 3), 0);
        base = buf.base;
        buf_clear(&buf);
        assert_int_equal(buf_append(&buf, "def", 3), 0);
        assert_ptr_equal(buf.base, base);
        buf_consume(&buf, 3);
        assert_int_equal(buf.start, 0);
        buf_deinit(&buf);
        assert_null(buf.base);
        assert_int_equal(buf.cap, 100);
}

/* A queue that is filled and emptied in step does not grow. */
static void a_queue_stays_small(void **state) {
        struct buf buf = BUF_NULL(MIB);

        for (unsigned i = 0; i < 10000; ++i) {
                assert_int_equal(buf_append(&buf, "0123456789", 10), 0);
                if (i > 5)
                        buf_consume(&buf, 10);
        }
        assert_true(buf.capacity <= 1024);
        buf_deinit(&buf);
}

static void taking_the_string(void **state) {
        struct buf buf = BUF_NULL(100);
        size_t len = 7;
        char *s = buf_take_str(&buf, &len);

        assert_string_equal(s, "");
        assert_int_equal(len, 0);
        free(s);
        assert_int_equal(buf_append(&buf, "xab\0c", 5), 0);
        buf_consume(&buf, 1);
        s = buf_take_str(&buf, &len);
        assert_int_equal(len, 4);
        assert_memory_equal(s, "ab\0c", 5);
        assert_true(buf_is_empty(&buf));
        free(s);
        assert_int_equal(buf_append_str(&buf, "again"), 0);
        s = buf_take_str(&buf, NULL);
        assert_string_equal(s, "again");
        free(s);
}

/* Lent room is used while it lasts, never freed, and left behind with all that was in it. */
static void lent_room(void **state) {
        char room[9];
        struct buf buf = BUF_LENT(room, 20);
        char *text;

        assert_int_equal(buf_append_str(&buf, "12345"), 0);
        assert_int_equal(buf_append_str(&buf, "678"), 0);
        assert_ptr_equal(buf_data(&buf), room);
        buf_consume(&buf, 2);
        assert_int_equal(buf_append_str(&buf, "9abcdef"), 0);
        assert_ptr_not_equal(buf_data(&buf), room);
        assert_int_equal(buf.len, 13);
        assert_memory_equal(buf_data(&buf), "3456789abcdef", 13);
        assert_int_equal(buf_append_str(&buf, "12345678"), -E2BIG);
        buf_deinit(&buf);
        assert_int_equal(buf_append_str(&buf, "again"), 0);
        buf_deinit(&buf);

        buf = BUF_LENT(room, 3);
        assert_int_equal(buf_append_str(&buf, "1234"), -E2BIG);
        assert_int_equal(buf_append_strs(&buf, "a", "", "bc", NULL), 0);
        text = buf_take_str(&buf, NULL);
        assert_string_equal(text, "abc");
        free(text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_random_life),
                cmocka_unit_test(exactly_the_cap),
                cmocka_unit_test(an_absurd_length_is_refused),
                cmocka_unit_test(memory_is_kept_until_the_end),
                cmocka_unit_test(a_queue_stays_small),
                cmocka_unit_test(taking_the_string),
                cmocka_unit_test(lent_room),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
