/*
 * All bytes or none: blocking descriptors, over short transfers and interrupted calls. False: an error, with errno, or the
 * other end is gone; an unknown part has gone through then.
 */
#ifndef CLUSTERHSM_COMMON_WHOLE_H
#define CLUSTERHSM_COMMON_WHOLE_H

#include <stdbool.h>
#include <stddef.h>

bool whole_write(int fd, const void *bytes, size_t n);

/* Of a socket; no SIGPIPE. A time limit of the socket (SO_SNDTIMEO, SO_RCVTIMEO) holds for each piece. */
bool whole_send(int fd, const void *bytes, size_t n);
bool whole_receive(int fd, void *bytes, size_t n);

#endif
