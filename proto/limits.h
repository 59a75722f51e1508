/* Every bound of the system, in one place. Bytes unless the name says otherwise. */
#ifndef CLUSTERHSM_PROTO_LIMITS_H
#define CLUSTERHSM_PROTO_LIMITS_H

/* Frames (proto/frame.h). */
#define FRAME_BYTES_MAX (256u * 1024u)        /* whole frame after its length word, between client and node */
#define VAULT_FRAME_BYTES_MAX (8u * 1024u * 1024u) /* front and its vault: NEED_IDS_MAX records of OBJECT_BYTES_MAX each, a batch */
#define FRAME_HEADER_BYTES_MAX 4096u          /* the open header */
#define PEER_FRAME_BYTES_MAX (4u * 1024u * 1024u) /* node to node: raft messages with one entry of two batches' size at most */

/* What one request may carry. */
#define TEMPLATE_ATTRIBUTES_MAX 256u
#define ATTRIBUTE_BYTES_MAX (32u * 1024u)     /* one attribute's value (certificates are the large ones) */
#define OBJECT_BYTES_MAX (64u * 1024u)        /* all attributes of an object */
#define ALLOWED_MECHANISMS_MAX 64u            /* of a key's CKA_ALLOWED_MECHANISMS */
#define ID_BYTES_MAX 255u                     /* CKA_ID */
#define LABEL_BYTES_MAX 255u                  /* CKA_LABEL */
#define VALIDATION_TEXT_BYTES_MAX 255u        /* a text of a validation object ... */
#define URI_BYTES_MAX 1024u                   /* ... and where to read on */
#define SIGN_DATA_BYTES_MAX (64u * 1024u)     /* data that goes to the vault whole: HMAC, raw RSA */
#define REQUEST_MEMORY_BYTES_MAX (512u * 1024u) /* what one unpacked request takes in the vault */
#define CIPHER_BYTES_MAX (64u * 1024u)        /* data of one request to encrypt or decrypt; of all data where it cannot be cut */
#define CIPHER_LONGER_BYTES_MAX 64u           /* ... and a ciphertext may be longer by a tag, a vector, a block of padding */
#define OTP_COUNTER_BYTES 8u                  /* RFC 4226 section 5.1 */
#define OTP_DIGITS_MIN 6u                     /* RFC 4226 section 5.3 */
#define OTP_DIGITS_MAX 8u
#define OTP_KEY_BYTES 20u                     /* of a new key whose length nobody says: RFC 4226 section 4, R6 */
#define OTP_WINDOW 5u                         /* counters that a password may be of, from the key's own on: RFC 4226 section 7.4 */
#define GCM_IV_BYTES_MAX 128u                 /* OpenSSL's limit */
#define PARAMETER_BYTES_MAX (16u * 1024u)       /* one byte string of a mechanism's parameter */
#define DERIVE_PARAMETER_BYTES_MAX (2u * PARAMETER_BYTES_MAX + 1024u) /* a derivation's whole parameter, which some take 255 times */
#define KBKDF_FIELDS_MAX 32u                  /* what the PRF of SP 800-108 is given */
#define DERIVED_KEYS_MAX 16u                  /* of one derivation */
#define DERIVE_OTHERS_MAX 6u                  /* keys beside the base key: with it, they fit into a header */
#define HEADER_IDS_MAX 8u                     /* records named in an open header */
#define VALIDATIONS_MAX 16u                   /* validation objects in a cluster: everybody's search meets them */
#define FIND_IDS_MAX 64u                      /* objects in one reply to a search */

/* Vault work. */
#define NEED_ROUNDS_MAX 4u                    /* rounds in which one request may ask for more records */
#define NEED_IDS_MAX 64u
#define CONFLICT_RETRIES_MAX 3u               /* compare-and-set misses before "busy" */
#define ONE_TIME_MISSES_MAX 64u               /* ... of a one-time password, whose key's other users count on meanwhile */
#define VAULT_PENDING_MAX 1024u               /* requests that wait for facts or an outcome, a vault thread */
#define LENGTHY_PENDING_MAX 64u               /* of these, one user's that take seconds each and run one at a time */
#define VAULT_CHANNELS_MAX 16384u             /* channels of one vault thread */
#define VAULT_WORKERS_MAX 32u                 /* threads for dear work */
#define KEY_CACHE_KEYS_MAX 4096u              /* loaded keys of a vault */
#define CHANNEL_WINDOW 4096u                  /* counters that may overtake each other */

/* Trust. */
#define CERTIFICATE_BYTES_MAX 8192u           /* a certificate of nodes, clusters and authorities, DER */

/* Users (CloudHSM's forms: names of letters, digits and underscore). */
#define USER_NAME_BYTES_MAX 31u
#define PASSWORD_BYTES_MIN 7u
#define PASSWORD_BYTES_MAX 256u
#define LOGIN_TRIES_MAX 5u                    /* wrong passwords of one user from one client certificate */
#define LOGIN_TRIES_USER_MAX 20u              /* wrong passwords of one user from anywhere */
#define LOGIN_RESERVATION_MS 30000u           /* an attempt that was never settled counts as wrong after this */
#define LOGIN_SLOW_MS 5000u                   /* the last admin, beyond the limits: from one wrong password of a client to its next try */
#define LOGIN_MISSES_MAX 200u                 /* times that a reserved login loses its counter to another and goes on */
#define LOGIN_CLIENTS_MAX 64u                 /* client certificates that one user's counter tells apart */
#define UNKNOWN_NAME_BUCKETS 256u             /* counters that names which do not exist share */
#define GUESSES_MAX 40u                       /* wrong passwords of one user that a vault hears at once, whatever its front says */
#define GUESS_MS 2000u                        /* ... and one more each so often */
#define USERS_MAX 1024u
#define WIPE_OBJECTS_MAX 48u                  /* objects that one request to wipe destroys ... */
#define WIPE_USERS_MAX 4u                     /* ... and users whose objects it looks for, or who go with it */
#define WIPE_MISSES_MAX 64u                   /* times that it loses a record to another change and goes on */
#define USER_PAGE_MAX 32u                     /* users in one reply to user_list */

/* Replication. */
#define RING_MUTATIONS 65536u                 /* request ids that are remembered */
#define ID_BLOCK 4096u                        /* object ids leased to a vault at once */
#define OBJECT_ID_LIMIT (UINT64_C(1) << 48)   /* token objects' ids, and so their handles, stay below */
#define NODES_MAX 9u
#define JOIN_ADDRESSES_MAX 16u                /* members that a joiner is told of */
#define PEER_CONNECTIONS_MAX 64u              /* accepted on the peer port */
#define PEER_QUEUE_BYTES_MAX (8u * 1024u * 1024u) /* waits for one peer; beyond it messages are lost, as on a wire */
#define FORWARDS_MAX 4096u                    /* commands on their way to the leader */
#define SNAPSHOT_CHUNK_BYTES (256u * 1024u)

/* Connections and time. */
#define FRONT_THREADS_MAX 16u                 /* of a node, each with a vault thread */
#define CLIENT_CONNECTIONS_MAX 16384u
#define CONNECTION_PENDING_MAX 256u           /* requests of one connection in work at once; more wait in TCP */
#define CONNECTION_OUT_BYTES_MAX (1024u * 1024u)
#define HANDSHAKE_MS_MAX 10000u               /* TLS handshake and the first message */
#define RETRIES_MAX 8u                        /* tries of one request in the module */

/* The module, in one process. */
#define SESSIONS_MAX 16384u
#define SESSION_OBJECTS_MAX 65536u            /* they live in the module's memory */
#define OBJECTS_CACHED_MAX 16384u             /* token objects whose attributes it keeps */
#define OBJECT_FRESH_MS 1000u                 /* an attribute that can change is shown so long without asking again */
#define SAVED_STATES_MAX 64u                  /* of C_GetOperationState */

/* Digests with keys in them. */
#define DIGEST_KEYS_MAX (HEADER_IDS_MAX - 1u) /* that only the vault may see */
#define DIGEST_KEY_BYTES_MIN 14u              /* 112 bits: a shorter one could be guessed from its digest */

/* Keys. */
#define RSA_BITS_MIN 1024u                    /* under any policy (proto/policy.h): the modern one wants 2048 */
#define RSA_BITS_MAX 8192u
#define FIELD_BITS_MIN 1024u                  /* of the prime of a DH or DSA key, under any policy */
#define FIELD_BITS_MAX 8192u
#define EDDSA_CONTEXT_BYTES_MAX 255u          /* RFC 8032 section 5.1 */
#define RSA_BITS_DEAR 3072u                   /* from here on a signature is left to the worker pool */
#define PQ_CONTEXT_BYTES_MAX 255u             /* context of a post-quantum signature (FIPS 204 section 5.2) */
#define PBKDF2_ITERATIONS_MAX 10000000u       /* of all blocks of a key: some seconds */
#define SECRET_BYTES_MAX 4096u                /* generic secret and HMAC keys */

#endif
