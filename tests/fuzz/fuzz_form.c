/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of the Query protocol, by every operation of IAM; what was read can be written as XML. */
#include "api/neighbours/form.h"
#include "api/neighbours/neighbour.h"
#include "api/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        AUTO(buf) struct buf text = BUF_NULL(16 * MIB);
        AUTO(form) struct form form = {};
        struct xml_writer w = XML_WRITER(&text);

        if (form_read(&form, (const char *)data, size))
                return 0;
        for (size_t i = 0; i < iam_operation_count; i++) {
                const struct model_operation *o = &iam_operations[i];
                AUTO(json_tree) json_t *members = form_members(&form, o->members, o->member_count);

                buf_clear(&text);
                xml_tree(&w, "Result", members);
                must(xml_writer_end(&w) == 0);
                for (size_t at = 0; at < text.len; at++)
                        must((unsigned char)buf_data(&text)[at] >= ' ' ||
                             strchr("\t\n", buf_data(&text)[at]));
        }
        return 0;
}
