/* Any bytes as a configuration: either a diagnosis with a remedy or a struct that can be freed. */
#include <stdbool.h>
#include <stdlib.h>

#include "tests/fuzz/replay.h"
#include "tests/unit/sample_settings.h"

static bool taken;

const char *fuzz_unreached(void)
{
    return taken ? NULL : "settings that are taken";
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct sample got;
    struct diag why = {0};
    if (settings_parse(sample_table, SAMPLE_ROWS, &got, "fuzz.yaml", bytes, n, &why)) {
        if (!got.name || why.what[0])
            abort();
        taken = true;
        settings_clear(sample_table, SAMPLE_ROWS, &got);
    } else if (!why.what[0]) {
        abort();
    }
    return 0;
}
