/* SPDX-License-Identifier: Apache-2.0 */
/* The client over TLS against Python's ssl module: who is trusted, what fails and how it is told, what flows. */
#include "tls_rig.h"

#include <stdio.h>

static void clear_environment(void) {
        static const char *const names[] = { "AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR",
                                             "HTTPS_PROXY",   "https_proxy",   "ALL_PROXY",
                                             "all_proxy",     "NO_PROXY",      "no_proxy" };

        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                unsetenv(names[i]);
}

static void open_to(struct caller *c, const struct rig *rig, const char *server) {
        clear_environment();
        caller_open(c, &(struct tls_settings){ .ca_file = rig_file(rig, "ca.pem") }, "localhost",
                    rig_port(rig, server));
}

static void assert_pattern(const char *data, size_t len) {
        for (size_t i = 0; i < len; ++i)
                if ((unsigned char)data[i] != i % 251)
                        fail_msg("byte %zu is %u", i, (unsigned char)data[i]);
}

/* ---- whom to trust ---- */

struct peer {
        const char *name, *server, *host, *ca, *cert, *key;
        bool any_peer;
        int result;
        const char *words; /* in the sentence */
};

static const struct peer peers[] = {
        { "good", "good", "localhost", "ca.pem", NULL, NULL, false, 0, "" },
        { "by address", "good", "127.0.0.1", "ca.pem", NULL, NULL, false, 0, "" },
        { "TLS 1.2", "tls12", "localhost", "ca.pem", NULL, NULL, false, 0, "" },
        { "expired", "expired", "localhost", "ca.pem", NULL, NULL, false, -EKEYREJECTED, "expired" },
        { "for another", "wrong-name", "localhost", "ca.pem", NULL, NULL, false, -EKEYREJECTED, "localhost" },
        { "for another address", "wrong-name", "127.0.0.1", "ca.pem", NULL, NULL, false, -EKEYREJECTED,
          "127.0.0.1" },
        { "self-signed", "self-signed", "localhost", "ca.pem", NULL, NULL, false, -EKEYREJECTED,
          "certificate" },
        { "of a stranger", "stranger", "localhost", "ca.pem", NULL, NULL, false, -EKEYREJECTED,
          "certificate" },
        { "system's authorities", "good", "localhost", NULL, NULL, NULL, false, -EKEYREJECTED,
          "certificate" },
        { "any, expired", "expired", "localhost", "ca.pem", NULL, NULL, true, 0, "" },
        { "any, for another", "wrong-name", "localhost", NULL, NULL, NULL, true, 0, "" },
        { "any, self-signed", "self-signed", "localhost", NULL, NULL, NULL, true, 0, "" },
        { "both", "mutual", "localhost", "ca.pem", "cert.pem", "key.pem", false, 0, "" },
        { "no authorities", "good", "localhost", "absent.pem", NULL, NULL, false, -ENOKEY, "absent.pem" },
        { "no certificate", "mutual", "localhost", "ca.pem", "absent.pem", "key.pem", false, -ENOKEY,
          "absent.pem" },
        { "no key", "mutual", "localhost", "ca.pem", "cert.pem", "absent.pem", false, -ENOKEY, "absent.pem" },
        { "another's key", "mutual", "localhost", "ca.pem", "cert.pem", "good.key", false, -ENOKEY, "" },
        { "no certificate shown", "mutual", "localhost", "ca.pem", NULL, NULL, false, -ECONNRESET,
          "certificate" },
        { "no certificate shown in TLS 1.2", "mutual12", "localhost", "ca.pem", NULL, NULL, false, -EPROTO,
          "handshake failure" },
        { "too old", "old", "localhost", "ca.pem", NULL, NULL, false, -EPROTO, "SSL" },
        { "no TLS", "ssh", "localhost", "ca.pem", NULL, NULL, false, -EPROTO, "SSL" },
        { "unknown", "good", "nothing.invalid", "ca.pem", NULL, NULL, false, -EHOSTUNREACH,
          "nothing.invalid" },
};

static void test_peers(void **state) {
        const struct rig *rig = *state;

        clear_environment();
        for (const struct peer *p = peers; p < peers + ARRAY_SIZE(peers); ++p) {
                struct tls_settings settings = { .any_peer = p->any_peer };
                struct caller c;
                int r;

                if (p->ca)
                        settings.ca_file = rig_file(rig, p->ca);
                if (p->cert)
                        settings.cert_file = rig_file(rig, p->cert);
                if (p->key)
                        settings.key_file = rig_file(rig, p->key);
                caller_open(&c, &settings, p->host, rig_port(rig, p->server));
                r = caller_get(&c, "/names");
                assert_true(!r || *c.problem);
                if (r != p->result || !strstr(c.problem, p->words))
                        fail_msg("%s: %s, \"%s\"", p->name, r ? strerrorname_np(-r) : "well", c.problem);
                assert_int_equal(c.status, r ? 0 : 200);
                if (streq(p->name, "both"))
                        assert_memory_equal(buf_data(&c.body), "client", 6);
                caller_close(&c);
        }
}

static void test_authorities_of_the_environment(void **state) {
        static const struct {
                const char *name, *file;
        } variables[] = { { "AWS_CA_BUNDLE", "ca.pem" },
                          { "SSL_CERT_FILE", "ca.pem" },
                          { "SSL_CERT_DIR", "hashed" } };
        const struct rig *rig = *state;
        struct caller c;

        for (size_t i = 0; i < ARRAY_SIZE(variables); ++i) {
                clear_environment();
                setenv(variables[i].name, rig_file(rig, variables[i].file), 1);
                caller_open(&c, NULL, "localhost", rig_port(rig, "good"));
                assert_int_equal(caller_get(&c, "/bytes/3"), 0);
                caller_close(&c);
        }
        /* The first of them decides, and settings before both. */
        setenv("AWS_CA_BUNDLE", rig_file(rig, "other-ca.pem"), 1);
        caller_open(&c, NULL, "localhost", rig_port(rig, "good"));
        assert_int_equal(caller_get(&c, "/bytes/3"), -EKEYREJECTED);
        caller_close(&c);
        caller_open(&c, &(struct tls_settings){ .ca_file = rig_file(rig, "ca.pem") }, "localhost",
                    rig_port(rig, "good"));
        assert_int_equal(caller_get(&c, "/bytes/3"), 0);
        caller_close(&c);
}

/* ---- what never becomes a connection ---- */

static void test_nobody_there(void **state) {
        const struct rig *rig = *state;
        struct caller c;

        clear_environment();
        caller_open(&c, NULL, "127.0.0.1", 1);
        assert_int_equal(caller_get(&c, "/"), -ECONNREFUSED);
        assert_non_null(strstr(c.problem, "127.0.0.1"));
        caller_close(&c);
        /* It takes the connection and says nothing. */
        caller_open(&c, &(struct tls_settings){ .patience = 50 * MILLISECOND }, "127.0.0.1",
                    rig_port(rig, "silent"));
        assert_int_equal(caller_get(&c, "/"), -ETIMEDOUT);
        caller_close(&c);
}

/* ---- what flows ---- */

static void test_bodies(void **state) {
        static const size_t sizes[] = { 0, 1, 16383, 16384, 16385, MIB, 20 * MIB };
        struct caller c;
        char target[64];

        open_to(&c, *state, "good");
        for (size_t i = 0; i < ARRAY_SIZE(sizes); ++i) {
                snprintf(target, sizeof(target), "/bytes/%zu", sizes[i]);
                assert_int_equal(caller_get(&c, target), 0);
                assert_int_equal(c.body.len, sizes[i]);
                assert_pattern(buf_data(&c.body), c.body.len);
        }
        for (size_t i = 0; i < ARRAY_SIZE(sizes); ++i) {
                snprintf(target, sizeof(target), "/until-close/%zu", sizes[i]);
                assert_int_equal(caller_get(&c, target), 0);
                assert_int_equal(c.body.len, sizes[i]);
        }
        assert_int_equal(caller_get(&c, "/close"), 0);
        assert_int_equal(caller_get(&c, "/close"), 0);
        caller_close(&c);
}

/* A stream that ends without TLS saying so was cut off by somebody. */
static void test_torn(void **state) {
        struct caller c;

        open_to(&c, *state, "good");
        assert_int_equal(caller_get(&c, "/torn"), -ECONNRESET);
        assert_int_equal(c.status, 200);
        assert_int_equal(c.heard, 10);
        assert_int_equal(caller_get(&c, "/bytes/5"), 0);
        caller_close(&c);
}

static char *pattern(size_t len) {
        char *data = xmalloc(len);

        for (size_t i = 0; i < len; ++i)
                data[i] = (char)(i % 251);
        return data;
}

static void test_echo(void **state) {
        AUTO(str) char *data = pattern(16 * MIB);
        struct caller c;

        open_to(&c, *state, "good");
        caller_begin(&c, HTTP_POST_, "/echo", data, 16 * MIB);
        caller_until(&c, c.ended);
        assert_int_equal(c.result, 0);
        assert_int_equal(c.body.len, 16 * MIB);
        assert_pattern(buf_data(&c.body), c.body.len);
        caller_close(&c);
}

/* What TLS has decrypted lies in no socket, so no event would tell of it: each byte must come by resuming alone. */
static void test_pauses(void **state) {
        struct caller c;
        size_t before;

        open_to(&c, *state, "good");
        c.pause = true;
        caller_begin(&c, HTTP_GET_, "/bytes/300000", NULL, 0);
        while (!c.ended) {
                before = c.heard;
                http_client_resume(c.client);
                caller_until(&c, c.ended || c.heard > before);
        }
        assert_int_equal(c.result, 0);
        assert_int_equal(c.body.len, 300000);
        assert_pattern(buf_data(&c.body), c.body.len);
        caller_close(&c);
}

static void test_raw(void **state) {
        AUTO(str) char *data = pattern(4 * MIB);
        struct caller c;

        open_to(&c, *state, "good");
        caller_begin(&c, HTTP_POST_, "/raw", NULL, 0);
        caller_until(&c, c.status == 101);
        assert_int_equal(http_client_send(c.client, data, 4 * MIB), 0);
        caller_until(&c, c.heard == 4 * MIB);
        assert_pattern(buf_data(&c.body), c.body.len);
        assert_false(c.ended);
        assert_int_equal(http_client_send(c.client, "more", 4), 0);
        caller_until(&c, c.heard == 4 * MIB + 4);
        http_client_cancel(c.client);
        caller_close(&c);
}

/* ---- proxies ---- */

static int get_through(const struct rig *rig, const char *proxy, const char *exception, const char *host,
                       struct caller *c) {
        AUTO(str) char *url = xasprintf("http://127.0.0.1:%u", rig_port(rig, proxy));
        int r;

        clear_environment();
        setenv("HTTPS_PROXY", url, 1);
        if (exception)
                setenv("NO_PROXY", exception, 1);
        caller_open(c, &(struct tls_settings){ .ca_file = rig_file(rig, "ca.pem") }, host,
                    rig_port(rig, "good"));
        r = caller_get(c, "/bytes/7");
        caller_close(c);
        clear_environment();
        return r;
}

static void test_proxies(void **state) {
        const struct rig *rig = *state;
        struct caller c;

        /* A name that only the proxy knows. */
        assert_int_equal(get_through(rig, "proxy", NULL, "tls.example", &c), 0);
        assert_int_equal(get_through(rig, "proxy", "elsewhere.example", "tls.example", &c), 0);
        /* The certificate is still the server's. */
        assert_int_equal(get_through(rig, "proxy", NULL, "other.example", &c), -EKEYREJECTED);
        assert_int_equal(get_through(rig, "proxy", "tls.example", "tls.example", &c), -EHOSTUNREACH);
        assert_int_not_equal(get_through(rig, "refusing-proxy", NULL, "tls.example", &c), 0);
        assert_non_null(strstr(c.problem, "403"));
        /* What is on this machine is reached without. */
        assert_int_equal(get_through(rig, "refusing-proxy", NULL, "localhost", &c), 0);
        assert_int_equal(get_through(rig, "refusing-proxy", NULL, "127.0.0.1", &c), 0);
}

/* ---- going away ---- */

static void test_given_up(void **state) {
        struct caller c;

        /* Before the library is known, in each turn of connecting, in the head, in the body. */
        for (int turns = 0; turns < 12; ++turns) {
                open_to(&c, *state, "good");
                caller_begin(&c, HTTP_GET_, "/bytes/1000000", NULL, 0);
                for (int i = 0; i < turns; ++i)
                        assert_int_equal(loop_turn(c.loop, 20 * MILLISECOND), 0);
                caller_close(&c);
        }
        open_to(&c, *state, "good");
        c.free_in_head = true;
        caller_begin(&c, HTTP_GET_, "/bytes/1000000", NULL, 0);
        caller_until(&c, !c.client);
        caller_close(&c);
        open_to(&c, *state, "good");
        c.free_in_body = true;
        caller_begin(&c, HTTP_GET_, "/bytes/1000000", NULL, 0);
        caller_until(&c, !c.client);
        assert_false(c.ended);
        caller_close(&c);
        /* While the name is being looked up. */
        clear_environment();
        caller_open(&c, NULL, "nothing.invalid", 443);
        caller_begin(&c, HTTP_GET_, "/", NULL, 0);
        assert_int_equal(loop_turn(c.loop, 20 * MILLISECOND), 0);
        assert_int_equal(loop_turn(c.loop, 20 * MILLISECOND), 0);
        caller_close(&c);
}

/* A caller's budget holds for connecting, too. */
static void test_budget(void **state) {
        struct caller c;

        open_to(&c, *state, "silent");
        c.budget = 50 * MILLISECOND;
        assert_int_equal(caller_get(&c, "/"), -ETIMEDOUT);
        /* What is cancelled can begin again at once. */
        c.budget = NSEC_NEVER;
        caller_begin(&c, HTTP_GET_, "/", NULL, 0);
        http_client_cancel(c.client);
        caller_begin(&c, HTTP_GET_, "/", NULL, 0);
        assert_int_equal(loop_turn(c.loop, 20 * MILLISECOND), 0);
        http_client_cancel(c.client);
        assert_int_equal(loop_turn(c.loop, 0), 0);
        assert_false(c.ended);
        caller_close(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_given_up), /* first: it finds the library not loaded yet */
                cmocka_unit_test(test_peers),        cmocka_unit_test(test_authorities_of_the_environment),
                cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_bodies),
                cmocka_unit_test(test_torn),         cmocka_unit_test(test_echo),
                cmocka_unit_test(test_pauses),       cmocka_unit_test(test_raw),
                cmocka_unit_test(test_proxies),      cmocka_unit_test(test_budget),
        };

        return cmocka_run_group_tests_name("tls", tests, rig_start, rig_stop);
}
