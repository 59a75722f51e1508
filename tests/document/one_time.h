/* What docs/pkcs11.md says of one-time passwords, which no table has. */
#ifndef CLUSTERHSM_TESTS_DOCUMENT_ONE_TIME_H
#define CLUSTERHSM_TESTS_DOCUMENT_ONE_TIME_H

static const char one_time[] =
    "### One-time passwords\n\n"
    "CKM_HOTP is RFC 4226: HMAC with SHA-1, whatever the key's length, 6 to 8 decimal digits (CKA_OTP_LENGTH). (kryoptic hashes with "
    "SHA-256 or\nSHA-512 where the key has 32 or 64 bytes; that is no HOTP of the RFC's, and gives other passwords.) C_Sign "
    "takes no data "
    "and fills one block:\nCK_OTP_SIGNATURE_INFO, which points to one CK_OTP_PARAM behind it, the CK_OTP_VALUE, and that to the digits "
    "behind it. C_Verify takes the\ndigits alone.\n\n"
    "| CKA_OTP_COUNTER_REQUIREMENT | C_Sign | C_Verify |\n|---|---|---|\n"
    "| CK_OTP_PARAM_IGNORED (where a template is silent) | the password of the key's own counter, which counts on | one of the key's own "
    "counter or the four after it; the counter then stands behind that one, so that each password is accepted once |\n"
    "| CK_OTP_PARAM_MANDATORY | the password of the CK_OTP_COUNTER that is given; nothing changes | of exactly that one; nothing changes, "
    "and it is for the program to see that a counter counts once |\n"
    "| CK_OTP_PARAM_OPTIONAL | the one where a counter is given, the other where none is | the same |\n\n"
    "The key's own counter is the cluster's: a password is told when a majority has it that its counter is used, by whichever node and "
    "however many\nask at once; a request that is repeated after a node was lost is told the password of its first try. A call "
    "that fails "
    "may have used one up. So such\na key lives in the token (a session object only with MANDATORY), has no copies "
    "(CKA_COPYABLE is false), "
    "and is neither wrapped nor unwrapped, as the\ncounter would begin anew. It is created or generated, by CKM_HOTP_KEY_GEN of "
    "20 bytes "
    "unless CKA_VALUE_LEN says otherwise. How often somebody may try\na password is the program's to say (RFC 4226 section 7.3).\n\n";

#endif
