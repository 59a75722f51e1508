/*
 * A small file that is replaced as a whole: after a crash there is the old one or the new one, and once a call has
 * succeeded, the new one. False: an error, with errno; the old file is still there, or the new one without certainty that it
 * stays.
 */
#ifndef CLUSTERHSM_DAEMON_DURABLE_FILE_H
#define CLUSTERHSM_DAEMON_DURABLE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes folder/name.new, and renames it. Links are not followed. Blocks. */
bool durable_file_replace(const char *folder, const char *name, const void *bytes, size_t n);

/* What was made, renamed and removed in this folder stays so. */
bool durable_folder(const char *folder);

#endif
