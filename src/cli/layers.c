/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "cli/client.h"
#include "cli/client_commands.h"
#include "cli/table.h"

#define TARGET_MAX (64 * KIB)
#define ZIP_MAX (256 * MIB) /* what AWS allows unzipped, and a little */

/* ---- layers ---- */

struct layers_options {
        struct client_options client;
};

static char *joined(const json_t *words) {
        AUTO(buf) struct buf text = BUF_NULL(TARGET_MAX);
        const json_t *word;
        size_t i;

        json_array_foreach(words, i, word) if (json_is_string(word) &&
                                               buf_append_strs(&text, i ? " " : "", json_string_value(word),
                                                               NULL)) break;
        return buf_take_str(&text, NULL);
}

static void print_layers(const json_t *layers) {
        static const struct table_column columns[] = {
                { "LAYER", .whole = true },    { "FROM" },     { "SIZE", .right = true },
                { "UNZIPPED", .right = true }, { "RUNTIMES" }, { "CREATED" },
        };
        struct table table = TABLE_OF(columns);
        const json_t *l;
        size_t i;

        json_array_foreach(layers, i, l) {
                const json_t *size = json_object_get(l, "size"), *unzipped = json_object_get(l, "unzipped");

                table_add_consume(&table, (char *const[]){
                                                  xstrdup(json_text(l, "arn")),
                                                  xstrdup(json_text(l, "from")),
                                                  text_of_bytes((uint64_t)json_integer_value(size)),
                                                  text_of_bytes((uint64_t)json_integer_value(unzipped)),
                                                  joined(json_object_get(l, "runtimes")),
                                                  xstrndup(json_text(l, "created"), 16),
                                          });
        }
        if (table.row_count)
                table_print(&table, stdout, terminal_width(stdout));
        else
                fputs("There are no layers; \"lambent layer import ARN FILE.zip\" copies one of another account.\n",
                      stderr);
        table_release(&table);
}

static int run_layers(void *values, const struct strings *operands) {
        const struct layers_options *options = values;
        struct client client;
        json_t *body;
        int r;

        if (client_open(&client, &options->client))
                return 2;
        r = client_get(&client, HTTP_GET_, "/_lambent/layers", NULL, &body);
        if (!r && options->client.json)
                print_json(json_object_get(body, "layers"));
        else if (!r)
                print_layers(json_object_get(body, "layers"));
        json_decref(body);
        client_close(&client);
        return r;
}

static const struct option layers_table[] = { CLIENT_OPTIONS(struct layers_options), {} };

const struct command layers_command = {
        .name = "layers",
        .operands = "",
        .summary = "list the layer versions, imported ones too",
        .options = layers_table,
        .values_size = sizeof(struct layers_options),
        .run = run_layers,
};

/* ---- layer import, layer rm ---- */

struct layer_options {
        struct client_options client;
        struct strings runtimes, architectures;
        char *description, *license;
};

/* Mapped, because the client sends it from where it lies. */
static int map_file(const char *path, const void **ret_data, size_t *ret_len) {
        AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat st;
        void *data;

        if (fd < 0 || fstat(fd, &st))
                return complain("cannot read %s: %s", path, strerror(errno));
        if (!S_ISREG(st.st_mode) || st.st_size == 0)
                return complain("%s is not a zip", path);
        if ((uint64_t)st.st_size > ZIP_MAX)
                return complain("%s is larger than a layer may be", path);
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
                return complain("cannot read %s: %s", path, strerror(errno));
        *ret_data = data;
        *ret_len = (size_t)st.st_size;
        return 0;
}

static int add_parameter(struct buf *target, const char *name, const char *value) {
        AUTO(str) char *escaped = value ? url_escape(value) : NULL;

        return value ? buf_append_strs(target, "&", name, "=", escaped, NULL) : 0;
}

static int add_list(struct buf *target, const char *name, const struct strings *list) {
        AUTO(buf) struct buf text = BUF_NULL(TARGET_MAX);
        int r = 0;

        for (size_t i = 0; i < list->count && !r; i++)
                r = buf_append_strs(&text, i ? "," : "", list->items[i], NULL);
        r = r ?: buf_append(&text, "", 1);
        return r ?: list->count ? add_parameter(target, name, buf_data(&text)) : 0;
}

static int import_target(const struct layer_options *options, const char *arn, struct buf *target) {
        AUTO(str) char *escaped = url_escape(arn);
        int r = buf_append_strs(target, "/_lambent/layers?arn=", escaped, NULL);

        r = r ?: add_list(target, "runtimes", &options->runtimes);
        r = r ?: add_list(target, "architectures", &options->architectures);
        r = r ?: add_parameter(target, "description", options->description);
        r = r ?: add_parameter(target, "license", options->license);
        r = r ?: buf_append(target, "", 1);
        return r ? complain("the options are too long") : 0;
}

static int send_layer(const struct layer_options *options, struct client *client, const char *arn,
                      const void *zip, size_t len) {
        AUTO(buf) struct buf target = BUF_NULL(TARGET_MAX);
        struct answer answer = {};
        json_t *body = NULL;
        int r = import_target(options, arn, &target);

        r = r
                    ?: client_call(client, HTTP_POST_, buf_data(&target), "Content-Type: application/zip\r\n",
                                   zip, len, &answer);
        if (!r && answer.status >= 300)
                r = client_complain(client, &answer);
        if (!r)
                body = json_loadb(buf_data(&answer.body), answer.body.len, 0, NULL);
        if (!r && options->client.json)
                print_json(body);
        else if (!r)
                printf("imported %s (%zu bytes)\n", arn, len);
        json_decref(body);
        answer_release(&answer);
        return r;
}

static int import_layer(const struct layer_options *options, struct client *client, const char *arn,
                        const char *path) {
        const void *zip = NULL;
        size_t len = 0;
        int r = map_file(path, &zip, &len);

        if (r)
                return r;
        r = send_layer(options, client, arn, zip, len);
        munmap((void *)zip, len);
        return r;
}

/* AWS's own have no version, so DeleteLayerVersion cannot name them. */
static char *removal_target(const char *arn, const char *number) {
        AUTO(str) char *layer = xstrndup(arn, (size_t)(number - arn));
        AUTO(str) char *escaped = url_escape(strstr(arn, ":::awslayer:") ? arn : layer), *version = NULL;

        if (strstr(arn, ":::awslayer:"))
                return xstrcat("/_lambent/layers?arn=", escaped, NULL);
        version = url_escape(number + 1);
        return xasprintf("/2018-10-31/layers/%s/versions/%s", escaped, version);
}

static int remove_layer(struct client *client, const char *arn) {
        const char *number = strrchr(arn, ':');
        AUTO(str) char *target = NULL;
        json_t *ignored;
        int r;

        if (!number || strncmp(arn, "arn:", 4) != 0)
                return complain("\"%s\" is not of the form arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION",
                                arn);
        target = removal_target(arn, number);
        r = client_get(client, HTTP_DELETE_, target, NULL, &ignored);
        json_decref(ignored);
        return r;
}

static int run_layer(void *values, const struct strings *operands) {
        const struct layer_options *options = values;
        const bool imports = streq(operands->items[0], "import");
        struct client client;
        int r = 0;

        if (imports ? operands->count != 3 : !streq(operands->items[0], "rm") || operands->count < 2) {
                complain("usage: lambent layer import ARN FILE.zip, or lambent layer rm ARN...");
                return 2;
        }
        if (client_open(&client, &options->client))
                return 2;
        if (imports)
                r = import_layer(options, &client, operands->items[1], operands->items[2]);
        for (size_t i = 1; i < operands->count && !imports; i++)
                if (remove_layer(&client, operands->items[i]))
                        r = 1;
        client_close(&client);
        return r;
}

static const struct option layer_table[] = {
        { "runtimes", 0, NULL, OPTION_LIST, "RUNTIME", NULL, "what it says it is compatible with",
          OPTION_AT(struct layer_options, runtimes) },
        { "architectures", 0, NULL, OPTION_LIST, "ARCHITECTURE", NULL, "the same of architectures",
          OPTION_AT(struct layer_options, architectures) },
        { "description", 0, NULL, OPTION_TEXT, "TEXT", NULL, "its description",
          OPTION_AT(struct layer_options, description) },
        { "license", 0, NULL, OPTION_TEXT, "TEXT", NULL, "its license",
          OPTION_AT(struct layer_options, license) },
        CLIENT_OPTIONS(struct layer_options),
        {},
};

const struct command layer_command = {
        .name = "layer",
        .operands = "import|rm ARN [FILE.zip]",
        .summary = "copy a layer version of another account here, or delete layer versions",
        .details =
                "\"import ARN FILE.zip\" makes the zip what functions find under that ARN, and replaces what was there. "
                "\"aws lambda get-layer-version-by-arn --arn ARN --query Content.Location\" says where AWS has it. "
                "\"rm ARN...\" deletes versions; functions that have one keep it.",
        .options = layer_table,
        .values_size = sizeof(struct layer_options),
        .operands_least = 2,
        .operands_most = 1000,
        .run = run_layer,
};
