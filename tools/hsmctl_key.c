/* hsmctl key: a crypto user's objects. Everyday work with keys is the module's; this is for looking and for moving in. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/hex.h"
#include "crypto/curve.h"
#include "crypto/post_quantum.h"
#include "proto/attribute.h"
#include "proto/key_kind.h"
#include "proto/limits.h"
#include "proto/pkcs11.h"
#include "tools/hsmctl.h"
#include "tools/key_file.h"
#include "tools/template.h"

/* ---- list ---------------------------------------------------------------------------------------------------- */

static const ProtobufCBinaryData *value_of(const Hsm__Object *object, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < object->n_attributes; i++)
        if (object->attributes[i]->type == type)
            return &object->attributes[i]->value;
    return NULL;
}

static uint64_t number_of(const Hsm__Object *object, CK_ATTRIBUTE_TYPE type, uint64_t fallback)
{
    const ProtobufCBinaryData *v = value_of(object, type);
    uint64_t n = 0;

    if (v == NULL || v->len != 8)
        return fallback;
    for (size_t i = 0; i < 8; i++)
        n = n << 8 | v->data[i];
    return n;
}

static const char *class_name(uint64_t class)
{
    switch (class) {
    case CKO_PUBLIC_KEY:
        return "public key";
    case CKO_PRIVATE_KEY:
        return "private key";
    case CKO_SECRET_KEY:
        return "secret key";
    case CKO_OTP_KEY:
        return "one-time password key";
    case CKO_CERTIFICATE:
        return "certificate";
    case CKO_DATA:
        return "data";
    case CKO_DOMAIN_PARAMETERS:
        return "domain parameters";
    case CKO_VALIDATION:
        return "validation";
    default:
        return "other";
    }
}

/* "AES 256", "SHA256-HMAC 512", "ML-DSA": by the table's name, and a secret key's length where it is told. */
static void describe_kind(const struct key_kind *kind, uint64_t bytes, char *out, size_t room)
{
    snprintf(out, room, "%s", kind->name + strlen("CKK_"));
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '_' ? '-' : *c;
    if (key_kind_is_value(kind) && bytes > 0)
        snprintf(out + strlen(out), room - strlen(out), " %" PRIu64, 8 * bytes);
}

/* "RSA 2048", "DSA 2048", "EC P-256", "X25519"; empty for what is no key. */
static void describe_key(const Hsm__Object *object, char *out, size_t room)
{
    const ProtobufCBinaryData *modulus = value_of(object, CKA_MODULUS), *params = value_of(object, CKA_EC_PARAMS);
    const ProtobufCBinaryData *prime = value_of(object, CKA_PRIME);
    const struct curve *curve = params != NULL ? curve_find(params->data, params->len) : NULL;
    uint64_t type = number_of(object, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
    const struct key_kind *kind = key_kind_find(type);

    if (type == CKK_RSA && modulus != NULL)
        snprintf(out, room, "RSA %zu", modulus->len * 8);
    else if (prime != NULL)
        snprintf(out, room, "%s %zu", type == CKK_DSA ? "DSA" : "DH", prime->len * 8);
    else if (type == CKK_EC)
        snprintf(out, room, "EC %s", curve != NULL ? curve->name : "?");
    else if (curve != NULL)
        snprintf(out, room, "%s", curve->name);
    else if (type == CKK_GENERIC_SECRET)
        snprintf(out, room, "generic %" PRIu64, 8 * number_of(object, CKA_VALUE_LEN, 0));
    else if (kind != NULL)
        describe_kind(kind, number_of(object, CKA_VALUE_LEN, 0), out, room);
    else
        out[0] = '\0';
}

static void show_object(struct output *o, const Hsm__Object *object)
{
    const ProtobufCBinaryData *label = value_of(object, CKA_LABEL), *id = value_of(object, CKA_ID);
    char type[64], text[LABEL_BYTES_MAX + 1];
    size_t n = label != NULL && label->len < sizeof text ? label->len : 0;

    describe_key(object, type, sizeof type);
    if (n > 0)
        memcpy(text, label->data, n);
    text[n] = '\0';
    output_row(o);
    output_number(o, "handle", object->id);
    output_text(o, "class", class_name(number_of(object, CKA_CLASS, CK_UNAVAILABLE_INFORMATION)));
    output_text(o, "type", type[0] != '\0' ? type : NULL);
    output_text(o, "label", text);
    output_bytes(o, "id", id != NULL ? id->data : NULL, id != NULL ? id->len : 0);
}

/* hsmctl validation list */
static bool has_own_list(const Hsm__Object *object)
{
    return number_of(object, CKA_CLASS, CK_UNAVAILABLE_INFORMATION) == CKO_VALIDATION;
}

enum status key_list(const struct invocation *call)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Find find = HSM__FIND__INIT;
    Hsm__Template everything = HSM__TEMPLATE__INIT;
    struct output *o = output_new();
    struct remote r;
    enum status s = remote_open(call, &r);

    request.of_case = HSM__REQUEST__OF_FIND;
    request.find = &find;
    find.template_ = &everything;
    if (s == STATUS_DONE)
        s = remote_login(call, &r, false, client_settings(r.client)->login_user);
    output_table(o, "objects");
    for (bool more = true; s == STATUS_DONE && more;) {
        Hsm__Reply *reply = NULL;

        s = remote_call(call, &r, "cannot list the keys", &request, HSM__REPLY__OF_OBJECTS, &reply);
        if (s != STATUS_DONE)
            break;
        for (size_t i = 0; i < reply->objects->n_objects; i++)
            if (!has_own_list(reply->objects->objects[i]))
                show_object(o, reply->objects->objects[i]);
        more = reply->objects->next_after_id > find.after_id;
        find.after_id = reply->objects->next_after_id;
        rpc_reply_free(reply);
    }
    remote_close(&r);
    if (s != STATUS_DONE) {
        output_free(o);
        return s;
    }
    output_table_end(o);
    return answer(call, o);
}

/* ---- import ---------------------------------------------------------------------------------------------------- */

static enum status create(const struct invocation *call, struct remote *r, struct template *t, struct output *o)
{
    Hsm__Request request = HSM__REQUEST__INIT;
    Hsm__Create create = HSM__CREATE__INIT;
    Hsm__Reply *reply = NULL;
    enum status s;

    request.of_case = HSM__REQUEST__OF_CREATE;
    request.create = &create;
    create.template_ = &t->message;
    s = remote_call(call, r, "the object was not stored", &request, HSM__REPLY__OF_OBJECTS, &reply);
    if (s == STATUS_DONE && reply->objects->n_objects > 0)
        show_object(o, reply->objects->objects[0]);
    rpc_reply_free(reply);
    template_clear(t);
    return s;
}

/* One after the other; what an earlier one stored stays if a later one fails, and the complaint says which it was. */
static enum status create_all(const struct invocation *call, struct remote *r, const struct key_file *file, X509 *cert,
                              const struct template_names *names, struct output *o)
{
    struct template t = {0};
    struct diag why = {0};
    enum status s = STATUS_DONE;
    bool ok = true;

    if (file->private_key != NULL) {
        ok = template_private_key(&t, file->private_key, names, &why);
        s = ok ? create(call, r, &t, o) : s;
    }
    if (ok && s == STATUS_DONE && file->public_key != NULL && call->options[OPTION_private_only] == NULL) {
        ok = template_public_key(&t, file->public_key, names, &why);
        s = ok ? create(call, r, &t, o) : s;
    }
    if (ok && s == STATUS_DONE && cert != NULL) {
        ok = template_certificate(&t, cert, names, &why);
        s = ok ? create(call, r, &t, o) : s;
    }
    template_clear(&t);
    return ok ? s : complain(call, STATUS_FILE, "the object was not stored", &why);
}

/* The file's name without folder and ending. */
static void default_label(const char *path, char *out, size_t room)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');

    snprintf(out, room, "%.*s", (int)(dot != NULL && dot > name ? (size_t)(dot - name) : strlen(name)), name);
}

struct chosen {
    struct template_names names;
    uint8_t id[ID_BYTES_MAX];
    char label[LABEL_BYTES_MAX + 1];
};

static bool choose_names(const struct invocation *call, const struct key_file *file, struct chosen *c, struct diag *why)
{
    const char *id = call->options[OPTION_id], *label = call->options[OPTION_label];
    const EVP_PKEY *key = file->public_key != NULL ? file->public_key : X509_get0_pubkey(file->certificate);

    c->names = (struct template_names){.label = c->label, .id = c->id};
    if (label == NULL)
        default_label(call->arguments[0], c->label, sizeof c->label);
    else if ((size_t)snprintf(c->label, sizeof c->label, "%s", label) >= sizeof c->label) {
        diag_set(why, "the label is longer than %u bytes", LABEL_BYTES_MAX);
        return false;
    }
    if (id != NULL && !hex_decode(id, c->id, sizeof c->id, &c->names.id_bytes)) {
        diag_set(why, "--id is not the hexadecimal form of at most %u bytes", ID_BYTES_MAX);
        diag_remedy(why, "write it as 0a1b2c");
        return false;
    }
    if (id == NULL && !template_key_id(key, c->id)) {
        diag_set(why, "no id could be made from the key");
        diag_remedy(why, "give one with --id");
        return false;
    }
    c->names.id_bytes = id == NULL ? 20 : c->names.id_bytes;
    return true;
}

/* They get one id, by which applications take them for a pair. */
static bool belongs_together(const struct key_file *file, X509 *beside, const char *path, struct diag *why)
{
    const EVP_PKEY *key = file->public_key;

    if (beside == NULL || key == NULL || EVP_PKEY_eq(X509_get0_pubkey(beside), key) == 1)
        return true;
    ERR_clear_error();
    diag_set(why, "this certificate is of another key");
    diag_where(why, path, 0);
    diag_remedy(why, "give the certificate of the key that is imported; another is imported by itself: hsmctl key import CERTIFICATE");
    return false;
}

static enum status import_into(const struct invocation *call, struct remote *r, const struct key_file *file, X509 *cert,
                               const struct template_names *names)
{
    struct output *o = output_new();
    enum status s = remote_login(call, r, false, client_settings(r->client)->login_user);

    output_table(o, "stored");
    if (s == STATUS_DONE)
        s = create_all(call, r, file, cert, names, o);
    if (s != STATUS_DONE) {
        output_free(o);
        return s;
    }
    output_table_end(o);
    return answer(call, o);
}

enum status key_import(const struct invocation *call)
{
    const char *doing = "nothing was stored";
    struct key_file file = {0}, beside = {0};
    struct chosen chosen = {0};
    struct diag why = {0};
    struct remote r = {0};
    enum status s = STATUS_DONE;

    post_quantum_probe(NULL);
    if (!key_file_read(call->arguments[0], call->options[OPTION_passphrase_file], &file, &why) ||
        (call->options[OPTION_cert] != NULL && !key_file_read_cert(call->options[OPTION_cert], &beside, &why)))
        s = complain(call, STATUS_FILE, doing, &why);
    else if (!belongs_together(&file, beside.certificate, call->options[OPTION_cert], &why))
        s = complain(call, STATUS_FILE, doing, &why);
    else if (!choose_names(call, &file, &chosen, &why))
        s = complain(call, STATUS_USAGE, doing, &why);
    if (s == STATUS_DONE)
        s = remote_open(call, &r);
    if (s == STATUS_DONE)
        s = import_into(call, &r, &file, beside.certificate != NULL ? beside.certificate : file.certificate, &chosen.names);
    remote_close(&r);
    key_file_clear(&file);
    key_file_clear(&beside);
    return s;
}
