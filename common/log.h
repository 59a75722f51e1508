/*
 * The log: one line a record, `time level event key=value ...`, written with a single write().
 *
 *     log_info("node_started", "node=%u term=%llu", node, term);
 *
 * Never a secret: there is on purpose no helper that prints bytes. Control characters in values are shown as \xNN, so a
 * remote name can't forge a line; a line longer than LOG_LINE_BYTES_MAX is cut. Any thread may call.
 * A process starts with the log closed: the module stays silent unless its configuration opens one.
 */
#ifndef CLUSTERHSM_COMMON_LOG_H
#define CLUSTERHSM_COMMON_LOG_H

#include "common/diag.h"

#include <stdbool.h>

enum log_level { LOG_NONE, LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

enum { LOG_LINE_BYTES_MAX = 2048 };

/* Sends the log to standard error, or to a file (appended to, made with mode 0600, refused when it is a link). */
void log_to_stderr(void);
bool log_open(const char *path, struct diag *why);

/* Closes the log and says no more. */
void log_close(void);

/* Records above this level are left out; LOG_INFO at the start. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

/* "none", "error", "warning", "info", "debug". False: no such level, *level untouched. */
bool log_level_from_text(const char *text, enum log_level *level);

void log_at(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_error(event, ...) log_at(LOG_ERROR, event, __VA_ARGS__)
#define log_warning(event, ...) log_at(LOG_WARNING, event, __VA_ARGS__)
#define log_info(event, ...) log_at(LOG_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) log_at(LOG_DEBUG, event, __VA_ARGS__)

#endif
