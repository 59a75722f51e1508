/* What docs/pkcs11.md says of a mechanism that does not work; the order is that of vault/object/key_use.c and module/state/key_for.c. */
#ifndef CLUSTERHSM_TESTS_DOCUMENT_REFUSED_H
#define CLUSTERHSM_TESTS_DOCUMENT_REFUSED_H

static const char refused[] =
    "\n## When a mechanism does not work\n\n"
    "The module's log has the reason: `CLUSTERHSM_LOG=stderr` in the program's environment shows it at the terminal, "
    "and `log: {file: PATH,\n"
    "level: info}` in the client's configuration keeps it. It says which mechanism, parameter, attribute or policy it "
    "was. Without the log, the\n"
    "code says where to look. The first case that applies, in this order:\n\n"
    "| code | case | look at |\n|---|---|---|\n"
    "| CKR_MECHANISM_INVALID | there is no such mechanism | the table of mechanisms. Post-quantum ones are there "
    "with OpenSSL 3.5 only; a number "
    "of another vendor's header can be an `aliases` of docs/configuration.md; what other tokens have and this one "
    "has not is the last "
    "table here |\n"
    "| CKR_MECHANISM_INVALID | it does not do this operation | its `operations`. Not all that encrypts also wraps; "
    "messages (C_MessageEncryptInit) "
    "are for GCM, CCM and ChaCha20-Poly1305 |\n"
    "| CKR_MECHANISM_INVALID | the cluster's policy does not have it | its `policy`, and what `hsmctl cluster "
    "policy` says. C_GetMechanismList "
    "lists what the policy has |\n"
    "| CKR_MECHANISM_PARAM_INVALID | its parameter is malformed, is there where there is none, or names a hash or "
    "MAC that the policy does "
    "not have | its `parameter`, and whether the program was compiled with 8-byte CK_ULONG and structures that are "
    "not packed |\n"
    "| CKR_KEY_HANDLE_INVALID | no such object for this user, or it is no key (a certificate, data) | whose key it "
    "is: another crypto user's "
    "keys are not there |\n"
    "| CKR_KEY_FUNCTION_NOT_PERMITTED | the use's attribute is not true, or the wrong half of a pair (signing with "
    "a public key) | CKA_SIGN and its "
    "like. Derivation by CKK_EC and from generic secrets, RSA encryption, wrapping and unwrapping have to be asked "
    "for when the key is made |\n"
    "| CKR_KEY_TYPE_INCONSISTENT | another type of key than the mechanism's | its `key` |\n"
    "| CKR_MECHANISM_INVALID | the mechanism is not in the key's CKA_ALLOWED_MECHANISMS | that attribute |\n"
    "| CKR_KEY_SIZE_RANGE | the key is smaller than the policy wants | its `sizes` and `policy` |\n\n"
    "Keys that wrap and unwrap have codes of their own for handle, size and type: CKR_WRAPPING_KEY_*, "
    "CKR_UNWRAPPING_KEY_*.\n";

#endif
