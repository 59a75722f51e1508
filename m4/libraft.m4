# CLUSTERHSM_LIBRAFT
#
# Finds libraft 0.22.1, and no other: the guards of daemon/replica/guard.def were found by experiment with exactly this
# version, and the next one changes who frees what under the same signatures. Sets RAFT_CFLAGS and RAFT_LIBS. Linked
# statically, so that no other libraft can slip under the program later.
#
# Looked for in --with-libraft=DIR, then where tools/deps puts it on bookworm, then pkg-config (trixie's libraft-dev).
AC_DEFUN([CLUSTERHSM_LIBRAFT], [
  AC_ARG_WITH([libraft],
    [AS_HELP_STRING([--with-libraft=DIR], [libraft 0.22.1 below DIR, as tools/deps builds it])],
    [libraft_dir=$withval], [libraft_dir=/usr/local/lib/clusterhsm-deps])
  AS_IF([test -f "$libraft_dir/include/raft.h"],
    [RAFT_CFLAGS="-isystem $libraft_dir/include"
     RAFT_LIBS="$libraft_dir/lib/libraft.a"],
    [AS_IF([test "x$with_libraft" != x], [AC_MSG_ERROR([no include/raft.h below $libraft_dir])])
     PKG_CHECK_EXISTS([raft >= 0.22.1 raft < 0.23],
       [PKG_CHECK_VAR([libraft_libdir], [raft], [libdir])
        RAFT_CFLAGS=`$PKG_CONFIG --cflags raft`
        RAFT_LIBS="$libraft_libdir/libraft.a"],
       [AC_MSG_ERROR([libraft 0.22.1 is missing: run tools/deps])])])

  libraft_cppflags=$CPPFLAGS
  libraft_libs=$LIBS
  libraft_ldflags=$LDFLAGS
  # A libraft with sanitizers (tools/deps --sanitize) links only with theirs.
  AS_IF([test "x$enable_sanitize" != xno], [LDFLAGS="$LDFLAGS -fsanitize=$enable_sanitize"])
  CPPFLAGS="$CPPFLAGS $RAFT_CFLAGS"
  LIBS="$RAFT_LIBS $LIBS"
  AC_MSG_CHECKING([that libraft is 0.22.1])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
      #include <raft.h>
      #if RAFT_VERSION_NUMBER != 2201
      #error another version
      #endif]], [])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([raft.h is not the one of libraft 0.22.1: remove other versions or run tools/deps])])
  AC_MSG_CHECKING([for raft_step in $RAFT_LIBS])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[
      #include <raft.h>]], [[
      struct raft r;
      struct raft_event event;
      struct raft_update update;
      raft_init(&r, (void *)0, (void *)0, 1, "a");
      return raft_step(&r, &event, &update);]])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([libraft has no raft_step: remove other versions or run tools/deps])])
  CPPFLAGS=$libraft_cppflags
  LIBS=$libraft_libs
  LDFLAGS=$libraft_ldflags
  AC_SUBST([RAFT_CFLAGS])
  AC_SUBST([RAFT_LIBS])
])
