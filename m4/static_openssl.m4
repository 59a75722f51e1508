# CLUSTERHSM_STATIC_LIBS: what the module links of foreign code.
#
# The module lives in other people's processes, which have an OpenSSL of their own, so it carries private copies with
# hidden symbols wherever Debian ships an archive. Sets MODULE_SSL_LIBS, MODULE_YAML_LIBS and MODULE_PROTOBUF_LIBS, and
# module_openssl to "static" or "shared".
AC_DEFUN([CLUSTERHSM_STATIC_LIBS], [
    AC_ARG_ENABLE([static-openssl], [AS_HELP_STRING([--disable-static-openssl],
        [link the module with the shared OpenSSL])], [], [enable_static_openssl=yes])

    # Turns each -lx of a pkg-config answer into -l:libx.a where a shared object with hidden symbols can be linked from it.
    static_libs() {
        for word in $("$PKG_CONFIG" --static --libs "$[]1"); do
            case $word in
            -lpthread | -ldl | -lm | -pthread) printf ' %s' "$word" ;;
            -l*) printf ' -l:lib%s.a' "${word#-l}" ;;
            *) printf ' %s' "$word" ;;
            esac
        done
    }

    # CLUSTERHSM_TRY_STATIC: links a shared object that calls FUNCTION out of the archives.
    try_static() {
        kept_libs=$LIBS kept_cflags=$CFLAGS
        LIBS="-Wl,--exclude-libs,ALL -Wl,-z,defs $[]2 $LIBS"
        CFLAGS="$CFLAGS -fPIC -shared"
        AC_LINK_IFELSE([AC_LANG_SOURCE([[
            extern int CLUSTERHSM_PROBE(void);
            extern int probe(void);
            int probe(void) { return CLUSTERHSM_PROBE(); }]])], [static_works=yes], [static_works=no])
        LIBS=$kept_libs CFLAGS=$kept_cflags
    }

    MODULE_SSL_LIBS=$OPENSSL_LIBS module_openssl=shared
    AS_IF([test "x$enable_static_openssl" = xyes], [
        AC_MSG_CHECKING([for archives of OpenSSL that fit into a shared object])
        kept_cppflags=$CPPFLAGS
        CPPFLAGS="$CPPFLAGS -DCLUSTERHSM_PROBE=OPENSSL_init_ssl"
        libs=$(static_libs libssl)
        try_static "" "$libs"
        AS_IF([test $static_works = yes], [MODULE_SSL_LIBS=$libs module_openssl=static])
        CPPFLAGS=$kept_cppflags
        AC_MSG_RESULT([$static_works])
        AS_IF([test $static_works = no], [AC_MSG_WARN([no static OpenSSL: the module will share the host program's
copy, with the losses that docs/decisions/001-* names. Install libssl-dev, and on trixie zlib1g-dev and libzstd-dev.])])
    ])

    AS_IF([test $module_openssl = static],
        [AC_DEFINE([MODULE_OPENSSL_STATIC], [1], [the module carries an OpenSSL of its own])])

    MODULE_YAML_LIBS=$YAML_LIBS
    AC_MSG_CHECKING([for an archive of libyaml that fits into a shared object])
    kept_cppflags=$CPPFLAGS
    CPPFLAGS="$CPPFLAGS -DCLUSTERHSM_PROBE=yaml_parser_initialize"
    libs=$(static_libs yaml-0.1)
    try_static "" "$libs"
    AS_IF([test $static_works = yes], [MODULE_YAML_LIBS=$libs])
    AC_MSG_RESULT([$static_works])

    MODULE_PROTOBUF_LIBS=$PROTOBUF_C_LIBS
    AC_MSG_CHECKING([for an archive of libprotobuf-c that fits into a shared object])
    CPPFLAGS="$kept_cppflags -DCLUSTERHSM_PROBE=protobuf_c_message_unpack"
    libs=$(static_libs libprotobuf-c)
    try_static "" "$libs"
    AS_IF([test $static_works = yes], [MODULE_PROTOBUF_LIBS=$libs])
    AC_MSG_RESULT([$static_works])
    CPPFLAGS=$kept_cppflags

    AC_SUBST([MODULE_SSL_LIBS])
    AC_SUBST([MODULE_YAML_LIBS])
    AC_SUBST([MODULE_PROTOBUF_LIBS])
])
