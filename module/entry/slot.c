/* Slot and token management (PKCS #11 2.40 section 5.5). One slot, whose token is always there: whether the cluster can be reached is the
 * business of the calls that need it, as many programs look for slots once, when they start. */
#include "module/entry/guard.h"
#include "module/entry/padded.h"
#include "module/state/library.h"
#include "module/state/login.h"
#include "module/state/mechanism_given.h"
#include "module/state/output.h"
#include "module/state/policy.h"
#include "proto/cipher_mode.h"
#include "proto/limits.h"
#include "proto/mechanism.h"

enum { SLOT = 0 };

static CK_RV get_slot_list(CK_SLOT_ID *list, CK_ULONG *count)
{
    CK_ULONG room;

    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    room = *count;
    *count = 1;
    if (list == NULL)
        return CKR_OK;
    if (room < 1)
        return CKR_BUFFER_TOO_SMALL;
    list[0] = SLOT;
    return CKR_OK;
}

CK_RV C_GetSlotList(CK_BBOOL token_present, CK_SLOT_ID *list, CK_ULONG *count)
{
    (void)token_present;
    GUARDED(GetSlotList, 0, get_slot_list(list, count));
}

static CK_RV get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    if (slot != SLOT)
        return CKR_SLOT_ID_INVALID;
    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    *info = (CK_SLOT_INFO){.flags = CKF_TOKEN_PRESENT, .hardwareVersion = padded_version(), .firmwareVersion = padded_version()};
    padded_copy(info->slotDescription, sizeof info->slotDescription, "ClusterHSM");
    padded_copy(info->manufacturerID, sizeof info->manufacturerID, PADDED_MANUFACTURER);
    return CKR_OK;
}

CK_RV C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    GUARDED(GetSlotInfo, 0, get_slot_info(slot, info));
}

static CK_RV get_token_info(struct module *m, CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    const struct client_settings *s = client_settings(m->client);
    struct session_counts counts = sessions_count(&m->sessions);

    if (slot != SLOT)
        return CKR_SLOT_ID_INVALID;
    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    *info = (CK_TOKEN_INFO){
        .flags = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED,
        .ulMaxSessionCount = SESSIONS_MAX,
        .ulSessionCount = counts.all,
        .ulMaxRwSessionCount = SESSIONS_MAX,
        .ulRwSessionCount = counts.write,
        .ulMaxPinLen = USER_NAME_BYTES_MAX + 1 + PASSWORD_BYTES_MAX,
        .ulMinPinLen = PASSWORD_BYTES_MIN,
        .ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .hardwareVersion = padded_version(),
        .firmwareVersion = padded_version(),
    };
    padded_copy(info->label, sizeof info->label, s->token_label);
    padded_copy(info->manufacturerID, sizeof info->manufacturerID, PADDED_MANUFACTURER);
    padded_copy(info->model, sizeof info->model, "ClusterHSM");
    padded_copy(info->serialNumber, sizeof info->serialNumber, s->token_serial);
    padded_copy(info->utcTime, sizeof info->utcTime, "");
    return CKR_OK;
}

CK_RV C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    GUARDED(GetTokenInfo, 0, get_token_info(c.module, slot, info));
}

/* Nothing ever happens to this slot: who waits does so until the module goes. */
static CK_RV wait_for_slot_event(const struct module *m, CK_FLAGS flags)
{
    if (flags & CKF_DONT_BLOCK)
        return CKR_NO_EVENT;
    library_wait(m);
    return CKR_CRYPTOKI_NOT_INITIALIZED;
}

CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    (void)slot;
    GUARDED(WaitForSlotEvent, 0, reserved == NULL ? wait_for_slot_event(c.module, flags) : CKR_ARGUMENTS_BAD);
}

/* An alias is there where its meaning is. */
static bool lists_alias(enum policy policy, const struct alias *a)
{
    const struct mechanism *row = a->kind == ALIAS_MECHANISM ? mechanism_find(a->meaning) : NULL;

    return row != NULL && policy_allows(policy, row);
}

static CK_RV get_mechanism_list(struct module *m, CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    enum policy policy;
    CK_ULONG n = 0, room;

    if (slot != SLOT)
        return CKR_SLOT_ID_INVALID;
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    policy = policy_now(m);
    for (size_t i = 0; mechanism_at(i) != NULL; i++)
        n += policy_allows(policy, mechanism_at(i));
    for (size_t i = 0; i < m->aliases.n; i++)
        n += lists_alias(policy, &m->aliases.rows[i]);
    room = *count;
    *count = n;
    if (list == NULL)
        return CKR_OK;
    if (room < n)
        return CKR_BUFFER_TOO_SMALL;
    n = 0;
    for (size_t i = 0; mechanism_at(i) != NULL; i++)
        if (policy_allows(policy, mechanism_at(i)))
            list[n++] = mechanism_at(i)->type;
    for (size_t i = 0; i < m->aliases.n; i++)
        if (lists_alias(policy, &m->aliases.rows[i]))
            list[n++] = m->aliases.rows[i].number;
    return CKR_OK;
}

CK_RV C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    GUARDED(GetMechanismList, 0, get_mechanism_list(c.module, slot, list, count));
}

/* CKF_HW is "performed by the device" (PKCS #11 3.1 section 3.5), as opposed to the library in this process: what takes a key is the
 * cluster's work. Programs take mechanisms without it for the library's own, and some pass over their keys then. */
static CK_FLAGS info_flags(const struct mechanism *row)
{
    CK_FLAGS flags = row->flags | (row->where != WHERE_LOCAL ? CKF_HW : 0);

    if (row->flags & CKF_ENCRYPT && cipher_has_messages(row))
        flags |= CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE;
    if (row->flags & CKF_SIGN)
        flags |= CKF_MESSAGE_SIGN | CKF_MULTI_MESSAGE;
    if (row->flags & CKF_VERIFY)
        flags |= CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE;
    /* What curves are like here (PKCS #11 3.1 section 6.3). */
    if (row->has_key && row->key_type == CKK_EC)
        flags |= CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_CURVENAME | CKF_EC_UNCOMPRESS;
    if (row->has_key && (row->key_type == CKK_EC_EDWARDS || row->key_type == CKK_EC_MONTGOMERY))
        flags |= CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_CURVENAME;
    return flags;
}

static CK_RV get_mechanism_info(struct module *m, CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    const struct mechanism *row = mechanism_asked(m, type);

    if (slot != SLOT)
        return CKR_SLOT_ID_INVALID;
    if (row == NULL || policy_check_row(m, row) != ERR_OK)
        return CKR_MECHANISM_INVALID;
    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    *info = (CK_MECHANISM_INFO){.ulMinKeySize = policy_least(m, row), .ulMaxKeySize = row->size_max, .flags = info_flags(row)};
    return CKR_OK;
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    GUARDED(GetMechanismInfo, 0, get_mechanism_info(c.module, slot, type, info));
}

static CK_RV init_token(struct module *m, CK_SLOT_ID slot, const CK_BYTE *pin, CK_ULONG pin_bytes)
{
    if (slot != SLOT)
        return CKR_SLOT_ID_INVALID;
    return sessions_count(&m->sessions).all > 0 ? CKR_SESSION_EXISTS : login_init_token(m, pin, pin_bytes);
}

/* The label is the configuration's: one token has one name on all machines. */
CK_RV C_InitToken(CK_SLOT_ID slot, CK_BYTE *pin, CK_ULONG pin_bytes, CK_BYTE *label)
{
    (void)label;
    GUARDED(InitToken, 0, init_token(c.module, slot, pin, pin_bytes));
}

CK_RV C_InitPIN(CK_SESSION_HANDLE session, CK_BYTE *pin, CK_ULONG pin_bytes)
{
    GUARDED(InitPIN, session, login_init_pin(c.module, pin, pin_bytes));
}

CK_RV C_SetPIN(CK_SESSION_HANDLE session, CK_BYTE *old_pin, CK_ULONG old_bytes, CK_BYTE *new_pin, CK_ULONG new_bytes)
{
    GUARDED(SetPIN, session, login_set_pin(c.module, old_pin, old_bytes, new_pin, new_bytes));
}
