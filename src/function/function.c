/* SPDX-License-Identifier: Apache-2.0 */
#include "function/function.h"

#include "base/buf.h"
#include "function/alias.h"
#include "function/concurrency.h"
#include "function/placement.h"
#include "function/registry_private.h"

static const char *const state_names[] = {
        [STATE_PENDING] = "Pending",
        [STATE_ACTIVE] = "Active",
        [STATE_INACTIVE] = "Inactive",
        [STATE_FAILED] = "Failed",
};

static const char *const update_names[] = {
        [UPDATE_NONE] = "",
        [UPDATE_SUCCESSFUL] = "Successful",
        [UPDATE_FAILED] = "Failed",
        [UPDATE_IN_PROGRESS] = "InProgress",
};

const char *function_state_name(enum function_state state) {
        must((size_t)state < ARRAY_SIZE(state_names) && state_names[state]);
        return state_names[state];
}

const char *update_status_name(enum update_status status) {
        must((size_t)status < ARRAY_SIZE(update_names));
        return update_names[status];
}

const char *region_partition(const char *region) {
        static const struct {
                const char *prefix, *partition;
        } partitions[] = {
                { "cn-", "aws-cn" },         { "us-gov-", "aws-us-gov" }, { "us-iso-", "aws-iso" },
                { "us-isob-", "aws-iso-b" }, { "us-isof-", "aws-iso-f" }, { "eu-isoe-", "aws-iso-e" },
                { "eusc-", "aws-eusc" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(partitions); i++)
                if (str_starts(region, partitions[i].prefix))
                        return partitions[i].partition;
        return "aws";
}

char *function_arn(const char *region, const char *account, const char *name, const char *qualifier) {
        return xstrcat("arn:", region_partition(region), ":lambda:", region, ":", account, ":function:", name,
                       qualifier ? ":" : "", qualifier ? qualifier : "", NULL);
}

/* text in the identity at *at, which moves on behind its end. */
static const char *put(char **at, const char *text) {
        char *start = *at;

        *at = stpcpy(start, text) + 1;
        return start;
}

struct function_identity *function_identity_new(const char *account, const char *region, const char *name) {
        AUTO(str) char *key = xstrcat(account, "/", region, "/", name, NULL);
        AUTO(str) char *arn = function_arn(region, account, name, NULL);
        /* Account, region and name with their ends are as long as the key with its slashes. */
        struct function_identity *identity =
                xmalloc(sizeof(*identity) + 2 * (strlen(key) + 1) + strlen(arn) + 1);
        char *at = identity->key;

        identity->refs = 1;
        put(&at, key);
        identity->account = put(&at, account);
        identity->region = put(&at, region);
        identity->name = put(&at, name);
        identity->arn = put(&at, arn);
        return identity;
}

static struct function_identity *identity_ref(struct function_identity *identity) {
        identity->refs++;
        return identity;
}

static void identity_unref(struct function_identity *identity) {
        if (--identity->refs == 0)
                free(identity);
}

struct version *version_new(struct registry *r, struct function *f, const char *number,
                            struct version_config *config_consume) {
        struct version *v = xcalloc(1, sizeof(*v));

        v->refs = 1;
        v->function = f;
        v->identity = identity_ref(f->identity);
        v->account = v->identity->account;
        v->region = v->identity->region;
        v->name = v->identity->name;
        v->arn = v->identity->arn;
        v->concurrency = concurrency_ref(f->concurrency);
        str_fit(v->number, sizeof(v->number), number);
        version_config_pack(config_consume, &v->config);
        list_init(&v->link);
        list_init(&v->waiting_link);
        v->registry = r;
        list_push_back(&r->alive, &v->alive_link);
        registry_hold(r, v->config.code_sha256);
        for (size_t i = 0; i < v->config.layer_count; i++)
                registry_hold(r, v->config.layers[i].sha256);
        return v;
}

struct version *version_ref(struct version *v) {
        must(v->refs > 0);
        v->refs++;
        return v;
}

void version_unref(struct version *v) {
        struct registry *r;

        if (!v)
                return;
        must(v->refs > 0);
        if (--v->refs > 0)
                return;
        r = v->registry;
        list_unlink(&v->link);
        list_unlink(&v->waiting_link);
        list_unlink(&v->alive_link);
        if (r) {
                registry_release(r, v->config.code_sha256);
                for (size_t i = 0; i < v->config.layer_count; i++)
                        registry_release(r, v->config.layers[i].sha256);
        }
        concurrency_unref(v->concurrency);
        version_config_clear(&v->config);
        free(v->status.state_reason);
        free(v->status.state_reason_code);
        free(v->status.update_reason);
        free(v->status.update_reason_code);
        placement_unref(v->placement);
        free(v->task_dir);
        free(v->opt_dir);
        free(v->fingerprint);
        identity_unref(v->identity);
        free(v);
}

void version_touch(struct version *v) {
        random_uuid(v->status.revision_id);
}

static void set_text(char **text, const char *value) {
        free(*text);
        *text = value ? xstrdup(value) : NULL;
}

void version_set_state(struct version *v, enum function_state state, const char *code, const char *reason) {
        v->status.state = state;
        set_text(&v->status.state_reason_code, code);
        set_text(&v->status.state_reason, reason);
}

void version_set_update(struct version *v, enum update_status update, const char *code, const char *reason) {
        v->status.update = update;
        set_text(&v->status.update_reason_code, code);
        set_text(&v->status.update_reason, reason);
}

/* The control plane takes at most 1 MiB of JSON besides the code, and escapes grow a byte to six. */
#define DOCUMENT_MAX (8 * MIB)

char *version_fingerprint(const struct version *v) {
        AUTO(buf) struct buf buf = BUF_NULL(DOCUMENT_MAX);
        unsigned char digest[SHA256_LEN];
        struct sha256 ctx;
        char *hex;

        must(version_config_write(&v->config, &buf) == 0);
        sha256_init(&ctx);
        sha256_update(&ctx, buf_data(&buf), buf.len);
        sha256_final(&ctx, digest);
        hex = xmalloc(SHA256_HEX_LEN + 1);
        hex_encode(digest, sizeof(digest), hex);
        return hex;
}

int64_t version_stored_number(const struct version *v) {
        if (streq(v->number, LATEST_PUBLISHED))
                return STORE_LATEST_PUBLISHED;
        if (!version_is_latest(v))
                return strtoll(v->number, NULL, 10);
        return v == v->function->latest ? 0 : STORE_SERVING;
}

int version_save(struct version *v, int64_t number) {
        AUTO(buf) struct buf buf = BUF_NULL(DOCUMENT_MAX);
        struct version_row row;

        must(version_config_write(&v->config, &buf) == 0);
        row = (struct version_row){
                .account = v->account,
                .region = v->region,
                .name = v->name,
                .number = number,
                .config = buf_data(&buf),
                .config_len = buf.len,
                .state = v->status.state,
                .state_reason = v->status.state_reason,
                .state_reason_code = v->status.state_reason_code,
                .update = v->status.update,
                .update_reason = v->status.update_reason,
                .update_reason_code = v->status.update_reason_code,
                .revision_id = v->status.revision_id,
                .last_modified = v->status.last_modified,
                .fingerprint = v->fingerprint,
        };
        return store_put_version(v->registry->store, &row);
}

struct function *function_new(struct registry *r, const char *account, const char *region, const char *name) {
        struct function *f = xcalloc(1, sizeof(*f));

        f->identity = function_identity_new(account, region, name);
        f->account = f->identity->account;
        f->region = f->identity->region;
        f->name = f->identity->name;
        list_init(&f->versions);
        list_init(&f->aliases);
        f->concurrency = concurrency_new(&r->accounts, account, region);
        map_add(&r->functions, &f->node, f->identity->key);
        return f;
}

void function_free(struct registry *r, struct function *f) {
        struct version *v;
        struct alias *a;

        map_remove(&r->functions, &f->node);
        list_each(a, &f->aliases, link)
                alias_free(a);
        list_each(v, &f->versions, link) {
                list_unlink(&v->link);
                v->function = NULL;
                version_unref(v);
        }
        if (f->latest)
                f->latest->function = NULL;
        if (f->latest_published)
                f->latest_published->function = NULL;
        if (f->serving)
                f->serving->function = NULL;
        version_unref(f->serving);
        version_unref(f->latest);
        version_unref(f->latest_published);
        concurrency_reserve(f->concurrency, NOT_RESERVED);
        concurrency_provision(f->concurrency, 0);
        concurrency_unref(f->concurrency);
        free(f->tags_json);
        identity_unref(f->identity);
        free(f);
}

struct version *function_version(const struct function *f, const char *qualifier) {
        struct version *v;
        struct alias *a;

        if (!qualifier || streq(qualifier, "$LATEST"))
                return f->latest;
        if (streq(qualifier, LATEST_PUBLISHED))
                return f->latest_published;
        list_each(v, &f->versions, link)
                if (streq(v->number, qualifier))
                        return v;
        a = function_alias(f, qualifier);
        return a ? function_version(f, a->version) : NULL;
}
