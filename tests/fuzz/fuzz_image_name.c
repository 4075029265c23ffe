/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken for a name of an image can be written again, tagged and pinned, and says the same. */
#include "oci/name.h"

#define HEX "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

static bool same(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        AUTO(image_name) struct image_name name = {}, tagged = {}, pinned = {};
        AUTO(str) char *text = xmemdup(data, size);
        AUTO(str) char *with_tag = NULL;
        AUTO(str) char *with_digest = NULL;

        if (image_name_parse(text, &name))
                return 0;
        with_tag = image_name_tagged(&name);
        with_digest = image_name_pinned(&name, HEX);
        must(image_name_parse(with_tag, &tagged) == 0 && image_name_parse(with_digest, &pinned) == 0);
        must(same(tagged.registry, name.registry) && same(pinned.registry, name.registry));
        must(streq(tagged.repository, name.repository) && streq(pinned.repository, name.repository));
        must(same(tagged.tag, name.tag ? name.tag : "latest") && !tagged.sha256);
        must(!pinned.tag && same(pinned.sha256, HEX));
        return 0;
}
