/* What ThreadSanitizer gets wrong in a child: it takes the gate's door, which is made anew there, for the one that was locked before the
 * fork, and threads that the child does not have for threads that nobody joined. Programs that fork on purpose are linked with this; the
 * order of locks is looked at in all others. */
const char *__tsan_default_options(void) __attribute__((visibility("default")));
const char *__tsan_default_suppressions(void) __attribute__((visibility("default")));

const char *__tsan_default_options(void)
{
    return "detect_deadlocks=0";
}

const char *__tsan_default_suppressions(void)
{
    return "mutex:gate_enter\n"
           "thread:test_a_fork_waits_for_a_thread_that_is_slow_in_the_gate\n";
}
