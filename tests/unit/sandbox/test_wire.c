/* SPDX-License-Identifier: Apache-2.0 */
/* The packets between daemon, launcher and cells: what is sent arrives, and rubbish is refused whole. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "sandbox/native/wire.h"

static struct wire_in in;
static int ends[2];

static int open_pair(void **state) {
        return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int close_pair(void **state) {
        wire_clear(&in);
        fd_close(ends[0]);
        fd_close(ends[1]);
        return 0;
}

static size_t count_fds(void) {
        size_t count = 0;

        for (int fd = 0; fd < 256; ++fd)
                count += fcntl(fd, F_GETFD) >= 0;
        return count;
}

static void strings_and_descriptors_arrive(void **state) {
        const struct wire head = { .type = WIRE_SPAWN, .strings = 3, .spawn = { 1, 2 } };
        const char *const strings[] = { "/var/task", "", "A=ä" };
        int fds[] = { ends[0], ends[1] };

        assert_int_equal(wire_send(ends[0], &head, strings, fds, 2), 0);
        assert_int_equal(wire_receive(ends[1], &in), 0);
        assert_int_equal(in.head.type, WIRE_SPAWN);
        assert_int_equal(in.head.spawn.argc, 2);
        for (size_t i = 0; i < 3; ++i)
                assert_string_equal(in.strings[i], strings[i]);
        assert_null(in.strings[3]);
        assert_int_equal(in.fd_count, 2);
        assert_true(fcntl(in.fds[0], F_GETFD) & FD_CLOEXEC);
        fd_close(wire_take_fd(&in));
        assert_int_equal(in.fd_count, 1);
}

static void the_largest_environment_fits_and_more_does_not(void **state) {
        struct wire head = { .type = WIRE_SPAWN, .strings = 1 };
        char *huge = xmalloc(WIRE_MAX + 1);
        const char *const strings[] = { huge };

        memset(huge, 'x', WIRE_MAX);
        huge[WIRE_MAX] = '\0';
        assert_int_equal(wire_send(ends[0], &head, strings, NULL, 0), -E2BIG);
        huge[WIRE_MAX - 1] = '\0';
        assert_int_equal(wire_send(ends[0], &head, strings, NULL, 0), 0);
        assert_int_equal(wire_receive(ends[1], &in), 0);
        assert_int_equal(strlen(in.strings[0]), WIRE_MAX - 1);
        head.strings = WIRE_STRINGS_MAX + 1;
        assert_int_equal(wire_send(ends[0], &head, strings, NULL, 0), -E2BIG);
        free(huge);
}

static void silence_and_the_end_are_told_apart(void **state) {
        assert_int_equal(wire_receive(ends[1], &in), -EAGAIN);
        ends[0] = fd_close(ends[0]);
        assert_int_equal(wire_receive(ends[1], &in), -ENOTCONN);
}

static void last_words_arrive_although_ours_were_not_read(void **state) {
        const struct wire head = { .type = WIRE_KILL };

        assert_int_equal(wire_send(ends[1], &head, NULL, NULL, 0), 0);
        assert_int_equal(wire_send_failed(ends[0], -EIO, "why"), 0);
        ends[0] = fd_close(ends[0]);
        assert_int_equal(wire_receive(ends[1], &in), 0);
        assert_int_equal(in.head.type, WIRE_FAILED);
        assert_string_equal(in.strings[0], "why");
        assert_int_equal(wire_receive(ends[1], &in), -ENOTCONN);
}

/* Sends raw bytes with a descriptor: whatever is refused must not keep it. */
static void expect_refused(const void *bytes, size_t len) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        struct iovec iov = { (void *)(uintptr_t)bytes, len };
        struct msghdr msg = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
        };
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        size_t before = count_fds();

        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(cmsg), &ends[0], sizeof(int));
        assert_int_equal(sendmsg(ends[0], &msg, 0), len);
        assert_int_equal(wire_receive(ends[1], &in), -EPROTO);
        assert_int_equal(count_fds(), before);
}

static void rubbish_is_refused(void **state) {
        struct {
                struct wire head;
                char bytes[16];
        } packet = { .head = { .type = WIRE_EXIT, .strings = 2 } };

        expect_refused("x", 1);
        expect_refused(&packet.head, sizeof(packet.head) - 1);
        expect_refused(&packet.head, sizeof(packet.head)); /* two strings promised, none there */
        memcpy(packet.bytes, "a\0b", 3);
        expect_refused(&packet, sizeof(packet.head) + 3); /* the second has no end */
        memcpy(packet.bytes, "a\0b\0c", 5);
        expect_refused(&packet, sizeof(packet.head) + 5); /* something behind the last */
        packet.head.strings = UINT32_MAX;
        expect_refused(&packet, sizeof(packet));
        packet.head = (struct wire){ .type = WIRE_TYPES };
        expect_refused(&packet, sizeof(packet.head));
        packet.head.type = 0;
        expect_refused(&packet, sizeof(packet.head));
}

static void the_sender_is_known_when_asked_for(void **state) {
        const struct wire head = { .type = WIRE_PREPARED };
        int on = 1;

        assert_int_equal(wire_send(ends[0], &head, NULL, NULL, 0), 0);
        assert_int_equal(wire_receive(ends[1], &in), 0);
        assert_int_equal(in.sender, 0);
        assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
        assert_int_equal(wire_send(ends[0], &head, NULL, NULL, 0), 0);
        assert_int_equal(wire_receive(ends[1], &in), 0);
        assert_int_equal(in.sender, getpid());
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(strings_and_descriptors_arrive, open_pair, close_pair),
                cmocka_unit_test_setup_teardown(the_largest_environment_fits_and_more_does_not, open_pair,
                                                close_pair),
                cmocka_unit_test_setup_teardown(silence_and_the_end_are_told_apart, open_pair, close_pair),
                cmocka_unit_test_setup_teardown(last_words_arrive_although_ours_were_not_read, open_pair,
                                                close_pair),
                cmocka_unit_test_setup_teardown(rubbish_is_refused, open_pair, close_pair),
                cmocka_unit_test_setup_teardown(the_sender_is_known_when_asked_for, open_pair, close_pair),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
