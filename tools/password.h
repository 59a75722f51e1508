/* A password from where it may come: a file that is its owner's alone, an open descriptor, or a terminal with its echo off. Never from
 * the command line or the environment, which other programs can see. */
#ifndef CLUSTERHSM_TOOLS_PASSWORD_H
#define CLUSTERHSM_TOOLS_PASSWORD_H

#include <stdbool.h>

#include "common/diag.h"
#include "common/secret.h"

struct password_source {
    const char *file;   /* NULL: not given */
    const char *fd;     /* decimal, NULL: not given */
    const char *prompt; /* what the terminal is asked: "password of admin" */
    const char *option; /* for the remedy: "--password-file" */
    const char *fd_option; /* the same of a descriptor; NULL: the program has none */
    bool is_new;        /* a terminal is asked twice */
};

/* The first line, without its end: 1 to PASSWORD_BYTES_MAX bytes, no NUL. The caller clears *out. False and a reason: nothing is held;
 * why->where is empty unless a file is at fault. */
bool password_read(const struct password_source *from, struct secret *out, struct diag *why);

#endif
