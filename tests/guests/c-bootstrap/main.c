/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

/* "sleep-ms:20" is the mode sleep-ms with the argument 20. */
static const struct mode *find_mode(const char *word, const char **ret_arg) {
        static const struct mode *const families[] = { answer_modes, probe_modes, fate_modes };
        size_t len = strcspn(word, ":");

        *ret_arg = word[len] ? word + len + 1 : "";
        for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
                for (const struct mode *mode = families[i]; mode->name; mode++)
                        if (strlen(mode->name) == len && !memcmp(mode->name, word, len))
                                return mode;
        return NULL;
}

/* Mode by-event: the event is a JSON string, and its text is the word. */
static const struct mode *mode_by_event(struct guest *guest) {
        static char word[4096];
        const char *body = guest->event.body;
        size_t len = guest->event.body_len;

        if (len < 2 || body[0] != '"' || body[len - 1] != '"' || len - 2 >= sizeof(word))
                return NULL;
        memcpy(word, body + 1, len - 2);
        word[len - 2] = '\0';
        return find_mode(word, &guest->arg);
}

static void serve_one(struct guest *guest, const struct mode *mode) {
        api_next(&guest->api, &guest->event);
        if (!reply_header(&guest->event, "Lambda-Runtime-Aws-Request-Id", guest->id, sizeof(guest->id)))
                die("an event without a request id");
        guest->count++;
        text_clear(&guest->text);
        if (!mode)
                mode = mode_by_event(guest);
        if (mode) {
                mode->run(guest);
        } else {
                text_str(&guest->text, "\"unknown mode\"");
                guest_answer_text(guest);
        }
}

/* What happens before the first next. */
static void initialise(struct guest *guest, const char *word) {
        static const char report[] =
                "{\"errorMessage\":\"the guest cannot start\",\"errorType\":\"Runtime.GuestInit\","
                "\"stackTrace\":[]}";
        struct reply reply;

        if (!strncmp(word, "init-", 5) && strcmp(word, "init-error") && !fate_befall(word + 5))
                die("unknown init mode");
        api_init(&guest->api);
        if (!strcmp(word, "init-error")) {
                api_post(&guest->api, "init/error",
                         "Lambda-Runtime-Function-Error-Type: Runtime.GuestInit\r\n", report,
                         sizeof(report) - 1, &reply);
                _exit(1);
        }
        if (!strcmp(word, "never-poll")) {
                api_connect(&guest->api);
                fate_befall("hang");
        }
        if (!strncmp(word, "fixed:", 6)) {
                guest->fixed_len = strtoul(word + 6, NULL, 10);
                guest->fixed = filler_new(guest->fixed_len);
        }
}

int main(void) {
        static struct guest guest;
        const char *word = getenv("_HANDLER");
        const struct mode *mode;

        if (!word || !*word)
                word = "echo";
        initialise(&guest, word);
        if (!strncmp(word, "init-", 5))
                word = "echo";
        mode = find_mode(word, &guest.arg);
        if (!mode && strcmp(word, "by-event"))
                die("unknown mode in _HANDLER");
        for (;;)
                serve_one(&guest, mode);
}
