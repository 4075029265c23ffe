/* SPDX-License-Identifier: Apache-2.0 */
/* An own loopback per environment. The first argument is the tier. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "trial.h"

static struct trial trial;

static int accept_one(struct guest *guest) {
        int fd;

        trial_until(&trial, (fd = accept4(guest->api_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0);
        return fd;
}

static void all_environments_have_the_same_address(void **state) {
        struct guest guest, other;
        int conn;

        guest_open(&trial, &guest, NULL);
        guest_open(&trial, &other, NULL);
        assert_string_equal(guest.api_address, "127.0.0.1:9001");
        assert_string_equal(other.api_address, "127.0.0.1:9001");
        guest_start(&guest, PROCESS_RUNTIME, "connect-api", guest.api_address);
        conn = accept_one(&guest);
        assert_true(guest.place->ops->peer_is_ours(guest.place, conn));
        assert_int_equal(accept4(other.api_fd, NULL, NULL, SOCK_CLOEXEC), -1);
        fd_close(conn);
        guest_close(&guest);
        guest_close(&other);
}

static void the_hosts_loopback_is_out_of_reach(void **state) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(address);
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct guest guest;
        char target[32];

        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(listener, 1), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
        snprintf(target, sizeof(target), "127.0.0.1:%u", ntohs(address.sin_port));
        guest_open(&trial, &guest, NULL);
        assert_string_equal(guest_run(&guest, "connect-api", target), "connect: Connection refused\n");
        guest_close(&guest);
        fd_close(listener);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_environments_have_the_same_address),
                cmocka_unit_test(the_hosts_loopback_is_out_of_reach),
        };
        const struct native_options options = { .limit_memory = true,
                                                .private_network = true,
                                                .spare_cells = 1 };
        int r = trial_open(&trial, argc > 1 ? (enum native_tier)atoi(argv[1]) : NATIVE_T1, &options);

        if (!r && !streq(native_report(trial.native)->network, "private"))
                r = -EOPNOTSUPP;
        r = r ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
        trial_close(&trial);
        return r;
}
