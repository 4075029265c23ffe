/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_engine.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include "lib/json.h"

struct fake_container {
        struct list link;
        char *id, *name, *labels;
        char *door; /* the host folder that is bound at /lambent/link */
        char *init; /* and at /lambent/init */
};

struct fake_connection {
        struct list link;
        char *container; /* its id */
        int fd;
};

struct fake_tag {
        struct list link;
        char *name, *id;
};

/* One request: its body is gathered first. */
struct visit {
        struct fake_engine *fake;
        struct buf body;
        bool lost; /* its answer is */
};

static struct fake_container *find(const struct fake_engine *f, const char *id) {
        struct fake_container *c;

        list_each(c, &f->containers, link)
                if (streq(c->id, id) || (c->name && streq(c->name, id)))
                        return c;
        return NULL;
}

static void container_free(struct fake_container *c) {
        list_unlink(&c->link);
        free(c->id);
        free(c->name);
        free(c->labels);
        free(c->door);
        free(c->init);
        free(c);
}

static void answer(struct http_exchange *x, int status, const char *body) {
        struct visit *v = x->owner;

        if (v->lost)
                http_abort(x);
        else
                http_respond(x, status, "Content-Type: application/json\r\n", body, strlen(body));
}

/* ---- what it is asked ---- */

static void tell_version(struct http_exchange *x) {
        AUTO(str) char *body = NULL;
        struct utsname host;

        assert_int_equal(uname(&host), 0);
        body = xasprintf("{\"Version\":\"1.0\",\"Arch\":\"%s\",\"Os\":\"linux\",\"KernelVersion\":\"%s\","
                         "\"Components\":[{\"Name\":\"Engine\"}]}",
                         streq(host.machine, "x86_64") ? "amd64" : "arm64", host.release);
        answer(x, 200, body);
}

static struct fake_tag *find_tag(const struct fake_engine *f, const char *name) {
        struct fake_tag *tag;

        list_each(tag, &f->tags, link)
                if (streq(tag->name, name))
                        return tag;
        return NULL;
}

static void tag_free(struct fake_tag *tag) {
        list_unlink(&tag->link);
        free(tag->name);
        free(tag->id);
        free(tag);
}

void fake_engine_tag(struct fake_engine *f, const char *name, const char *id) {
        struct fake_tag *tag = find_tag(f, name);

        if (tag)
                tag_free(tag);
        if (!id)
                return;
        tag = xcalloc(1, sizeof(*tag));
        tag->name = xstrdup(name);
        tag->id = xstrdup(id);
        list_push_back(&f->tags, &tag->link);
}

const char *fake_engine_image(const struct fake_engine *f, const char *name) {
        struct fake_tag *tag = find_tag(f, name);

        return tag ? tag->id : NULL;
}

/* Of one with a name of AWS's private registries it has only what it is told. */
static void tell_tag(struct http_exchange *x, struct fake_engine *f, const char *name) {
        const char *id = fake_engine_image(f, name);
        AUTO(str) char *body = id ? xasprintf("{\"Id\":\"%s\",\"Architecture\":\"amd64\"}", id) : NULL;

        if (body)
                answer(x, 200, body);
        else
                answer(x, 404, "{\"message\":\"No such image\"}");
}

static void add_tag(struct http_exchange *x, struct fake_engine *f, const char *id) {
        AUTO(str) char *repository = http_query_param(x, "repo");
        AUTO(str) char *tag = http_query_param(x, "tag");
        AUTO(str) char *name = xasprintf("%s:%s", repository, tag);

        fake_engine_tag(f, name, id);
        answer(x, 201, "");
}

static void remove_tag(struct http_exchange *x, struct fake_engine *f, const char *name) {
        if (!fake_engine_image(f, name)) {
                answer(x, 404, "{\"message\":\"No such image\"}");
                return;
        }
        fake_engine_tag(f, name, NULL);
        answer(x, 200, "[]");
}

static void tell_image(struct http_exchange *x, struct fake_engine *f) {
        AUTO(str) char *body = NULL;
        struct utsname host;

        assert_int_equal(uname(&host), 0);
        body = xasprintf(
                "{\"Id\":\"sha256:1111\",\"Architecture\":\"%s\",\"RepoDigests\":[],\"Size\":9,\"Config\":{"
                "\"Entrypoint\":[\"/entry\"],\"Cmd\":null}}",
                streq(host.machine, "x86_64") ? "amd64" : "arm64");
        if (f->has_image)
                answer(x, 200, body);
        else
                answer(x, 404, "{\"message\":\"No such image\"}");
}

static void pull(struct http_exchange *x, struct fake_engine *f) {
        AUTO(str) char *error =
                f->pull_error ? xasprintf("{\"errorDetail\":{\"message\":\"%s\"},\"error\":\"x\"}\r\n",
                                          f->pull_error)
                              : NULL;

        ++f->pulls;
        f->has_image = f->has_image || !error;
        answer(x, 200, error ? error : "{\"status\":\"Pulling\"}\r\n{\"status\":\"done\"}\r\n");
}

static void list_containers(struct http_exchange *x, struct fake_engine *f) {
        AUTO(buf) struct buf body = BUF_NULL(MIB);
        struct fake_container *c;

        ++f->lists;
        assert_int_equal(buf_append_str(&body, "["), 0);
        list_each(c, &f->containers, link)
                assert_int_equal(buf_printf(&body, "%s{\"Id\":\"%s\",\"Labels\":%s}", body.len > 1 ? "," : "",
                                            c->id, c->labels),
                                 0);
        assert_int_equal(buf_append(&body, "]", 2), 0);
        answer(x, 200, buf_data(&body));
}

static void create(struct http_exchange *x, struct fake_engine *f, const struct buf *body) {
        AUTO(str) char *answer_text = NULL;
        AUTO(str) char *name = http_query_param(x, "name");
        struct fake_container *c;
        const json_t *mount;
        json_t *tree;
        size_t i;

        if (!f->has_image) {
                answer(x, 404, "{\"message\":\"No such image: sha256:1111\"}");
                return;
        }
        assert_int_equal(json_tree_parse(buf_data(body), body->len, &tree, NULL), 0);
        free(f->last_create);
        f->last_create = xmemdup(buf_data(body), body->len);
        c = xcalloc(1, sizeof(*c));
        c->id = xasprintf("id%u", ++f->next_id);
        c->name = TAKE(name);
        c->labels = json_tree_text(json_tree_get(tree, "Labels"));
        json_array_foreach(json_tree_get(json_tree_get(tree, "HostConfig"), "Mounts"), i, mount) {
                const char *target = json_tree_str(mount, "Target"), *source = json_tree_str(mount, "Source");

                if (source && streq(target, "/lambent/link"))
                        c->door = xstrdup(source);
                if (source && streq(target, "/lambent/init"))
                        c->init = xstrdup(source);
        }
        json_decref(tree);
        list_push_back(&f->containers, &c->link);
        ++f->made;
        answer_text = xasprintf("{\"Id\":\"%s\"}", c->id);
        answer(x, 201, answer_text);
}

static void connection_free(struct fake_connection *connection) {
        list_unlink(&connection->link);
        fd_close(connection->fd);
        free(connection->container);
        free(connection);
}

static void hang_up(struct fake_engine *f, const char *container) {
        struct fake_connection *connection;

        list_each(connection, &f->connections, link)
                if (streq(connection->container, container))
                        connection_free(connection);
}

static void connect_door(struct fake_engine *f, const struct fake_container *c) {
        struct fake_connection *connection = xcalloc(1, sizeof(*connection));
        struct sockaddr_un at = { .sun_family = AF_UNIX };

        snprintf(at.sun_path, sizeof(at.sun_path), "%s/link", c->door);
        connection->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connection->container = xstrdup(c->id);
        list_push_back(&f->connections, &connection->link);
        /* Its daemon may have given it up meanwhile. */
        if (connect(connection->fd, (struct sockaddr *)&at, sizeof(at)) < 0)
                connection_free(connection);
}

static void tell(struct fake_engine *f, const char *action, const char *id, int exit_code) {
        AUTO(str) char *line = xasprintf(
                "{\"Type\":\"container\",\"Action\":\"%s\",\"Actor\":{\"ID\":\"%s\",\"Attributes\":{"
                "\"exitCode\":\"%d\"}}}\n",
                action, id, exit_code);
        struct iovec part = { line, strlen(line) };

        if (f->events)
                http_respond_some(f->events, &part, 1);
}

static void inspect(struct http_exchange *x, const struct fake_engine *f) {
        AUTO(str) char *body = xasprintf("{\"NetworkSettings\":{\"Ports\":{\"8080/tcp\":[{\"HostIp\":"
                                         "\"127.0.0.1\",\"HostPort\":\"%u\"}]}}}",
                                         f->port);

        answer(x, 200, body);
}

void fake_engine_break_events(struct fake_engine *f) {
        http_abort(f->events);
}

void fake_engine_let_look(struct fake_engine *f) {
        answer(TAKE(f->look), 200, "");
}

static void about_container(struct http_exchange *x, struct fake_engine *f) {
        const char *at = x->path + strlen("/containers/"), *rest = strchr(at, '/');
        AUTO(str) char *id = rest ? xstrndup(at, (size_t)(rest - at)) : xstrdup(at);
        AUTO(str) char *path = http_query_param(x, "path");
        struct fake_container *c = find(f, id);

        if (!c) {
                answer(x, 404, "{\"message\":\"No such container\"}");
        } else if (x->method == HTTP_DELETE_) {
                ++f->removed;
                tell(f, "destroy", c->id, 0);
                hang_up(f, c->id);
                container_free(c);
                answer(x, 204, "");
        } else if (streq(rest, "/archive") && x->method == HTTP_HEAD_ && f->holds_looks) {
                f->look = x;
        } else if (streq(rest, "/archive") && x->method == HTTP_HEAD_) {
                AUTO(str) char *file = xasprintf("%s%s", c->init, path + strlen("/lambent/init"));

                answer(x, f->shares_files && access(file, F_OK) == 0 ? 200 : 404, "");
        } else if (streq(rest, "/archive")) {
                answer(x, 200, "");
        } else if (streq(rest, "/attach")) {
                if (((struct visit *)x->owner)->lost)
                        http_abort(x);
                else
                        http_respond_begin(f->attach = x, 200, NULL, -1);
        } else if (streq(rest, "/json")) {
                inspect(x, f);
        } else if (streq(rest, "/kill")) {
                ++f->killed;
                answer(x, 204, "");
                fake_engine_kill(f, 137, false);
        } else if (streq(rest, "/start")) {
                ++f->started;
                if (f->connects && c->door)
                        connect_door(f, c);
                answer(x, 204, "");
        } else {
                answer(x, 404, "{\"message\":\"page not found\"}");
        }
}

static void about_image(struct http_exchange *x, struct fake_engine *f) {
        const char *at = x->path + strlen("/images/"), *rest = strrchr(at, '/');
        bool last = x->method == HTTP_DELETE_ || !rest;
        AUTO(buf) struct buf name = BUF_NULL(KIB);

        assert_int_equal(http_percent_decode(at, last ? strlen(at) : (size_t)(rest - at), false, &name), 0);
        assert_int_equal(buf_append(&name, "", 1), 0);
        if (x->method == HTTP_POST_)
                add_tag(x, f, buf_data(&name));
        else if (x->method == HTTP_DELETE_)
                remove_tag(x, f, buf_data(&name));
        else if (strstr(buf_data(&name), ".dkr.ecr."))
                tell_tag(x, f, buf_data(&name));
        else
                tell_image(x, f);
}

static void serve(struct http_exchange *x) {
        struct visit *v = x->owner;
        struct fake_engine *f = v->fake;

        if (streq(x->path, "/version")) {
                tell_version(x);
        } else if (streq(x->path, "/networks/bridge")) {
                answer(x, 200, "{\"IPAM\":{\"Config\":[{\"Gateway\":\"172.17.0.1\"}]}}");
        } else if (streq(x->path, "/events")) {
                if (v->lost)
                        http_abort(x);
                else
                        http_respond_begin(f->events = x, 200, NULL, -1);
        } else if (streq(x->path, "/containers/json")) {
                list_containers(x, f);
        } else if (str_starts(x->path, "/images/create")) {
                pull(x, f);
        } else if (str_starts(x->path, "/images/")) {
                about_image(x, f);
        } else if (streq(x->path, "/containers/create")) {
                create(x, f, &v->body);
        } else {
                about_container(x, f);
        }
}

/* ---- serving ---- */

static void on_end(struct http_exchange *x) {
        struct visit *v = x->owner;
        struct fake_engine *f = v->fake;
        bool troubled = ++f->calls == f->trouble_at;

        v->lost = troubled && f->trouble == FAKE_LOSES_ANSWER;
        if (troubled && f->trouble == FAKE_REFUSES)
                answer(x, 500, "{\"message\":\"the test says so\"}");
        else
                serve(x);
}

static void on_body(struct http_exchange *x, const char *data, size_t len) {
}

static void on_done(struct http_exchange *x, bool complete) {
        struct visit *v = x->owner;

        if (v->fake->events == x)
                v->fake->events = NULL;
        if (v->fake->look == x)
                v->fake->look = NULL;
        if (v->fake->attach == x)
                v->fake->attach = NULL;
        buf_deinit(&v->body);
        free(v);
}

static const struct http_ops ops = { .on_body = on_body, .on_end = on_end, .on_done = on_done };

static void on_request(struct http_exchange *x) {
        struct visit *v = xcalloc(1, sizeof(*v));

        v->fake = x->listener_owner;
        v->body = BUF_NULL(16 * MIB);
        x->owner = v;
        x->ops = &ops;
        x->sink = &v->body;
}

static const struct http_handler handler = { .on_request = on_request };

void fake_engine_open(struct fake_engine *f, struct loop *loop) {
        AUTO(str) char *host = NULL;
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        *f = (struct fake_engine){ .loop = loop, .has_image = true, .shares_files = true, .connects = true };
        list_init(&f->containers);
        list_init(&f->connections);
        list_init(&f->tags);
        snprintf(f->folder, sizeof(f->folder), "/tmp/fake-engine-XXXXXX");
        assert_non_null(mkdtemp(f->folder));
        f->socket = xasprintf("%s/engine.sock", f->folder);
        host = xasprintf("unix://%s", f->socket);
        setenv("DOCKER_HOST", host, 1);
        unsetenv("LAMBENT_CONTAINER_CLI");
        snprintf(at.sun_path, sizeof(at.sun_path), "%s", f->socket);
        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(fd, 64), 0);
        assert_int_equal(http_listen(loop, fd, &handler, &http_limits_api, f, &f->listener), 0);
}

void fake_engine_close(struct fake_engine *f) {
        struct fake_container *c;
        struct fake_connection *connection;

        struct fake_tag *tag;

        http_listener_free(f->listener);
        while ((tag = list_first(&f->tags, struct fake_tag, link)))
                tag_free(tag);
        while ((c = list_first(&f->containers, struct fake_container, link)))
                container_free(c);
        while ((connection = list_first(&f->connections, struct fake_connection, link)))
                connection_free(connection);
        unlink(f->socket);
        free(f->socket);
        free(f->last_create);
}

size_t fake_engine_containers(const struct fake_engine *f) {
        struct fake_container *c;
        size_t count = 0;

        list_each(c, &f->containers, link)
                ++count;
        return count;
}

void fake_engine_add(struct fake_engine *f, const char *id, const char *labels) {
        struct fake_container *c = xcalloc(1, sizeof(*c));

        c->id = xstrdup(id);
        c->labels = xstrdup(labels);
        list_push_back(&f->containers, &c->link);
}

bool fake_engine_has(const struct fake_engine *f, const char *id) {
        return find(f, id) != NULL;
}

void fake_engine_kill(struct fake_engine *f, int exit_code, bool oom) {
        struct fake_container *c = list_last(&f->containers, struct fake_container, link);

        assert_non_null(c);
        if (oom)
                tell(f, "oom", c->id, 0);
        tell(f, "die", c->id, exit_code);
        tell(f, "destroy", c->id, exit_code);
        hang_up(f, c->id);
        container_free(c);
        if (f->attach)
                http_respond_end(TAKE(f->attach));
}

void fake_engine_hang_up(struct fake_engine *f) {
        hang_up(f, list_last(&f->connections, struct fake_connection, link)->container);
}

size_t fake_engine_links(const struct fake_engine *f) {
        struct fake_connection *connection;
        size_t count = 0;
        char some;

        list_each(connection, &f->connections, link)
                count += recv(connection->fd, &some, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
        return count;
}

void fake_engine_say(struct fake_engine *f, int stream, const char *text) {
        size_t len = strlen(text);
        char head[8] = { (char)stream, 0, 0, 0, 0, 0, (char)(len >> 8), (char)len };
        struct iovec parts[] = { { head, sizeof(head) }, { (char *)text, len } };

        assert_non_null(f->attach);
        http_respond_some(f->attach, parts, 2);
}
