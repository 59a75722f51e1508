# CLUSTERHSM_CFLAG(VARIABLE, FLAG): appends FLAG to VARIABLE when the C compiler takes it without a complaint.
AC_DEFUN([CLUSTERHSM_CFLAG], [
    AS_VAR_PUSHDEF([cached], [clusterhsm_cv_cflag_$2])
    AC_CACHE_CHECK([whether $CC takes $2], [cached], [
        kept_cflags=$CFLAGS
        CFLAGS="$CFLAGS -Werror $2"
        AC_LINK_IFELSE([AC_LANG_PROGRAM([[]], [[return 0]])],
            [AS_VAR_SET([cached], [yes])], [AS_VAR_SET([cached], [no])])
        CFLAGS=$kept_cflags])
    AS_VAR_IF([cached], [yes], [$1="$$1 $2"])
    AS_VAR_POPDEF([cached])
])

# CLUSTERHSM_LDFLAG(VARIABLE, FLAG): the same for a flag of the linker.
AC_DEFUN([CLUSTERHSM_LDFLAG], [
    AS_VAR_PUSHDEF([cached], [clusterhsm_cv_ldflag_$2])
    AC_CACHE_CHECK([whether the linker takes $2], [cached], [
        kept_ldflags=$LDFLAGS
        LDFLAGS="$LDFLAGS -Werror $2"
        AC_LINK_IFELSE([AC_LANG_PROGRAM([[]], [[return 0]])],
            [AS_VAR_SET([cached], [yes])], [AS_VAR_SET([cached], [no])])
        LDFLAGS=$kept_ldflags])
    AS_VAR_IF([cached], [yes], [$1="$$1 $2"])
    AS_VAR_POPDEF([cached])
])
