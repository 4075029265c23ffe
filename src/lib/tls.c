/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection is an easy handle with CURLOPT_CONNECT_ONLY in a multi handle of its own: libcurl tells its sockets and its
 * timer to the loop, until the connection stands; from then on the one socket that is left is ours to watch, and bytes go
 * through curl_easy_send and curl_easy_recv. A multi handle that several connections shared would close those that look
 * idle to it whenever another one begins.
 */
#include "lib/tls.h"

#include <arpa/inet.h>
#include <signal.h>

#include "lib/tls_private.h"

#define PATIENCE (30 * SECOND)
#define HELD_MAX (16 * KIB) /* a record of TLS */
/* Since 7.87: a lookup that is given up is left to itself. What this header may not know is passed by number. */
#define OPTION_QUICK_EXIT ((CURLoption)(CURLOPTTYPE_LONG + 322))

struct load {
        struct job job;
        struct tls *tls;
        const struct libcurl *curl;
        const char *problem;
};

struct tls {
        struct dialer dialer;
        struct loop *loop;
        char *ca_file, *cert_file, *key_file;
        bool any_peer;
        nsec_t patience;
        const struct libcurl *curl;
        const char *problem; /* why there is none */
        struct load *load;   /* while it is under way */
        struct list waiting; /* connections, for the library */
};

enum state { STATE_WAITING, STATE_CONNECTING, STATE_OPEN, STATE_FAILED };

struct connection {
        struct transport transport;
        struct tls *tls;
        const struct transport_user *user;
        void *owner;
        char *address;
        enum state state;
        struct list link;    /* on tls->waiting */
        struct list watched; /* sockets, while connecting */
        struct timer timer;
        struct defer defer;
        struct source source; /* of the open connection */
        CURL *easy;
        CURLM *multi;
        const char *problem;
        int failure;
        /* What was taken and not sent yet: TLS wants to be offered the same bytes again. */
        char *held;
        size_t held_len;
        bool shut, heard; /* heard: something has been read */
        char error[CURL_ERROR_SIZE];
};

struct watched {
        struct source source;
        struct connection *connection;
        struct list link;
};

/* ---- the end of a connection ---- */

struct cleaning {
        struct job job;
        const struct libcurl *curl;
        CURL *easy;
        CURLM *multi;
};

static void clean(const struct libcurl *curl, CURL *easy, CURLM *multi) {
        if (multi && easy)
                curl->multi_remove_handle(multi, easy);
        if (easy)
                curl->easy_cleanup(easy);
        if (multi)
                curl->multi_cleanup(multi);
}

static void cleaning_run(struct job *job) {
        struct cleaning *c = container_of(job, struct cleaning, job);

        clean(c->curl, c->easy, c->multi);
}

static void cleaning_done(struct job *job) {
        free(container_of(job, struct cleaning, job));
}

/* A name that is still being looked up may have to be waited for, which is nothing for the loop. */
static void clean_elsewhere(struct connection *c) {
        struct cleaning *cleaning = xcalloc(1, sizeof(*cleaning));

        cleaning->job = (struct job){ .run = cleaning_run, .done = cleaning_done, .discard = cleaning_done };
        cleaning->curl = c->tls->curl;
        cleaning->easy = c->easy;
        cleaning->multi = c->multi;
        job_submit(c->tls->loop, &cleaning->job);
}

static void unwatch(struct watched *w) {
        source_remove(&w->source);
        list_unlink(&w->link);
        free(w);
}

static void unwatch_all(struct connection *c) {
        struct watched *w;

        while ((w = list_first(&c->watched, struct watched, link)))
                unwatch(w);
}

/* libcurl calls back no more, whatever it is still doing. */
static void silence(struct connection *c) {
        const struct libcurl *curl = c->tls->curl;

        if (!c->multi)
                return;
        curl->multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, NULL);
        curl->multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, NULL);
        if (c->easy)
                curl->easy_setopt(c->easy, CURLOPT_ERRORBUFFER, NULL);
}

static void connection_free(struct transport *t) {
        struct connection *c = container_of(t, struct connection, transport);

        list_unlink(&c->link);
        unwatch_all(c);
        timer_disarm(&c->timer);
        defer_cancel(&c->defer);
        source_remove(&c->source);
        silence(c);
        if (c->state == STATE_CONNECTING)
                clean_elsewhere(c);
        else
                clean(c->tls->curl, c->easy, c->multi);
        free(c->held);
        free(c->address);
        free(c);
}

/* ---- an open connection ---- */

static int errno_of(const struct connection *c, CURLcode code) {
        long system = 0;

        c->tls->curl->easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &system);
        return system > 0 && system != EAGAIN && system != EINPROGRESS ? -(int)system : -ECONNRESET;
}

/* 0 when nothing is held any more, -EAGAIN, or -errno. */
static int flush(struct connection *c) {
        while (c->held_len) {
                size_t n = 0;
                CURLcode code = c->tls->curl->easy_send(c->easy, c->held, c->held_len, &n);

                if (code == CURLE_AGAIN || (code == CURLE_OK && !n))
                        return -EAGAIN;
                if (code)
                        return errno_of(c, code);
                c->held_len -= n;
                memmove(c->held, c->held + n, c->held_len);
        }
        if (c->shut)
                shutdown(c->source.fd, SHUT_WR);
        c->shut = false;
        return 0;
}

static ssize_t connection_write(struct transport *t, const void *data, size_t len) {
        struct connection *c = container_of(t, struct connection, transport);
        int r = c->state == STATE_OPEN ? flush(c) : -ENOTCONN;

        if (r || !len)
                return r;
        len = MIN(len, HELD_MAX);
        if (!c->held)
                c->held = xmalloc(HELD_MAX);
        memcpy(c->held, data, len);
        c->held_len = len;
        r = flush(c);
        return r && r != -EAGAIN ? r : (ssize_t)len;
}

static ssize_t connection_read(struct transport *t, void *room, size_t len) {
        struct connection *c = container_of(t, struct connection, transport);
        size_t n = 0;
        CURLcode code;

        if (c->state != STATE_OPEN)
                return -ENOTCONN;
        code = c->tls->curl->easy_recv(c->easy, room, len, &n);
        c->heard = c->heard || n;
        return code == CURLE_OK ? (ssize_t)n : code == CURLE_AGAIN ? -EAGAIN : errno_of(c, code);
}

static void connection_again(struct transport *t) {
        source_again(&container_of(t, struct connection, transport)->source, EPOLLIN);
}

/* TLS has no word for it that libcurl would say: the peer finds the stream ended. */
static void connection_shutdown(struct transport *t) {
        struct connection *c = container_of(t, struct connection, transport);

        c->shut = true;
        flush(c);
}

/* In TLS 1.3 our handshake is done before the peer has judged our certificate, and its alert may be lost when it closes. */
static const char *connection_problem(const struct transport *t) {
        const struct connection *c = container_of(t, struct connection, transport);

        return c->heard || strstr(c->error, "alert")
                       ? c->error
                       : "it closed the connection after the handshake; perhaps it wants another certificate of ours, or one";
}

static const struct transport_ops connection_ops = {
        .read = connection_read,
        .write = connection_write,
        .again = connection_again,
        .shutdown = connection_shutdown,
        .problem = connection_problem,
        .free = connection_free,
};

static void on_open_event(struct source *source, uint32_t events) {
        struct connection *c = container_of(source, struct connection, source);

        /* What it fails with, reading tells. */
        flush(c);
        c->user->on_ready(c->owner);
}

/* ---- connecting ---- */

static int failure_of(const struct connection *c, CURLcode code) {
        long system = 0;

        switch ((int)code) { /* of any libcurl, so not only those that the header knows */
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
                return -EHOSTUNREACH;
        case CURLE_COULDNT_CONNECT:
                c->tls->curl->easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &system);
                return system > 0 ? -(int)system : -ECONNREFUSED;
        case CURLE_OPERATION_TIMEDOUT:
                return -ETIMEDOUT;
        case CURLE_OUT_OF_MEMORY:
                return -ENOMEM;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
                return -EKEYREJECTED;
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CACERT_BADFILE:
                return -ENOKEY;
        case CURLE_URL_MALFORMAT:
                return -EINVAL;
        }
        return -EPROTO;
}

/* The last thing of whoever calls it. */
static void fail(struct connection *c, int r, const char *problem) {
        unwatch_all(c);
        timer_disarm(&c->timer);
        c->state = STATE_FAILED;
        c->failure = r;
        c->problem = problem;
        c->user->on_connected(c->owner, r, problem);
}

static void on_connected(struct connection *c, CURLcode code) {
        const struct libcurl *curl = c->tls->curl;
        curl_socket_t fd = CURL_SOCKET_BAD;
        int r;

        if (code) {
                fail(c, failure_of(c, code), *c->error ? c->error : curl->easy_strerror(code));
                return;
        }
        unwatch_all(c);
        timer_disarm(&c->timer);
        curl->easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd);
        r = fd == CURL_SOCKET_BAD ? -ECONNRESET
                                  : source_add(c->tls->loop, &c->source, fd, 0, RANK_NORMAL, on_open_event);
        if (r) {
                fail(c, r, strerror(-r));
                return;
        }
        c->state = STATE_OPEN;
        c->user->on_connected(c->owner, 0, NULL);
}

static void advance(struct connection *c, curl_socket_t fd, int events) {
        const struct libcurl *curl = c->tls->curl;
        CURLMsg *message;
        int running, left;

        if (curl->multi_socket_action(c->multi, fd, events, &running)) {
                fail(c, -EPROTO, "libcurl failed");
                return;
        }
        message = curl->multi_info_read(c->multi, &left);
        if (message && message->msg == CURLMSG_DONE)
                on_connected(c, message->data.result);
}

static void on_watched(struct source *source, uint32_t events) {
        struct watched *w = container_of(source, struct watched, source);
        int told = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

        advance(w->connection, source->fd, told);
}

static void on_timer(struct timer *timer) {
        advance(container_of(timer, struct connection, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int curl_wants_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *known) {
        struct connection *c = owner;
        struct watched *w = known;
        uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);

        if (c->state != STATE_CONNECTING)
                return 0;
        if (what == CURL_POLL_REMOVE) {
                if (w)
                        unwatch(w);
                return 0;
        }
        if (!w) {
                w = xcalloc(1, sizeof(*w));
                w->connection = c;
                list_push_back(&c->watched, &w->link);
                c->tls->curl->multi_assign(c->multi, fd, w);
        }
        source_remove(&w->source);
        /* Level-triggered, as libcurl expects it. */
        return source_add(c->tls->loop, &w->source, fd, events, RANK_NORMAL, on_watched) ? -1 : 0;
}

static int curl_wants_timer(CURLM *multi, long ms, void *owner) {
        struct connection *c = owner;

        if (c->state != STATE_CONNECTING)
                return 0;
        if (ms < 0)
                timer_disarm(&c->timer);
        else
                timer_arm(&c->timer, loop_now(c->tls->loop) + (nsec_t)ms * MILLISECOND);
        return 0;
}

/* No proxy is asked for these, as other AWS clients do it. */
static bool is_loopback(const char *address) {
        const char *colon = strrchr(address, ':');
        size_t len = colon ? (size_t)(colon - address) : strlen(address);
        AUTO(str) char *host = xstrndup(address, len);
        struct in_addr four;

        return strcasecmp(host, "localhost") == 0 || streq(host, "[::1]") ||
               (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}

/* A variable's value; NULL when it is empty. */
static const char *setting(const char *name) {
        const char *value = getenv(name);

        return value && *value ? value : NULL;
}

static void set_trust(struct connection *c) {
        const struct tls *tls = c->tls;
        const struct libcurl *curl = tls->curl;
        const char *bundle = tls->ca_file ?: setting("AWS_CA_BUNDLE");
        const char *file = bundle ?: setting("SSL_CERT_FILE"), *dir = bundle ? NULL : setting("SSL_CERT_DIR");

        curl->easy_setopt(c->easy, CURLOPT_SSL_VERIFYPEER, tls->any_peer ? 0L : 1L);
        curl->easy_setopt(c->easy, CURLOPT_SSL_VERIFYHOST, tls->any_peer ? 0L : 2L);
        if (!file && !dir)
                dir = curl->trusted_dir;
        if (!file && !dir)
                return;
        curl->easy_setopt(c->easy, CURLOPT_CAINFO, file);
        curl->easy_setopt(c->easy, CURLOPT_CAPATH, dir);
        if (tls->ca_file)
                return; /* which is for the server alone */
        curl->easy_setopt(c->easy, CURLOPT_PROXY_CAINFO, file);
        curl->easy_setopt(c->easy, CURLOPT_PROXY_CAPATH, dir);
}

static void set_options(struct connection *c) {
        const struct tls *tls = c->tls;
        const struct libcurl *curl = tls->curl;
        AUTO(str) char *url = xasprintf("https://%s/", c->address);
        struct sigaction on_pipe;

        curl->easy_setopt(c->easy, CURLOPT_URL, url);
        curl->easy_setopt(c->easy, CURLOPT_CONNECT_ONLY, 1L);
        curl->easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        curl->easy_setopt(c->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        curl->easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(tls->patience / MILLISECOND));
        curl->easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->error);
        curl->easy_setopt(c->easy, CURLOPT_USERAGENT, "lambent");
        curl->easy_setopt(c->easy, CURLOPT_TCP_KEEPALIVE, 1L);
        curl->easy_setopt(c->easy, OPTION_QUICK_EXIT, 1L);
        /* libcurl keeps SIGPIPE from us with two system calls around each of ours; the daemon ignores it anyway. */
        if (sigaction(SIGPIPE, NULL, &on_pipe) == 0 && on_pipe.sa_handler == SIG_IGN)
                curl->easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
        if (is_loopback(c->address))
                curl->easy_setopt(c->easy, CURLOPT_PROXY, "");
        if (tls->cert_file)
                curl->easy_setopt(c->easy, CURLOPT_SSLCERT, tls->cert_file);
        if (tls->key_file)
                curl->easy_setopt(c->easy, CURLOPT_SSLKEY, tls->key_file);
        set_trust(c);
}

static void connect_now(struct connection *c) {
        const struct libcurl *curl = c->tls->curl;

        c->state = STATE_CONNECTING;
        c->easy = curl->easy_init();
        c->multi = curl->multi_init();
        if (!c->easy || !c->multi) {
                fail(c, -ENOMEM, strerror(ENOMEM));
                return;
        }
        set_options(c);
        curl->multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, curl_wants_socket);
        curl->multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
        curl->multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, curl_wants_timer);
        curl->multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
        /* Arms the timer, and everything else follows from that. */
        if (curl->multi_add_handle(c->multi, c->easy))
                fail(c, -EPROTO, "libcurl failed");
}

static void on_deferred(struct defer *defer) {
        struct connection *c = container_of(defer, struct connection, defer);

        if (c->tls->curl)
                connect_now(c);
        else
                fail(c, -ELIBACC, c->tls->problem);
}

/* ---- the library ---- */

static void load_run(struct job *job) {
        struct load *load = container_of(job, struct load, job);

        load->curl = libcurl_load(&load->problem);
}

static void load_discard(struct job *job) {
        free(container_of(job, struct load, job));
}

static void load_done(struct job *job) {
        struct load *load = container_of(job, struct load, job);
        struct tls *tls = load->tls;
        struct connection *c;

        tls->load = NULL;
        tls->curl = load->curl;
        tls->problem = load->problem;
        free(load);
        while ((c = list_first(&tls->waiting, struct connection, link))) {
                list_unlink(&c->link);
                defer_call(tls->loop, &c->defer, on_deferred);
        }
}

static void load(struct tls *tls) {
        struct load *load = xcalloc(1, sizeof(*load));

        load->job = (struct job){ .run = load_run, .done = load_done, .discard = load_discard };
        load->tls = tls;
        tls->load = load;
        job_submit(tls->loop, &load->job);
}

/* ---- the calls ---- */

static struct transport *dial(struct dialer *dialer, const char *address, const struct transport_user *user,
                              void *owner) {
        struct tls *tls = container_of(dialer, struct tls, dialer);
        struct connection *c = xcalloc(1, sizeof(*c));

        c->transport.ops = &connection_ops;
        c->tls = tls;
        c->user = user;
        c->owner = owner;
        c->address = xstrdup(address);
        list_init(&c->watched);
        timer_init(&c->timer, tls->loop, on_timer);
        if (tls->curl || tls->problem) {
                defer_call(tls->loop, &c->defer, on_deferred);
        } else {
                list_push_back(&tls->waiting, &c->link);
                if (!tls->load)
                        load(tls);
        }
        return &c->transport;
}

static char *copy(const char *text) {
        return text ? xstrdup(text) : NULL;
}

struct tls *tls_new(struct loop *loop, const struct tls_settings *settings) {
        static const struct tls_settings nothing_special;
        struct tls *tls = xcalloc(1, sizeof(*tls));

        settings = settings ?: &nothing_special;
        tls->dialer.dial = dial;
        tls->loop = loop;
        tls->ca_file = copy(settings->ca_file);
        tls->cert_file = copy(settings->cert_file);
        tls->key_file = copy(settings->key_file);
        tls->any_peer = settings->any_peer;
        tls->patience = settings->patience ?: PATIENCE;
        list_init(&tls->waiting);
        return tls;
}

void tls_free(struct tls *tls) {
        if (!tls)
                return;
        if (tls->load)
                job_disown(&tls->load->job);
        free(tls->ca_file);
        free(tls->cert_file);
        free(tls->key_file);
        free(tls);
}

struct http_client *tls_client_new(struct tls *tls, const char *address) {
        return http_client_new_over(tls->loop, address, &tls->dialer);
}
