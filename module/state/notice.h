/* One line to the system's log, for what must be told before the module's own log is open: why it did not start. */
#ifndef CLUSTERHSM_MODULE_STATE_NOTICE_H
#define CLUSTERHSM_MODULE_STATE_NOTICE_H

/* As severity "error". Not syslog(3), whose state is the host's; never waits; nothing happens where there is no system log. */
void notice(const char *text);

#endif
