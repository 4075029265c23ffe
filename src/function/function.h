/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function - the domain's nouns: functions, their versions, aliases, layers
 *
 * A struct version is an immutable snapshot: configuration, digests of code and layers. An update of $LATEST
 * makes a new snapshot; running invocations and their environments keep the old one alive (reference count)
 * and drain. So the pool, which hangs on the snapshot, is keyed by everything that matters without comparing
 * anything.
 *
 * A struct function holds `latest` (what the API shows) and `serving` (what invocations of $LATEST run on):
 * they differ while an update is in progress, and after one that failed. What changes without making a new
 * snapshot (state, revision id) is in struct version_status.
 *
 * As long as a struct version lives, the code and layers it names are kept in the content store (registry.h,
 * "digests in use").
 */
#pragma once
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "base/sha256.h"
#include "base/util.h"

struct buf;
struct concurrency;
struct json_t;
struct placement;
struct pool;
struct registry;

struct name_value {
        char *name, *value;
};

struct text_list {
        char **items;
        size_t count;
};

struct layer_ref {
        char *arn;                    /* of the layer version */
        uint64_t code_size, unzipped; /* bytes */
        char sha256[SHA256_HEX_LEN + 1];
};
#define FUNCTION_LAYERS_MAX 5
#define FUNCTION_NAME_MAX 140 /* as the API's model has it */

/* Stored: never renumber. */
enum function_state { STATE_PENDING = 1, STATE_ACTIVE = 2, STATE_INACTIVE = 3, STATE_FAILED = 4 };
enum update_status { UPDATE_NONE = 0, UPDATE_SUCCESSFUL = 1, UPDATE_FAILED = 2, UPDATE_IN_PROGRESS = 3 };
const char *function_state_name(enum function_state state);
const char *update_status_name(enum update_status status);

struct version_config {
        char *runtime, *handler, *role, *description;
        uint32_t timeout_s, memory_mb, tmp_mb;
        bool has_vars; /* Environment was given, perhaps empty */
        struct name_value *vars;
        size_t var_count;
        struct layer_ref *layers;
        size_t layer_count; /* at most FUNCTION_LAYERS_MAX */
        char *architecture, *package_type, *tracing_mode, *snap_start_apply_on;
        char *log_format, *log_group;       /* log_group NULL: the default */
        char *log_level, *system_log_level; /* NULL in Text */
        char *kms_key_arn;                  /* NULL */
        /* Parts that mean nothing locally are kept as they are shown (compact JSON); NULL when absent. */
        char *vpc_json, *dead_letter_json, *file_systems_json;
        /* Package type Image; else NULL. Never with layers, a runtime or a handler. */
        char *image_uri; /* as the client gave it */
        /* ImageConfig; without items, or NULL: the image's own. */
        struct text_list entry_point, command;
        char *working_directory;
        /* What makes a function one of a kind of its own (CapacityProviderConfig, DurableConfig, TenancyConfig, …): an
         * object of these members as they are shown (compact JSON); NULL: an ordinary one. */
        char *kind_json;
        bool per_tenant, on_instances, durable; /* which it says, on_instances: of a capacity provider */
        char code_sha256[SHA256_HEX_LEN + 1];   /* of the zip as uploaded; of the image (images.h) */
        uint64_t code_size, code_unzipped;      /* bytes */
        /* Of a package that its owner keeps in S3 (S3ObjectStorageMode REFERENCE): which object it is, as ResolvedS3Object
         * shows it (compact JSON). NULL: a copy. What runs is a copy in any case. */
        char *s3_object_json;
        void *block; /* packed: all of the above is in it, and nothing may be changed; NULL: each has its own memory */
};

/* The document that the store keeps; the same configuration gives the same bytes. 0, -E2BIG, -ENOMEM. */
int version_config_write(const struct version_config *c, struct buf *buf);
/* 0, -EINVAL (then *ret_config is cleared). */
int version_config_read(const char *text, size_t len, struct version_config *ret_config);
/* One that may be changed. */
void version_config_copy(const struct version_config *from, struct version_config *ret_config);
/* One that is kept: the same in a single block, a third of the memory. */
void version_config_pack(struct version_config *config_consume, struct version_config *ret_config);
void version_config_clear(struct version_config *c); /* legal on a zeroed one */
static inline void version_config_freep(struct version_config *c) {
        version_config_clear(c);
}

static inline bool version_config_is_image(const struct version_config *c) {
        return c->image_uri != NULL;
}
/* What the object says from now on; NULL or an empty one: an ordinary function. */
void version_config_set_kind(struct version_config *c, const struct json_t *kind);
/* Instead of those that it has; takes what the references hold. */
void version_config_set_layers(struct version_config *c, const struct layer_ref *layers_consume,
                               size_t count);
/* Copies of strings, count of them; frees what was there. */
void text_list_set(struct text_list *list, const char *const *items, size_t count);

struct version_status {
        enum function_state state;
        char *state_reason, *state_reason_code; /* NULL when Active */
        enum update_status update;
        char *update_reason, *update_reason_code;
        char revision_id[UUID_LEN + 1];
        nsec_t last_modified; /* wall */
};

/* What a function is called, for itself and for its versions, which may outlive it. */
struct function_identity {
        unsigned refs;
        const char *account, *region, *name;
        const char *arn; /* without a qualifier */
        char key[];      /* "account/region/name", and behind it the rest */
};

struct version {
        unsigned refs;
        struct function *function; /* NULL once the function is deleted */
        char number[24];           /* "$LATEST", LATEST_PUBLISHED or "1", "2", … */
        struct version_config config;
        struct version_status status;
        /* Where the code lies, set when it is prepared (then the version can serve). */
        char *task_dir, *opt_dir;    /* task_dir NULL: an image; opt_dir NULL: no layers */
        struct placement *placement; /* a reference; NULL until it is prepared */
        bool prepared;
        struct concurrency *concurrency; /* the function's; NULL: nobody counts */
        uint64_t provisioned, placed; /* environments to be started beforehand, invocations that have one */
        struct pool *pool; /* the first of its pools, one a tenant; owned by the pools, see pool.h */
        struct list link;  /* on function->versions when published */
        struct function_identity *identity; /* a reference, and what is in it: */
        const char *account, *region, *name, *arn;

        /* The registry's own. */
        struct registry *registry; /* NULL once that is gone */
        struct list alive_link;    /* on registry->alive */
        struct list waiting_link;  /* on registry->waiting while the preparation has not begun */
        bool preparing;            /* the port was called and has not called back */
        char *fingerprint; /* published: of the configuration of $LATEST it was made from; else NULL */
};

struct function {
        struct map_node node; /* in the registry, by the identity's key */
        struct function_identity *identity;
        const char *account, *region, *name; /* the identity's */
        struct version *latest, *serving;
        struct list versions; /* published under a number, ascending */
        struct version
                *latest_published; /* NULL; only of functions on instances, whose $LATEST does not run */
        struct list aliases;       /* alias.h */
        struct concurrency *concurrency;
        uint64_t last_number; /* of the last published version; numbers are never reused */
        char *tags_json;      /* NULL */
};

struct function_identity *function_identity_new(const char *account, const char *region, const char *name);
struct version *version_ref(struct version *v);
void version_unref(struct version *v);
/* The one published version that has no number: publishing to it again replaces it. */
#define LATEST_PUBLISHED "$LATEST.PUBLISHED"

static inline bool version_is_latest(const struct version *v) {
        return streq(v->number, "$LATEST");
}
/* "arn:aws:lambda:REGION:ACCOUNT:function:NAME" and, with a qualifier, ":QUALIFIER"; malloc'ed. The partition
 * follows from the region. */
char *function_arn(const char *region, const char *account, const char *name, const char *qualifier);
/* "aws", "aws-cn", "aws-us-gov", … */
const char *region_partition(const char *region);
