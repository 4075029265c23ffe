/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations: the same bytes whole, in two pieces cut at every place, and one by one must mean the same.
 */
#include "harness.h"

#include <sys/socket.h>

struct conversation {
        const char *name, *input, *transcript, *output;
};

#define OK_NOW "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Kind: now\r\n\r\nhello"
#define OK_NOW_CLOSE "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\nX-Kind: now\r\n\r\nhello"
#define OK_ECHO(n, text) "HTTP/1.1 200 OK\r\nContent-Length: " #n "\r\nX-Kind: echo\r\n\r\n" text
#define REFUSED(status, reason, n) \
        "HTTP/1.1 " #status " " reason "\r\nContent-Length: " #n \
        "\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n{\"message\":\"" reason "\"}\n"
#define BAD REFUSED(400, "Bad Request", 26)
#define H "Host: a\r\n"

static const struct conversation good[] = {
        { "plain", "GET /now HTTP/1.1\r\n" H "\r\n", "GET /now\ndone\n", OK_NOW },
        { "query", "GET /now?a=b&c HTTP/1.1\r\n" H "\r\n", "GET /now ?a=b&c\ndone\n", OK_NOW },
        { "empty lines before", "\r\n\r\nGET /now HTTP/1.1\r\n" H "\r\n", "GET /now\ndone\n", OK_NOW },
        { "names in any case, white space around values",
          "GET /now HTTP/1.1\r\nhOST:a\r\nX-SHOW:  \t v w \t\r\n\r\n", "GET /now [v w]\ndone\n", OK_NOW },
        { "empty value", "GET /now HTTP/1.1\r\n" H "X-Show:\r\n\r\n", "GET /now []\ndone\n", OK_NOW },
        { "empty value of spaces", "GET /now HTTP/1.1\r\n" H "X-Show:   \r\nY: 1\r\n\r\n",
          "GET /now []\ndone\n", OK_NOW },
        { "close", "GET /now HTTP/1.1\r\n" H "Connection: close\r\n\r\n", "GET /now\ndone\n", OK_NOW_CLOSE },
        { "1.0", "GET /now HTTP/1.0\r\n\r\n", "GET /now\ndone\n", OK_NOW_CLOSE },
        { "1.0 kept alive", "GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /now\ndone\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\nX-Kind: now\r\n\r\nhello" },
        { "HEAD", "HEAD /now HTTP/1.1\r\n" H "\r\n", "HEAD /now\ndone\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Kind: now\r\n\r\n" },
        { "HEAD of a stream", "HEAD /stream HTTP/1.1\r\n" H "\r\n", "HEAD /stream\ndone\n",
          "HTTP/1.1 200 OK\r\nX-Kind: stream\r\n\r\n" },
        { "204", "DELETE /none HTTP/1.1\r\n" H "\r\n", "DELETE /none\ndone\n",
          "HTTP/1.1 204 No Content\r\n\r\n" },
        { "304", "GET /unchanged HTTP/1.1\r\n" H "\r\n", "GET /unchanged\ndone\n",
          "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n" },
        { "body", "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello",
          "POST /echo\nbody 5: hello\nend\ndone\n", OK_ECHO(5, "hello") },
        { "empty body", "POST /echo HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "POST /echo\nend\ndone\n",
          OK_ECHO(0, "") },
        { "body into a sink", "POST /sink HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello",
          "POST /sink\nsink 5: hello\nend\ndone\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" },
        { "chunks",
          "POST /echo HTTP/1.1\r\n" H
          "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n00a;x=y\r\n0123456789\r\n0\r\n\r\n",
          "POST /echo\nbody 13: abc0123456789\nend\ndone\n", OK_ECHO(13, "abc0123456789") },
        { "chunks into a sink",
          "POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
          "POST /sink\nsink 5: abcde\nend\ndone\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde" },
        { "trailers",
          "POST /echo HTTP/1.1\r\n" H "Trailer: X-Check\r\nTransfer-Encoding: "
          "chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Check: sum\r\nOther:\r\n\r\n",
          "POST /echo\nbody 3: abc\ntrailer sum\nend\ndone\n", OK_ECHO(3, "abc") },
        { "pipelined",
          "GET /now?1 HTTP/1.1\r\n" H "\r\nPOST /echo HTTP/1.1\r\n" H
          "Content-Length: 2\r\n\r\nhiGET /now?3 HTTP/1.1\r\n" H "\r\n",
          "GET /now ?1\ndone\nPOST /echo\nbody 2: hi\nend\ndone\nGET /now ?3\ndone\n",
          OK_NOW OK_ECHO(2, "hi") OK_NOW },
        { "nothing behind close",
          "GET /now HTTP/1.1\r\n" H "Connection: close\r\n\r\nGET /now?2 HTTP/1.1\r\n" H "\r\n",
          "GET /now\ndone\n", OK_NOW_CLOSE },
        { "expect", "POST /echo HTTP/1.1\r\n" H "Content-Length: 2\r\nExpect: 100-continue\r\n\r\nhi",
          "POST /echo\nbody 2: hi\nend\ndone\n", "HTTP/1.1 100 Continue\r\n\r\n" OK_ECHO(2, "hi") },
        { "expect without body", "GET /now HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n", "GET /now\ndone\n",
          OK_NOW },
        { "refused although expecting",
          "POST /early HTTP/1.1\r\n" H "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n",
          "POST /early\ndone\n",
          "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much" },
        { "refused, small rest",
          "POST /early HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhiGET /now HTTP/1.1\r\n" H "\r\n",
          "POST /early\ndone\nGET /now\ndone\n",
          "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo much" OK_NOW },
        { "refused, unknown rest",
          "POST /early HTTP/1.1\r\n" H
          "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nGET /now HTTP/1.1\r\n" H "\r\n",
          "POST /early\ndone\n",
          "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much" },
        { "stream", "GET /stream HTTP/1.1\r\n" H "\r\n", "GET /stream\ndone\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Kind: stream\r\n\r\n8\r\none two "
          "\r\n5\r\nthree\r\n0\r\n\r\n" },
        { "stream of known length", "GET /stream-known HTTP/1.1\r\n" H "\r\n", "GET /stream-known\ndone\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nX-Kind: stream\r\n\r\none two three" },
        { "stream to 1.0", "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /stream\ndone\n",
          "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Kind: stream\r\n\r\none two three" },
        { "absolute form", "GET http://h.example:8/now?q=1 HTTP/1.1\r\n" H "\r\n", "GET /now ?q=1\ndone\n",
          OK_NOW },
        { "asterisk form", "OPTIONS * HTTP/1.1\r\n" H "\r\n",
          "OPTIONS *\nend\nhalf closed\ndone incomplete\n", "" },
        { "upgrade ignored",
          "GET /now HTTP/1.1\r\n" H "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
          "AA\r\n\r\nGET /now?2 HTTP/1.1\r\n" H "\r\n",
          "GET /now\ndone\nGET /now ?2\ndone\n", OK_NOW OK_NOW },
        { "upgrade ignored with body",
          "POST /echo HTTP/1.1\r\n" H
          "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhiGET /now?2 HTTP/1.1\r\n" H
          "\r\n",
          "POST /echo\nbody 2: hi\nend\ndone\nGET /now ?2\ndone\n", OK_ECHO(2, "hi") OK_NOW },
        { "other method", "PROPFIND /now HTTP/1.1\r\n" H "\r\n", "PROPFIND /now\ndone\n", OK_NOW },
};

static const struct conversation bad[] = {
        { "length and coding",
          "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "",
          BAD },
        { "coding and length",
          "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "",
          BAD },
        { "two lengths", "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "",
          BAD },
        { "signed length", "POST /echo HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc", "", BAD },
        { "length list", "POST /echo HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc", "", BAD },
        { "length too great", "POST /echo HTTP/1.1\r\n" H "Content-Length: 18446744073709551617\r\n\r\nabc",
          "", BAD },
        { "length past int64", "POST /echo HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\nabc",
          "", BAD },
        { "coding in 1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", BAD },
        { "foreign coding", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
          "", REFUSED(501, "Not Implemented", 30) },
        { "coding not last", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
          "", BAD },
        { "obs-fold", "GET /now HTTP/1.1\r\n" H "X-Show: a\r\n b\r\n\r\n", "", BAD },
        { "obs-fold by tab", "GET /now HTTP/1.1\r\n" H "X-Show:\r\n\tb\r\n\r\n", "", BAD },
        { "space before colon", "GET /now HTTP/1.1\r\n" H "X-Show : b\r\n\r\n", "", BAD },
        { "no name", "GET /now HTTP/1.1\r\n" H ": b\r\n\r\n", "", BAD },
        { "no name, first", "GET /now HTTP/1.1\r\n: b\r\n" H "\r\n", "", BAD },
        { "space before first name", "GET /now HTTP/1.1\r\n X: b\r\n" H "\r\n", "", BAD },
        { "bare line feed", "GET /now HTTP/1.1\n" H "\r\n", "", BAD },
        { "bare line feed in fields", "GET /now HTTP/1.1\r\n" H "X: 1\nY: 2\r\n\r\n", "", BAD },
        { "bare line feed at the end", "GET /now HTTP/1.1\r\n" H "\n", "", BAD },
        { "bare carriage return", "GET /now HTTP/1.1\r\n" H "X: 1\rY: 2\r\n\r\n", "", BAD },
        { "no host", "GET /now HTTP/1.1\r\n\r\n", "", BAD },
        { "two hosts", "GET /now HTTP/1.1\r\n" H "Host: b\r\n\r\n", "", BAD },
        { "https target", "GET https://h/now HTTP/1.1\r\n" H "\r\n", "", BAD },
        { "user in target", "GET http://u@h/now HTTP/1.1\r\n" H "\r\n", "", BAD },
        { "fragment", "GET /now#x HTTP/1.1\r\n" H "\r\n", "", BAD },
        { "asterisk without OPTIONS", "GET * HTTP/1.1\r\n" H "\r\n", "", BAD },
        { "2.0", "GET /now HTTP/2.0\r\n" H "\r\n", "", REFUSED(505, "HTTP Version Not Supported", 41) },
        { "3.7", "GET /now HTTP/3.7\r\n" H "\r\n", "", REFUSED(505, "HTTP Version Not Supported", 41) },
        { "0.9", "GET /now\r\n\r\n", "", REFUSED(505, "HTTP Version Not Supported", 41) },
        { "h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "",
          REFUSED(505, "HTTP Version Not Supported", 41) },
        { "CONNECT", "CONNECT h:443 HTTP/1.1\r\n" H "\r\n", "", REFUSED(501, "Not Implemented", 30) },
        { "foreign expectation", "POST /echo HTTP/1.1\r\n" H "Content-Length: 1\r\nExpect: cake\r\n\r\na", "",
          REFUSED(417, "Expectation Failed", 33) },
        { "noise", "\x16\x03\x01\x02", "", BAD },
        { "chunk size is no number", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
          "POST /echo\ndone incomplete truncated\n", BAD },
        { "chunk size too great",
          "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
          "POST /echo\ndone incomplete truncated\n", BAD },
        { "chunk size negative", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
          "POST /echo\ndone incomplete truncated\n", BAD },
        { "chunk longer than said",
          "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
          "POST /echo\ndone incomplete truncated\n", BAD },
        { "chunk line ends in line feed",
          "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\na\r\n",
          "POST /echo\ndone incomplete truncated\n", BAD },
        { "folded trailer",
          "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n 2\r\n\r\n",
          "POST /echo\ndone incomplete truncated\n", BAD },
        { "ends in the body", "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nab",
          "POST /echo\ndone incomplete truncated\n", BAD },
        { "ends in a chunk", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\na",
          "POST /echo\ndone incomplete truncated\n", BAD },
        { "ends in the head", "GET /now HTTP/1.1\r\nHo", "", "" },
};

static void check(const struct conversation *t, struct harness *h, int fd, const char *how, size_t cut) {
        struct buf output = BUF_NULL(MIB);
        bool closed;

        turns(h);
        closed = client_read(fd, &output);
        if (!closed) {
                shutdown(fd, SHUT_WR);
                turns(h);
                closed = client_read(fd, &output);
        }
        if (h->parked) {
                http_abort(h->parked);
                closed = client_read(fd, &output);
        }
        forget_dates(&output);
        if (!streq(text_of(&output), t->output) || !streq(text_of(&h->transcript), t->transcript))
                fail_msg("%s, %s %zu:\n<%s>\n<%s>", t->name, how, cut, text_of(&output),
                         text_of(&h->transcript));
        assert_true(closed);
        close(fd);
        buf_deinit(&output);
}

static void converse(const struct conversation *t, const char *how, size_t cut) {
        size_t len = strlen(t->input), at = 0;
        struct harness h;
        int fd;

        harness_open(&h, &http_limits_api);
        fd = harness_connect(&h);
        while (at < len) {
                size_t n = streq(how, "bytes") ? 1 : at < cut ? cut - at : len - at;

                /* A server that has refused may be gone before the last byte. */
                if (send(fd, t->input + at, n, MSG_NOSIGNAL) < 0)
                        assert_int_equal(errno, EPIPE);
                at += n;
                assert_int_equal(loop_turn(h.loop, 0), 0);
        }
        check(t, &h, fd, how, cut);
        harness_close(&h);
}

static void converse_all(const struct conversation *table, size_t count) {
        for (size_t i = 0; i < count; ++i) {
                converse(&table[i], "whole", strlen(table[i].input));
                converse(&table[i], "bytes", 0);
                for (size_t cut = 1; cut < strlen(table[i].input); ++cut)
                        converse(&table[i], "cut at", cut);
        }
}

static void good_conversations(void **state) {
        converse_all(good, ARRAY_SIZE(good));
}

static void bad_conversations(void **state) {
        converse_all(bad, ARRAY_SIZE(bad));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_conversations),
                cmocka_unit_test(bad_conversations),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
