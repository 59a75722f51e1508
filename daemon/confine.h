/* What the front needs of the file system once it has started, and nothing else (Landlock). */
#ifndef CLUSTERHSM_DAEMON_CONFINE_H
#define CLUSTERHSM_DAEMON_CONFINE_H

/* From here on the process, its threads and children can open files below `data` and make or remove sockets in the folder of `socket`,
 * and read how names are looked up, and nothing else; what is open stays open. A kernel without Landlock is a line in the log. */
void confine_files(const char *data, const char *socket);

#endif
