/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/localhost.h"

#include <ctype.h>
#include <strings.h>

struct found {
        uint16_t *ports;
        size_t count, most;
};

static const char *const hosts[] = { "localhost", "127.0.0.1", "[::1]" };

static void add(struct found *f, uint64_t port) {
        for (size_t i = 0; i < f->count; ++i)
                if (f->ports[i] == port)
                        return;
        if (port && f->count < f->most)
                f->ports[f->count++] = (uint16_t)port;
}

static bool may_stand_before(char c) {
        return strchr("/@,;=( \t\"'", c);
}

static bool may_stand_behind(char c) {
        return !c || strchr("/?#,;&) \t\"'\r\n", c);
}

/* The digits at `at`, when they are a port and end as one may. */
static uint64_t port_at(const char *at) {
        size_t len = strspn(at, "0123456789");
        AUTO(str) char *digits = xstrndup(at, len);
        uint64_t port;

        return len && may_stand_behind(at[len]) && !str_to_u64(digits, UINT16_MAX, &port) ? port : 0;
}

static uint64_t port_of_scheme(const char *scheme, size_t len) {
        static const struct {
                const char *scheme;
                uint16_t port;
        } table[] = {
                { "http", 80 },         { "https", 443 },      { "ws", 80 },           { "wss", 443 },
                { "redis", 6379 },      { "rediss", 6379 },    { "valkey", 6379 },     { "postgres", 5432 },
                { "postgresql", 5432 }, { "mysql", 3306 },     { "mariadb", 3306 },    { "mongodb", 27017 },
                { "amqp", 5672 },       { "amqps", 5671 },     { "nats", 4222 },       { "mqtt", 1883 },
                { "memcached", 11211 }, { "sqlserver", 1433 }, { "clickhouse", 9000 }, { "ftp", 21 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(table); ++i)
                if (strlen(table[i].scheme) == len && !strncasecmp(table[i].scheme, scheme, len))
                        return table[i].port;
        return 0;
}

/* "scheme://" or "scheme://user:password@" right before `at`. */
static uint64_t port_before(const char *value, const char *at) {
        const char *slashes = NULL, *scheme;

        for (const char *p = value; (p = strstr(p, "://")) && p < at; p += 3)
                slashes = p;
        if (!slashes || memchr(slashes + 3, '/', (size_t)(at - slashes - 3)))
                return 0;
        if (at != slashes + 3 && at[-1] != '@')
                return 0;
        for (scheme = slashes; scheme > value && isalnum((unsigned char)scheme[-1]); --scheme)
                ;
        return port_of_scheme(scheme, (size_t)(slashes - scheme));
}

/* "host=localhost port=5432", as PostgreSQL's own strings have it. */
static uint64_t port_beside(const char *value, const char *at) {
        const char *key = at - strlen("host="), *port;

        if (key < value || strncasecmp(key, "host=", strlen("host=")) != 0)
                return 0;
        port = strcasestr(value, "port=");
        return port ? port_at(port + strlen("port=")) : 0;
}

/* The port of the address that begins at `at` with the name of a host; 0: it is none. */
static uint64_t address_at(const char *value, const char *at, const char *host) {
        const char *end = at + strlen(host);

        if (at > value && !may_stand_before(at[-1]))
                return 0;
        if (*end == ':')
                return port_at(end + 1);
        return may_stand_behind(*end) ? port_before(value, at) ?: port_beside(value, at) : 0;
}

static void search(struct found *f, const char *value, const char *host) {
        for (const char *at = value; (at = strcasestr(at, host)); ++at)
                add(f, address_at(value, at, host));
}

static const char *value_of(const struct env_var *vars, size_t count, const char *name) {
        for (size_t i = 0; i < count; ++i)
                if (streq(vars[i].name, name))
                        return vars[i].value;
        return NULL;
}

/* PGHOST=localhost and PGPORT=5432. */
static uint64_t sibling_port(const struct env_var *vars, size_t count, const struct env_var *var) {
        const char *host = strstr(var->name, "HOST");
        AUTO(str) char *name = NULL;
        const char *port;

        if (!host)
                return 0;
        name = xasprintf("%.*sPORT%s", (int)(host - var->name), var->name, host + strlen("HOST"));
        port = value_of(vars, count, name);
        for (size_t i = 0; port && i < ARRAY_SIZE(hosts); ++i)
                if (!strcasecmp(var->value, hosts[i]) || (i == 2 && streq(var->value, "::1")))
                        return port_at(port);
        return 0;
}

size_t localhost_ports(const struct env_var *vars, size_t count, uint16_t *ret_ports, size_t most) {
        struct found f = { .ports = ret_ports, .most = most };

        for (size_t i = 0; i < count; ++i) {
                for (size_t k = 0; k < ARRAY_SIZE(hosts); ++k)
                        search(&f, vars[i].value, hosts[k]);
                add(&f, sibling_port(vars, count, &vars[i]));
        }
        return f.count;
}

/* What stands at `at` and is localhost; NULL. */
static const char *host_at(const char *value, const char *at) {
        for (size_t k = 0; k < ARRAY_SIZE(hosts); ++k)
                if (!strncasecmp(at, hosts[k], strlen(hosts[k])) && address_at(value, at, hosts[k]))
                        return hosts[k];
        return NULL;
}

char *localhost_rewrite(const struct env_var *vars, size_t count, const struct env_var *var,
                        const char *name) {
        AUTO(buf) struct buf out = BUF_NULL(MIB);

        if (sibling_port(vars, count, var))
                return xstrdup(name);
        for (const char *at = var->value; *at;) {
                const char *host = host_at(var->value, at);

                if (buf_append(&out, host ? name : at, host ? strlen(name) : 1))
                        return xstrdup(var->value);
                at += host ? strlen(host) : 1;
        }
        return buf_append(&out, "", 1) ? xstrdup(var->value) : buf_take_str(&out, NULL);
}
