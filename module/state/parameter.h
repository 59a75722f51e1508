/* Parameters of mechanisms, from the standard's structures into the message that travels. Their memory comes from parameter_memory and goes
 * with the message (mechanism_clear). */
#ifndef CLUSTERHSM_MODULE_STATE_PARAMETER_H
#define CLUSTERHSM_MODULE_STATE_PARAMETER_H

#include "proto/error.h"
#include "proto/mechanism.h"
#include "proto/memory.h"
#include "proto/request.pb-c.h"

/* Not zeroed; wiped when it is freed. NULL: no memory. */
void *parameter_memory(size_t n);

/* A copy of what the application gave. ERR_MECHANISM_PARAM: a length without bytes, or above PARAMETER_BYTES_MAX; ERR_NO_MEMORY. */
enum err parameter_copy(const void *bytes, CK_ULONG n, ProtobufCBinaryData *out);

/* One for each row of enum mechanism_param. `given` is its structure, perhaps unaligned. ERR_MECHANISM_PARAM, ERR_NO_MEMORY. */
enum err parameter_take_pss(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_oaep(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_ctr(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_ccm(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_chacha20(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_chacha(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_general(const struct mechanism *row, const void *given, Hsm__Mechanism *out);

/* The same where the length is not always the same. Whether the IV has the length that the mechanism needs is parameter_check's. */
enum err parameter_take_iv(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out);
enum err parameter_take_gcm(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out);
enum err parameter_take_ecdh(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_public_value(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out);
enum err parameter_take_hkdf(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_kbkdf(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_kbkdf_feedback(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_cloudhsm_kbkdf(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out);
enum err parameter_take_pbkdf2(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_tls12_master(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_tls12_keys(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_tls12_extended(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_tls12_safe_keys(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_tls_mac(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_tls12_kdf(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_key(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_data(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_bit(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_rsa_aes(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_ecdh_aes(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_aes_cbc_data(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_des_cbc_data(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_ike_prf(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_ike1_prf(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_ike1_extended(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out); /* or the PRF */
enum err parameter_take_ike2_prf_plus(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_sshkdf(const struct mechanism *row, const void *given, Hsm__Mechanism *out);
enum err parameter_take_eddsa(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out); /* or nothing */

enum err parameter_take_otp(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out); /* or nothing */
enum err parameter_take_pq(const struct mechanism *row, const void *given, CK_ULONG n, Hsm__Mechanism *out);
enum err parameter_take_pq_hash(const struct mechanism *row, const void *given, Hsm__Mechanism *out);

#endif
