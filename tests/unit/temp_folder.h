/* A folder for one test: below TMPDIR, gone with all that is in it when freed. */
#ifndef CLUSTERHSM_TESTS_UNIT_TEMP_FOLDER_H
#define CLUSTERHSM_TESTS_UNIT_TEMP_FOLDER_H

/* Its path; ends the test on failure. `name` is for whoever finds it left behind by a test that died. */
char *temp_folder_new(const char *name);
void temp_folder_free(char *path);

/* The same, borrowed: it goes with the process, or when the next test of the process takes one. A forked child leaves it alone. */
const char *temp_folder_of_test(const char *name);

#endif
