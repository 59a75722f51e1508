/* The real program hsm-vault, started as hsmd starts it, with the test in the place of its front. */
#ifndef CLUSTERHSM_TESTS_UNIT_VAULT_PROCESS_H
#define CLUSTERHSM_TESTS_UNIT_VAULT_PROCESS_H

#include <sys/types.h>

#include "proto/vault.pb-c.h"

struct vault_process {
    pid_t pid;
    char *folder;     /* the log stands in it */
    int check;        /* the front's ends */
    int requests[2];
    int signers[2];
    int threads;
};

/* threads: 1 or 2. seal_fd: becomes its descriptor 3; -1: closed there. arguments after --name end with NULL. Ends the test on failure, as
 * all of these do. */
void vault_process_start(struct vault_process *p, int threads, int seal_fd, const char *const *arguments);

/* Waits for its end; the status as of waitpid. Closes what is open and removes the folder. */
int vault_process_end(struct vault_process *p);

/* An open file with this seal, 32 times one byte, mode 0600, unlinked. */
int vault_process_seal(char byte);

/* Writes a call; the next answer, the caller's. NULL: the pair was closed. */
void vault_process_send(int fd, const ProtobufCMessage *message);
Hsm__VaultAnswer *vault_process_receive(int fd);
Hsm__VaultAnswer *vault_process_call(int fd, Hsm__VaultCall *call);
Hsm__SignAnswer *vault_process_sign(int fd, uint32_t key, const uint8_t *content, size_t n);

/* A node call that ends in one answer; the caller frees it. */
Hsm__VaultAnswer *vault_process_node(int fd, Hsm__NodeCall *node);

/* What it has logged; the caller frees it. */
char *vault_process_log(const struct vault_process *p);

/* The value of a line of /proc/PID/status, -1: none. */
long vault_process_status(pid_t pid, const char *name);

#endif
