/*
 * One node's front: what its threads share. Made by front.c before there are threads, and outlives them.
 *
 *   thread 0     peers, Unix socket, life (the node calls), and clients as the others
 *   threads 1... clients
 *   replica's    apply, with the check pair
 *
 * The replica is opened on thread 0 before the other threads are made, as it forks. What is written later is guarded where it lives.
 */
#ifndef CLUSTERHSM_DAEMON_NODE_H
#define CLUSTERHSM_DAEMON_NODE_H

#include <stdbool.h>

#include "common/settings.h"
#include "daemon/net/vkey.h"
#include "daemon/replica/members.h"
#include "daemon/settings.h"

struct life;
struct peers;
struct public_facts;
struct replica;
struct state;

enum { NODE_FOUNDER = 1 }; /* id of the node that creates a cluster */

struct node {
    const struct node_settings *settings;
    bool create;                /* --create: found a new cluster */
    OSSL_LIB_CTX *libctx;       /* ours, with the provider of daemon/net/vkey.h */
    char client_address[MEMBER_ADDRESS_BYTES]; /* host:port, as others reach us */
    char peer_address[MEMBER_ADDRESS_BYTES];
    struct public_facts *facts; /* any thread */
    struct state *state;        /* any thread, for reading */
    struct replica *replica;    /* NULL until the node has a cluster's keys; written by thread 0 while it is alone */
    struct life *life;          /* thread 0 */
    struct peers *peers;        /* NULL: none, in tests */
};

/* "host:port" or "[v6]:port", cut to what fits. */
void address_write(const struct address *a, char *out, size_t room);

#endif
