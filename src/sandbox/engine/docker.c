/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/docker.h"

#include <ctype.h>

#include "lib/tls.h"
#include "sandbox/broker/broker.h"
#include "sandbox/engine/command_line.h"

#define ANSWER_CAP (8 * MIB)
#define REFUSAL_CAP (64 * KIB) /* of what an engine says when it refuses */

struct docker {
        struct loop *loop;
        char *address;
        struct command_line *commands; /* NULL: it is called over HTTP */
        struct tls *tls;               /* NULL: over plain HTTP */
        struct broker *broker;         /* NULL: we connect ourselves */
};

/* As the docker command calls them. NULL: there is none. */
static char *file_of(const struct docker_tls *tls, const char *name) {
        char *path = tls->folder ? xasprintf("%s/%s", tls->folder, name) : NULL;

        if (path && access(path, F_OK) < 0 && errno == ENOENT)
                free(TAKE(path));
        return path;
}

static struct tls *new_tls(struct loop *loop, const struct docker_tls *tls) {
        AUTO(str) char *ca = file_of(tls, "ca.pem");
        AUTO(str) char *cert = file_of(tls, "cert.pem");
        AUTO(str) char *key = file_of(tls, "key.pem");

        return tls_new(
                loop, &(struct tls_settings){
                              .ca_file = ca, .cert_file = cert, .key_file = key, .any_peer = tls->any_peer });
}

void docker_tls_clear(struct docker_tls *tls) {
        free(tls->folder);
        *tls = (struct docker_tls){};
}

struct docker *docker_new(struct loop *loop, const char *address, const struct docker_tls *tls,
                          struct broker *broker) {
        struct docker *d = xcalloc(1, sizeof(*d));

        d->loop = loop;
        d->address = xstrdup(address);
        d->commands = command_line_is(address) ? command_line_new(loop, address) : NULL;
        d->tls = tls && tls->wanted ? new_tls(loop, tls) : NULL;
        d->broker = broker;
        return d;
}

void docker_free(struct docker *d) {
        if (!d)
                return;
        command_line_free(d->commands);
        tls_free(d->tls);
        free(d->address);
        free(d);
}

const char *docker_address(const struct docker *d) {
        return d->address;
}

void docker_escape(struct buf *target, const char *text) {
        static const char digits[] = "0123456789ABCDEF";

        for (; *text; ++text) {
                unsigned char c = (unsigned char)*text;
                char escaped[] = { '%', digits[c >> 4], digits[c & 15] };

                if (isalnum(c) || strchr("-._~/:", c))
                        must(buf_append(target, text, 1) == 0);
                else
                        must(buf_append(target, escaped, sizeof(escaped)) == 0);
        }
}

/* ---- the end of a call ---- */

static void release(struct docker_call *call) {
        timer_disarm(&call->timer);
        http_client_free(TAKE(call->client));
        command_request_free(TAKE(call->command));
        call->docker = NULL;
        free(TAKE(call->target));
        free(TAKE(call->fields));
        free(TAKE(call->body));
}

void docker_cancel(struct docker_call *call) {
        if (call->docker)
                release(call);
}

void docker_call_clear(struct docker_call *call) {
        docker_cancel(call);
        buf_deinit(&call->answer);
        free(TAKE(call->problem));
}

static void finish(struct docker_call *call, int r) {
        release(call);
        call->request.done(call, r);
}

/* {"message": …} of both engines, else the first line of whatever it said. */
static char *refusal(const struct docker_call *call) {
        const char *text = buf_data(&call->answer);
        json_t *tree = docker_answer(call);
        const char *message = json_tree_str(tree, "message");
        char *words =
                message ? xstrdup(message) : xstrndup(text ? text : "", strcspn(text ? text : "", "\r\n"));

        json_decref(tree);
        words[strcspn(words, "\r\n")] = 0;
        return words;
}

static void refuse(struct docker_call *call) {
        AUTO(str) char *words = NULL;
        int r = call->status == 404   ? -ENOENT
                : call->status == 400 ? -EINVAL
                : call->status == 409 ? -EEXIST
                                      : -EIO;

        if (buf_append(&call->answer, "", 1)) /* ends the text */
                buf_clear(&call->answer);
        else
                --call->answer.len;
        words = refusal(call);
        call->problem = xasprintf("the container engine at %s refused %s: %s (%d)", call->docker->address,
                                  call->target, *words ? words : "without a word", call->status);
        finish(call, r);
}

static void break_off(struct docker_call *call, int r) {
        const char *why = r == -ETIMEDOUT && !call->status ? "timed out"
                          : call->client                   ? http_client_problem(call->client, r)
                                                           : strerror(-r);

        call->problem = xasprintf("the container engine at %s %s: %s", call->docker->address,
                                  call->status ? "broke off" : "does not answer", why);
        finish(call, r);
}

static void on_silence(struct timer *timer) {
        break_off(container_of(timer, struct docker_call, timer), -ETIMEDOUT);
}

/* ---- events of the client ---- */

static bool is_success(const struct docker_call *call) {
        return call->status == 101 || call->status / 100 == 2 || call->status == 304;
}

static void be_patient(struct docker_call *call, nsec_t span) {
        if (span == NSEC_NEVER)
                timer_disarm(&call->timer);
        else
                timer_arm(&call->timer, loop_now(call->docker->loop) + span);
}

static void on_head(void *owner, int status, const struct http_field *fields, size_t count) {
        struct docker_call *call = owner;

        call->status = status;
        if (!is_success(call)) {
                call->answer.cap = REFUSAL_CAP;
                be_patient(call, DOCKER_PATIENCE);
                return;
        }
        be_patient(call, call->request.silence);
        if (call->request.on_open)
                call->request.on_open(call);
}

static void on_body(void *owner, const char *data, size_t len) {
        struct docker_call *call = owner;

        be_patient(call, is_success(call) ? call->request.silence : DOCKER_PATIENCE);
        if (is_success(call) && call->request.on_stream)
                call->request.on_stream(call, data, len);
        else if (!call->cut && buf_append(&call->answer, data, len))
                call->cut = true;
}

static void on_end(void *owner, int r) {
        struct docker_call *call = owner;

        if (r && !(call->status && !is_success(call)))
                break_off(call, r);
        else if (!is_success(call))
                refuse(call);
        else if (call->cut)
                break_off(call, -EMSGSIZE);
        else
                finish(call, 0);
}

static const struct http_client_ops client_ops = { on_head, on_body, on_end };

/* ---- the beginning ---- */

static struct http_client *new_client(const struct docker *d) {
        return d->tls      ? tls_client_new(d->tls, d->address)
               : d->broker ? broker_client_new(d->broker, d->address)
                           : http_client_new(d->loop, d->address);
}

static void begin_http(struct docker_call *call, const void *body, size_t len) {
        const struct docker *d = call->docker;

        be_patient(call, call->request.patience);
        call->client = new_client(d);
        /* Only an address that is none: the call still ends from the loop, as every other does. */
        if (http_client_call(call->client, call->request.method, call->target, call->fields, body, len,
                             NSEC_NEVER, &client_ops, call))
                timer_arm(&call->timer, loop_now(d->loop));
}

static void begin_command(struct docker_call *call, const void *body, size_t len) {
        const struct docker *d = call->docker;
        nsec_t least = command_line_patience(call->request.method, call->target);

        be_patient(call, MAX(call->request.patience, least));
        call->command = command_request_new(d->commands, call->request.method, call->target, body, len,
                                            &client_ops, call);
}

void docker_begin(struct docker *d, struct docker_call *call, const struct docker_request *request) {
        const char *type = request->tar    ? "Content-Type: application/x-tar\r\n"
                           : request->json ? "Content-Type: application/json\r\n"
                                           : "";
        const void *body;
        size_t len;

        must(!call->docker);
        buf_deinit(&call->answer);
        free(call->problem);
        *call = (struct docker_call){ .docker = d, .request = *request, .answer = BUF_NULL(ANSWER_CAP) };
        call->target = xstrdup(request->target);
        call->fields = xasprintf("%s%s", type, request->fields ? request->fields : "");
        call->body = request->json ? xstrdup(request->json) : NULL;
        call->request.target = call->target;
        call->request.patience = request->patience ?: DOCKER_PATIENCE;
        call->request.silence = request->silence ?: call->request.patience;
        body = request->tar ? request->tar : call->body;
        len = request->tar ? request->tar_len : call->body ? strlen(call->body) : 0;
        timer_init(&call->timer, d->loop, on_silence);
        (d->commands ? begin_command : begin_http)(call, body, len);
}

json_t *docker_answer(const struct docker_call *call) {
        json_t *tree;

        return json_tree_parse(buf_data(&call->answer), call->answer.len, &tree, NULL) ? NULL : tree;
}

void docker_has_happened(struct docker_call *call) {
        if (call->command)
                command_request_has_happened(call->command);
}

int docker_send(struct docker_call *call, const void *data, size_t len) {
        return call->client    ? http_client_send(call->client, data, len)
               : call->command ? command_request_send(call->command, data, len)
                               : -ENOTCONN;
}
