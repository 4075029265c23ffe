/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "function/function.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void full(struct version_config *c) {
        *c = (struct version_config){
                .runtime = xstrdup("python3.12"),
                .handler = xstrdup("a.b"),
                .role = xstrdup("arn"),
                .description = xstrdup("\"quoted\" \xc3\xa9\n"),
                .timeout_s = 900,
                .memory_mb = 10240,
                .tmp_mb = 513,
                .has_vars = true,
                .vars = xcalloc(2, sizeof(struct name_value)),
                .var_count = 2,
                .architecture = xstrdup("arm64"),
                .package_type = xstrdup("Zip"),
                .tracing_mode = xstrdup("Active"),
                .snap_start_apply_on = xstrdup("None"),
                .log_format = xstrdup("JSON"),
                .log_group = xstrdup("g"),
                .log_level = xstrdup("INFO"),
                .system_log_level = xstrdup("WARN"),
                .kms_key_arn = xstrdup("k"),
                .vpc_json = xstrdup("{\"VpcId\":\"\"}"),
                .dead_letter_json = xstrdup("{\"TargetArn\":\"t\"}"),
                .file_systems_json = xstrdup("[{\"Arn\":\"a\"}]"),
                .kind_json = xstrdup("{\"TenancyConfig\":{\"TenantIsolationMode\":\"PER_TENANT\"}}"),
                .per_tenant = true,
                .code_sha256 = DIGEST,
                .code_size = 52428800,
                .code_unzipped = 262144000,
                .s3_object_json = xstrdup("{\"S3Bucket\":\"b\",\"S3Key\":\"k\",\"S3ObjectVersion\":\"v\"}"),
        };
        c->vars[0] = (struct name_value){ xstrdup("Z"), xstrdup("last comes first") };
        c->vars[1] = (struct name_value){ xstrdup("A"), xstrdup("") };
        version_config_set_layers(
                c,
                &(struct layer_ref){ .arn = xstrdup("l"), .code_size = 7, .unzipped = 8, .sha256 = DIGEST },
                1);
}

static void write_config(const struct version_config *c, struct buf *text) {
        assert_int_equal(version_config_write(c, text), 0);
}

static void image(struct version_config *c) {
        *c = (struct version_config){
                .role = xstrdup("arn"),
                .description = xstrdup(""),
                .timeout_s = 3,
                .memory_mb = 128,
                .tmp_mb = 512,
                .architecture = xstrdup("x86_64"),
                .package_type = xstrdup("Image"),
                .tracing_mode = xstrdup("PassThrough"),
                .snap_start_apply_on = xstrdup("None"),
                .log_format = xstrdup("Text"),
                .image_uri = xstrdup("localhost:5000/app:v1"),
                .working_directory = xstrdup("/app"),
                .code_sha256 = DIGEST,
        };
        text_list_set(&c->entry_point, (const char *const[]){ "sh" }, 1);
        text_list_set(&c->command, (const char *const[]){ "-c", "", "\xc3\xa9 \"x\"" }, 3);
}

static void assert_list(const struct text_list *is, const struct text_list *shall) {
        assert_int_equal(is->count, shall->count);
        for (size_t i = 0; i < shall->count; i++)
                assert_string_equal(is->items[i], shall->items[i]);
}

static void images_and_how_to_run_them(void **state) {
        AUTO(version_config) struct version_config c = {}, copy = {}, back = {};
        AUTO(buf) struct buf first = BUF_NULL(MIB), second = BUF_NULL(MIB);

        image(&c);
        version_config_copy(&c, &copy);
        write_config(&copy, &first);
        assert_int_equal(version_config_read(buf_data(&first), first.len, &back), 0);
        assert_true(version_config_is_image(&back));
        assert_string_equal(back.image_uri, c.image_uri);
        assert_string_equal(back.working_directory, c.working_directory);
        assert_list(&back.entry_point, &c.entry_point);
        assert_list(&back.command, &c.command);
        assert_null(back.runtime);
        write_config(&back, &second);
        assert_int_equal(first.len, second.len);
        assert_memory_equal(buf_data(&first), buf_data(&second), first.len);
}

/* The image's own entry point is another configuration than an empty one would be: nothing is written for it. */
static void an_image_as_it_is(void **state) {
        AUTO(version_config) struct version_config c = {}, back = {};
        AUTO(buf) struct buf text = BUF_NULL(MIB);

        image(&c);
        text_list_set(&c.entry_point, NULL, 0);
        text_list_set(&c.command, NULL, 0);
        free(TAKE(c.working_directory));
        write_config(&c, &text);
        assert_int_equal(version_config_read(buf_data(&text), text.len, &back), 0);
        assert_int_equal(back.entry_point.count, 0);
        assert_int_equal(back.command.count, 0);
        assert_null(back.working_directory);
}

static void a_document_says_everything(void **state) {
        AUTO(version_config) struct version_config c = {}, copy = {}, back = {};
        AUTO(buf) struct buf first = BUF_NULL(MIB), second = BUF_NULL(MIB), third = BUF_NULL(MIB);

        full(&c);
        write_config(&c, &first);
        assert_int_equal(version_config_read(buf_data(&first), first.len, &back), 0);
        assert_string_equal(back.vars[0].name, "Z");
        assert_string_equal(back.description, c.description);
        assert_int_equal(back.layers[0].unzipped, 8);
        assert_string_equal(back.file_systems_json, c.file_systems_json);
        assert_string_equal(back.s3_object_json, c.s3_object_json);
        write_config(&back, &second);
        version_config_copy(&back, &copy);
        write_config(&copy, &third);
        assert_int_equal(first.len, second.len);
        assert_memory_equal(buf_data(&first), buf_data(&second), first.len);
        assert_int_equal(first.len, third.len);
        assert_memory_equal(buf_data(&first), buf_data(&third), first.len);
}

/* What was packed says the same, a copy of it may be changed, and neither needs what it was made of. */
static void packed_it_says_everything(void **state) {
        static void (*const made[])(struct version_config * c) = { full, image };

        for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
                AUTO(version_config) struct version_config c = {}, packed = {}, copy = {};
                AUTO(buf) struct buf first = BUF_NULL(MIB), second = BUF_NULL(MIB), third = BUF_NULL(MIB);

                made[i](&c);
                write_config(&c, &first);
                version_config_pack(&c, &packed);
                assert_null(c.role);
                write_config(&packed, &second);
                version_config_copy(&packed, &copy);
                version_config_clear(&packed);
                write_config(&copy, &third);
                assert_int_equal(first.len, second.len);
                assert_memory_equal(buf_data(&first), buf_data(&second), first.len);
                assert_int_equal(first.len, third.len);
                assert_memory_equal(buf_data(&first), buf_data(&third), first.len);
                version_config_set_layers(&copy, NULL, 0);
                text_list_set(&copy.command, (const char *const[]){ "other" }, 1);
                assert_string_equal(copy.command.items[0], "other");
        }
}

/* Of a configuration that says nothing, too. */
static void nothing_can_be_packed(void **state) {
        AUTO(version_config) struct version_config c = { .code_sha256 = DIGEST }, packed = {}, copy = {};

        version_config_pack(&c, &packed);
        version_config_copy(&packed, &copy);
        assert_null(copy.role);
        assert_string_equal(copy.code_sha256, DIGEST);
}

static void no_variables_and_none_given_differ(void **state) {
        AUTO(version_config) struct version_config c = { .code_sha256 = DIGEST }, back = {};
        AUTO(buf) struct buf text = BUF_NULL(MIB);

        write_config(&c, &text);
        assert_int_equal(version_config_read(buf_data(&text), text.len, &back), 0);
        assert_false(back.has_vars);
        version_config_clear(&back);
        buf_clear(&text);
        c.has_vars = true;
        write_config(&c, &text);
        assert_int_equal(version_config_read(buf_data(&text), text.len, &back), 0);
        assert_true(back.has_vars);
        assert_int_equal(back.var_count, 0);
        assert_null(back.kms_key_arn);
        assert_null(back.s3_object_json);
}

static void a_broken_document_is_refused(void **state) {
        AUTO(version_config) struct version_config c = {};
        AUTO(buf) struct buf text = BUF_NULL(MIB);
        static const char *const broken[] = { "",
                                              "{}",
                                              "[]",
                                              "{\"code_sha256\":\"short\"}",
                                              "{\"code_sha256\":\"" DIGEST "\",\"vars\":[\"A\",1]}",
                                              "{\"code_sha256\":\"" DIGEST "\",\"layers\":[{}]}",
                                              "{\"code_sha256\":\"" DIGEST "\",\"layers\":[1,2,3,4,5,6]}",
                                              "{\"code_sha256\":\"" DIGEST "\",\"image\":{}}",
                                              "{\"code_sha256\":\"" DIGEST
                                              "\",\"image\":{\"uri\":\"a\",\"command\":[1]}}" };

        for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
                assert_int_equal(version_config_read(broken[i], strlen(broken[i]), &c), -EINVAL);
        full(&c);
        write_config(&c, &text);
        version_config_clear(&c);
        for (size_t len = 0; len < text.len; len++)
                assert_int_equal(version_config_read(buf_data(&text), len, &c), -EINVAL);
}

static void arns_follow_the_region(void **state) {
        static const struct {
                const char *region, *arn;
        } cases[] = {
                { "us-east-1", "arn:aws:lambda:us-east-1:1:function:f" },
                { "cn-north-1", "arn:aws-cn:lambda:cn-north-1:1:function:f" },
                { "us-gov-west-1", "arn:aws-us-gov:lambda:us-gov-west-1:1:function:f" },
                { "us-isob-east-1", "arn:aws-iso-b:lambda:us-isob-east-1:1:function:f" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AUTO(str) char *arn = function_arn(cases[i].region, "1", "f", NULL);
                AUTO(str) char *qualified = function_arn(cases[i].region, "1", "f", "7");

                assert_string_equal(arn, cases[i].arn);
                assert_true(str_starts(qualified, arn));
                assert_string_equal(qualified + strlen(arn), ":7");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_document_says_everything),
                cmocka_unit_test(images_and_how_to_run_them),
                cmocka_unit_test(an_image_as_it_is),
                cmocka_unit_test(packed_it_says_everything),
                cmocka_unit_test(nothing_can_be_packed),
                cmocka_unit_test(no_variables_and_none_given_differ),
                cmocka_unit_test(a_broken_document_is_refused),
                cmocka_unit_test(arns_follow_the_region),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
