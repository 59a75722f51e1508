#include "common/tls.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

/* The stars: send key shares for both (openssl.md of the design: without them a 3.5 client pays a round trip at a
 * 3.0 server). */
static const char groups_new[] = "*X25519MLKEM768:*X25519";
static const char groups_old[] = "X25519";

const char *tls_error_text(const SSL *ssl, char *out, size_t room)
{
    unsigned long e = ERR_peek_last_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    long verdict = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;

    if (verdict == X509_V_ERR_APPLICATION_VERIFICATION)
        snprintf(out, room, "its certificates are refused, and the log has the reason");
    else if (verdict != X509_V_OK)
        snprintf(out, room, "%s: %s", reason ? reason : "the certificate was refused",
            X509_verify_cert_error_string(verdict));
    else
        snprintf(out, room, "%s", reason ? reason : "the connection failed");
    ERR_clear_error();
    return out;
}

static bool set_identity(SSL_CTX *ctx, const struct tls_setup *s, struct diag *why)
{
    char text[160];
    if (s->certificate == NULL)
        return true;
    if (SSL_CTX_use_certificate(ctx, s->certificate) == 1 && SSL_CTX_use_PrivateKey(ctx, s->key) == 1 &&
        (s->chain == NULL || SSL_CTX_set1_chain(ctx, s->chain) == 1))
        return true;
    diag_set(why, "certificate and private key cannot be used for TLS: %s", tls_error_text(NULL, text, sizeof text));
    diag_remedy(why, "check that the key is the one that the certificate was issued for");
    return false;
}

static bool set_trust(SSL_CTX *ctx, const struct tls_setup *s, struct diag *why)
{
    int mode = SSL_VERIFY_PEER;
    if (s->side == TLS_SERVER && !s->peer_optional)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ctx, mode, NULL);
    if (s->verify != NULL)
        SSL_CTX_set_cert_verify_callback(ctx, s->verify, s->verify_arg);
    for (int i = 0; s->roots != NULL && i < sk_X509_num(s->roots); i++) {
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), sk_X509_value(s->roots, i)) != 1) {
            diag_set(why, "a trust anchor cannot be used");
            return false;
        }
    }
    /* An anchor may be an intermediate: the owner's word is enough. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    return true;
}

SSL_CTX *tls_context_new(const struct tls_setup *s, struct diag *why)
{
    SSL_CTX *ctx = SSL_CTX_new_ex(s->libctx, NULL, s->side == TLS_SERVER ? TLS_server_method() : TLS_client_method());
    char text[160];

    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        (SSL_CTX_set1_groups_list(ctx, groups_new) != 1 && SSL_CTX_set1_groups_list(ctx, groups_old) != 1) ||
        SSL_CTX_set_num_tickets(ctx, 0) != 1) {
        diag_set(why, "TLS 1.3 cannot be set up: %s", tls_error_text(NULL, text, sizeof text));
        goto fail;
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (!set_identity(ctx, s, why) || !set_trust(ctx, s, why))
        goto fail;
    ERR_clear_error(); /* a refused list of groups leaves its trace */
    return ctx;
fail:
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return NULL;
}
