/* Ids of records that are known before the record is read; all others come out of a command (vault/ids.h). */
#ifndef CLUSTERHSM_PROTO_RECORD_ID_H
#define CLUSTERHSM_PROTO_RECORD_ID_H

enum { CLUSTER_RECORD_ID = 1 }; /* of the RECORD_CLUSTER, which there is one of */

#endif
