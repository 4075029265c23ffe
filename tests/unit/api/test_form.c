/* SPDX-License-Identifier: Apache-2.0 */
/* The two formats of the Query protocol: forms in, XML out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/model.h"
#include "api/neighbours/form.h"
#include "api/neighbours/neighbour.h"
#include "api/xml.h"

#define UNKNOWN "\xef\xbf\xbd"

static char *members_of(const char *operation, const char *text) {
        const struct model_operation *o = model_find(iam_operations, iam_operation_count, operation);
        AUTO(form) struct form form = {};
        AUTO(json_tree) json_t *members = NULL;

        if (form_read(&form, text, strlen(text)))
                return xstrdup("unreadable");
        members = form_members(&form, o->members, o->member_count);
        return members ? json_tree_text(members) : xstrdup("wrong type");
}

static void test_forms(void **state) {
        static const struct {
                const char *operation, *form, *members;
        } cases[] = {
                { "GetRole", "Action=GetRole&Version=2010-05-08&RoleName=a%20b+c",
                  "{\"RoleName\":\"a b c\"}" },
                { "GetRole", "", "{}" },
                { "GetRole", "&&RoleName=&x=y", "{\"RoleName\":\"\"}" },
                { "ListRoles", "MaxItems=7", "{\"MaxItems\":7}" },
                { "ListRoles", "MaxItems=7x", "wrong type" },
                { "ListRoles", "MaxItems=", "wrong type" },
                { "ListPolicies", "OnlyAttached=true", "{\"OnlyAttached\":true}" },
                { "ListPolicies", "OnlyAttached=yes", "wrong type" },
                { "UntagRole", "RoleName=r&TagKeys.member.1=a&TagKeys.member.2=b&TagKeys.member.4=d",
                  "{\"RoleName\":\"r\",\"TagKeys\":[\"a\",\"b\"]}" },
                { "UntagRole", "TagKeys=", "{\"TagKeys\":[]}" },
                { "TagRole", "Tags.member.1.Value=v&Tags.member.1.Key=k&Tags.member.2.Key=l",
                  "{\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"},{\"Key\":\"l\"}]}" },
                { "GetRole", "RoleName=%zz", "unreadable" },
                { "GetRole", "RoleName=%ff", "unreadable" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AUTO(str) char *got = members_of(cases[i].operation, cases[i].form);

                assert_string_equal(got, cases[i].members);
        }
}

static void test_every_form_has_a_cap(void **state) {
        AUTO(buf) struct buf many = BUF_NULL(MIB), large = BUF_NULL(MIB);
        AUTO(form) struct form form = {}, other = {};

        for (unsigned i = 0; i < 3000; i++)
                buf_printf(&many, "n%u=&", i);
        assert_int_equal(form_read(&form, buf_data(&many), many.len), -E2BIG);
        buf_append_str(&large, "a=");
        for (unsigned i = 0; i < 600 * KIB; i++)
                buf_append(&large, "x", 1);
        assert_int_equal(form_read(&other, buf_data(&large), large.len), -E2BIG);
}

static void test_xml(void **state) {
        AUTO(json_tree)
        json_t *tree = json_pack("{s:s, s:[s, {s:i}], s:b, s:n, s:[]}", "Text", "a<b>&\"\r\n\x01\xc3\xbc",
                                 "List", "x", "Number", -5, "Flag", 1, "Nothing", "Empty");
        AUTO(buf) struct buf text = BUF_NULL(KIB), small = BUF_NULL(10);
        struct xml_writer w = XML_WRITER(&text), overflowing = XML_WRITER(&small);

        xml_open(&w, "Outer", "urn:x&y");
        xml_tree(&w, "Result", tree);
        xml_close(&w, "Outer");
        assert_int_equal(xml_writer_end(&w), 0);
        buf_append(&text, "", 1);
        assert_string_equal(
                buf_data(&text),
                "<Outer xmlns=\"urn:x&amp;y\"><Result><Text>a&lt;b&gt;&amp;&quot;&#xD;\n\xef\xbf\xbd\xc3\xbc</Text>"
                "<List><member>x</member><member><Number>-5</Number></member></List><Flag>true</Flag>"
                "<Empty></Empty></Result></Outer>");
        buf_clear(&text);
        xml_text(&w, "X",
                 "\xff"
                 "a\xc3"
                 "b\xed\xa0\x80");
        assert_int_equal(xml_writer_end(&w), 0);
        buf_append(&text, "", 1);
        assert_string_equal(buf_data(&text), "<X>" UNKNOWN "a" UNKNOWN "b" UNKNOWN UNKNOWN UNKNOWN "</X>");
        xml_tree(&overflowing, "Result", tree);
        assert_int_equal(xml_writer_end(&overflowing), -E2BIG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_forms),
                cmocka_unit_test(test_every_form_has_a_cap),
                cmocka_unit_test(test_xml),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
