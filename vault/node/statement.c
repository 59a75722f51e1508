#include "vault/node/statement.h"

#include "proto/frame.pb-c.h"
#include "vault/node/device.h"
#include "vault/node/permit.h"
#include "vault/provider/agree.h"

enum { DAY_S = 24 * 3600 };

enum err statement_make(OSSL_LIB_CTX *libctx, const struct identity *i, const struct cluster_view *view, int64_t now_s,
                        struct buffer *statement, struct buffer *signature)
{
    Hsm__LoginKeyStatement s = HSM__LOGIN_KEY_STATEMENT__INIT;
    struct permit_key cluster = permit_key(libctx, i, IDENTITY_CLUSTER);
    uint8_t hash[DEVICE_HASH_BYTES], login[AGREE_KEY_BYTES], *to;
    enum err e = device_hash(libctx, &view->body->cluster_certificate, hash);

    if (e == ERR_OK)
        e = agree_public(libctx, view->login_private, login);
    if (e != ERR_OK)
        return e;
    s.cluster_id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)view->cluster_id, .len = sizeof view->cluster_id};
    s.certificate_hash = (ProtobufCBinaryData){.data = hash, .len = sizeof hash};
    s.epoch = view->body->login_key_epoch;
    s.not_before_s = now_s - STATEMENT_BACKDATE_S;
    s.not_after_s = now_s + (int64_t)STATEMENT_DAYS * DAY_S;
    s.login_key = (ProtobufCBinaryData){.data = login, .len = sizeof login};
    to = buffer_extend(statement, hsm__login_key_statement__get_packed_size(&s));
    if (to == NULL)
        return ERR_NO_MEMORY;
    hsm__login_key_statement__pack(&s, to);
    return permit_sign_text(&cluster, PERMIT_LOGIN_STATEMENT, statement->data, statement->len, signature);
}
