/* Threads of one process in the module against a real cluster, mixing what applications do; made for ThreadSanitizer.
 *
 * usage: threads MODULE THREADS SECONDS       (the PIN in CLUSTERHSM_PIN)
 * Each thread has a session of its own; all of them also share keys that any may find and use, and one session for digests.
 * Ends with 0 where no call was refused that should not be, and prints how many were made. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <p11-kit/pkcs11.h>

enum { THREADS_MAX = 64 };

static CK_FUNCTION_LIST *f;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE common; /* a session that all digest in */
static _Atomic unsigned long calls, refusals;
static time_t end;

static CK_RV count(const char *what, CK_RV rv)
{
    calls++;
    if (rv != CKR_OK) {
        refusals++;
        fprintf(stderr, "%s: 0x%lx\n", what, rv);
    }
    return rv;
}

static CK_RV make_pair(CK_SESSION_HANDLE s, CK_BBOOL token, const char *label, CK_OBJECT_HANDLE *private)
{
    static CK_BYTE p256[] = {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
    CK_MECHANISM how = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE public_part[] = {{CKA_EC_PARAMS, p256, sizeof p256}, {CKA_TOKEN, &token, sizeof token}, {CKA_VERIFY, &yes, sizeof yes},
                                  {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
    CK_ATTRIBUTE private_part[] = {{CKA_SIGN, &yes, sizeof yes}, {CKA_TOKEN, &token, sizeof token}, {CKA_PRIVATE, &yes, sizeof yes},
                                   {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
    CK_OBJECT_HANDLE public;
    CK_RV rv = f->C_GenerateKeyPair(s, &how, public_part, 4, private_part, 4, &public, private);

    if (rv == CKR_OK)
        rv = f->C_DestroyObject(s, public);
    return rv;
}

static CK_ULONG find(CK_SESSION_HANDLE s, const char *label, CK_OBJECT_HANDLE *out, CK_ULONG room)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE want[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
    CK_ULONG n = 0;

    if (count("C_FindObjectsInit", f->C_FindObjectsInit(s, want, 2)) == CKR_OK) {
        count("C_FindObjects", f->C_FindObjects(s, out, room, &n));
        count("C_FindObjectsFinal", f->C_FindObjectsFinal(s));
    }
    return n;
}

static void sign(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM how = {CKM_ECDSA, NULL, 0};
    CK_BYTE data[32] = {1}, out[64];
    CK_ULONG n = sizeof out;

    if (count("C_SignInit", f->C_SignInit(s, &how, key)) == CKR_OK)
        count("C_Sign", f->C_Sign(s, data, sizeof data, out, &n));
}

/* One of many fights over the one session's digest: that somebody else is at it is no fault. */
static void digest(void)
{
    CK_MECHANISM how = {CKM_SHA256, NULL, 0};
    CK_BYTE out[32], random[16];
    CK_ULONG n = sizeof out;

    if (f->C_DigestInit(common, &how) == CKR_OK)
        f->C_Digest(common, out, 4, out, &n);
    count("C_GenerateRandom", f->C_GenerateRandom(common, random, sizeof random));
}

static void *work(void *arg)
{
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key, shared[8];
    char label[32], text[32];
    CK_ATTRIBUTE ask = {CKA_LABEL, text, sizeof text};
    CK_TOKEN_INFO info;

    snprintf(label, sizeof label, "own-%ld", (long)(intptr_t)arg);
    while (time(NULL) < end) {
        if (count("C_OpenSession", f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s)) != CKR_OK)
            continue;
        if (count("C_GenerateKeyPair", make_pair(s, (intptr_t)arg % 2 == 0, label, &key)) == CKR_OK) {
            ask.ulValueLen = sizeof text;
            count("C_GetAttributeValue", f->C_GetAttributeValue(s, key, &ask, 1));
            sign(s, key);
            count("C_DestroyObject", f->C_DestroyObject(s, key));
        }
        for (CK_ULONG i = 0, n = find(s, "shared", shared, 8); i < n; i++)
            sign(s, shared[i]);
        digest();
        count("C_GetTokenInfo", f->C_GetTokenInfo(slot, &info));
        count("C_CloseSession", f->C_CloseSession(s));
    }
    return NULL;
}

int main(int argc, char **argv)
{
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    char *pin = getenv("CLUSTERHSM_PIN");
    CK_C_GetFunctionList get = NULL;
    pthread_t threads[THREADS_MAX];
    CK_OBJECT_HANDLE key;
    CK_ULONG n = 1;
    void *library = argc == 4 && pin != NULL ? dlopen(argv[1], RTLD_NOW) : NULL;
    unsigned long many = argc == 4 ? strtoul(argv[2], NULL, 10) : 0, seconds = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

    if (library != NULL)
        *(void **)&get = dlsym(library, "C_GetFunctionList");
    if (get == NULL || many < 1 || many > THREADS_MAX || seconds < 1 || get(&f) != CKR_OK) {
        fprintf(stderr, "usage: threads MODULE THREADS SECONDS, and CLUSTERHSM_PIN\n");
        return 2;
    }
    if (count("C_Initialize", f->C_Initialize(&args)) != CKR_OK || count("C_GetSlotList", f->C_GetSlotList(CK_TRUE, &slot, &n)) != CKR_OK ||
        count("C_OpenSession", f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &common)) != CKR_OK ||
        count("C_Login", f->C_Login(common, CKU_USER, (CK_UTF8CHAR_PTR)pin, strlen(pin))) != CKR_OK)
        return 2;
    for (int i = 0; i < 4; i++)
        count("C_GenerateKeyPair", make_pair(common, CK_TRUE, "shared", &key));
    end = time(NULL) + (time_t)seconds;
    for (unsigned long i = 0; i < many; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i) != 0)
            return 2;
    for (unsigned long i = 0; i < many; i++)
        pthread_join(threads[i], NULL);
    count("C_Finalize", f->C_Finalize(NULL));
    printf("%lu calls, %lu refused\n", (unsigned long)calls, (unsigned long)refusals);
    return refusals == 0 ? 0 : 1;
}
