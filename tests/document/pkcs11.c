/* Prints docs/pkcs11.md from the tables: every function, mechanism, attribute and error; tests/check/documents holds the file against it.
 *
 * A row is taken as it is written, and its columns are counted: a table that has another column than this page knows, a word that the
 * page does not explain, or a mechanism of other tokens that is neither there nor said to be missing, is an error
 * here and not a gap there. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "crypto/field.h"
#include "proto/limits.h"
#include "tests/document/one_time.h"
#include "tests/document/refused.h"

enum { COLUMNS_MAX = 16, CELL_BYTES = 256 };

static struct buffer out;
static int faults;

static void say(const char *text)
{
    buffer_put_text(&out, text);
}

__attribute__((format(printf, 1, 2))) static void sayf(const char *format, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    say(line);
}

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    faults++;
}

/* ---- rows as they are written */

struct row {
    char cell[COLUMNS_MAX][CELL_BYTES];
    unsigned cells;
};

/* Where the cell that starts at `at` ends: a comma outside of texts and brackets, or the end. */
static const char *cell_end(const char *at)
{
    bool text = false;
    unsigned depth = 0;

    for (; *at != '\0' && (text || depth > 0 || *at != ','); at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        else if (*at == '"')
            text = !text;
        else if (!text && (*at == '(' || *at == ')'))
            depth += *at == '(' ? 1 : -1;
    }
    return at;
}

/* Without blanks around it and without the quotes of a text. */
static void take_cell(const char *from, const char *end, char cell[CELL_BYTES])
{
    while (from < end && isspace((unsigned char)*from))
        from++;
    while (end > from && isspace((unsigned char)end[-1]))
        end--;
    if (end - from >= 2 && *from == '"' && end[-1] == '"') {
        from++;
        end--;
    }
    snprintf(cell, CELL_BYTES, "%.*s", (int)(end - from), from);
}

/* The last columns' words may be left out where `otherwise`, which ends with a NULL, stands for them. */
static const struct row *take_row_or(const char *table, const char *text, unsigned columns, const char *const *otherwise)
{
    unsigned may_lack = 0;

    static struct row r;
    const char *at = text;

    memset(&r, 0, sizeof r);
    while (r.cells < COLUMNS_MAX) {
        const char *end = cell_end(at);
        take_cell(at, end, r.cell[r.cells++]);
        if (*end == '\0')
            break;
        at = end + 1;
    }
    while (otherwise != NULL && otherwise[may_lack] != NULL)
        may_lack++;
    for (unsigned i = may_lack; i > 0; i--)
        if (r.cells == columns - i)
            snprintf(r.cell[r.cells++], CELL_BYTES, "%s", otherwise[may_lack - i]);
    if (r.cells != columns)
        complain("%s has %u columns, docs/pkcs11.md shows %u: give the new one a heading in tests/document/pkcs11.c (%s)", table, r.cells,
                 columns, text);
    return &r;
}

static const struct row *take_row(const char *table, const char *text, unsigned columns)
{
    return take_row_or(table, text, columns, NULL);
}

static const char *lower(const char *text)
{
    static char turn[4][CELL_BYTES];
    static unsigned next;
    char *to = turn[next++ % 4];
    size_t i;

    for (i = 0; text[i] != '\0' && i < CELL_BYTES - 1; i++)
        to[i] = text[i] == '_' ? ' ' : (char)tolower((unsigned char)text[i]);
    to[i] = '\0';
    return to;
}

/* "A | B" as "a, b": a stroke is what separates the columns of the page. */
static const char *words(const char *cell)
{
    static char text[CELL_BYTES];
    const char *from = lower(cell);
    size_t n = 0;

    for (; *from != '\0' && n < sizeof text - 2; from++) {
        if (from[0] == ' ' && from[1] == '|')
            continue;
        text[n++] = *from == '|' ? ',' : *from;
    }
    text[n] = '\0';
    return text;
}

/* ---- what a word of a table means */

struct word {
    const char *word, *meaning;
};

static void explain(const struct word *list)
{
    say("\n| word | means |\n|---|---|\n");
    for (; list->word != NULL; list++)
        sayf("| %s | %s |\n", lower(list->word), list->meaning);
}

static void check_words(const char *where, const char *cell, const struct word *list)
{
    char copy[CELL_BYTES], *at = copy, *word;

    snprintf(copy, sizeof copy, "%s", cell);
    while ((word = strsep(&at, " |")) != NULL) {
        const struct word *w = list;
        if (*word == '\0')
            continue;
        while (w->word != NULL && strcmp(w->word, word) != 0)
            w++;
        if (w->word == NULL)
            complain("%s: %s has no line in tests/document/pkcs11.c", where, word);
    }
}

/* ---- functions */

static bool cloudhsm_lacks(const char *function)
{
#define CLOUDHSM_LACKS(name)               \
    if (strcmp(function, "C_" #name) == 0) \
        return true;
#include "tests/document/cloudhsm.def"
    return false;
}

static const struct word needs[] = {
    {"NOTHING", "may be called at any time"},
    {"MODULE", "after C_Initialize"},
    {"SESSION", "in a session"},
    {"OPERATION", "in a session; calls in the same session wait for each other"},
    {"MISSING", "is not there: CKR_FUNCTION_NOT_SUPPORTED"},
    {NULL, NULL},
};
static const struct word who[] = {
    {"ANYBODY", "no login is needed (what a key or an object needs comes on top)"},
    {"USER", "a crypto user has logged in"},
    {"ADMIN", "an admin has logged in (CKU_SO)"},
    {"WRITE", "the session is a read-write one"},
    {NULL, NULL},
};

struct tally {
    unsigned all, missing, cloudhsm;
};

/* 240 is written 2.40, as the standard writes it, and 300 is 3.0. */
static const char *version(const char *number)
{
    static char text[8];

    snprintf(text, sizeof text, "%c.%.*s", number[0], strcmp(number, "240") == 0 ? 2 : 1, number + 1);
    return text;
}

static void function_row(const char *text, struct tally *tally)
{
    const struct row *r = take_row("module/entry/function.def", text, 5);
    char name[CELL_BYTES];
    bool missing = strcmp(r->cell[2], "MISSING") == 0, theirs;

    snprintf(name, sizeof name, "C_%.200s", r->cell[1]);
    theirs = strcmp(r->cell[0], "240") == 0 && !cloudhsm_lacks(name);
    check_words(name, r->cell[2], needs);
    check_words(name, r->cell[3], who);
    sayf("| %s | %s | %s | %s%s | %s |\n", name, version(r->cell[0]), missing ? "not there" : lower(r->cell[2]),
         missing ? "" : lower(r->cell[3]), strcmp(r->cell[4], "WRITE") == 0 ? ", write" : "", theirs ? "yes" : "no");
    tally->all++;
    tally->missing += missing;
    tally->cloudhsm += theirs;
}

static void functions(void)
{
    struct tally tally = {0};

    say("## Functions\n\nIn the order of the standard's function lists. `version` is the list that a function first stands in.\n\n"
        "| function | version | needs | who | CloudHSM |\n|---|---|---|---|---|\n");
#define FUNCTION(...) function_row(#__VA_ARGS__, &tally);
#include "module/entry/function.def"
#undef FUNCTION
    sayf("\n%u functions; %u of them are not there. CloudHSM has %u.\n", tally.all, tally.missing, tally.cloudhsm);
    explain(needs);
    explain(who);
    say("\n");
}

/* ---- mechanisms */

/* NULL: CloudHSM does not have it. */
static const char *cloudhsm_has(const char *mechanism)
{
#define CLOUDHSM_HAS(name, note)         \
    if (strcmp(mechanism, #name) == 0)   \
        return note[0] != '\0' ? note : "yes";
#include "tests/document/cloudhsm.def"
    return NULL;
}

static const struct word where[] = {
    {"HASH_IN_MODULE", "the data is hashed in the application's process, the digest travels: no limit"},
    {"WHOLE", "the data travels whole, so it has a limit (below); what only needs a public key is done in the application's "
              "process"},
    {"LOCAL", "nothing travels"},
    {NULL, NULL},
};

static const struct word policies[] = {
    {"MODERN", "there under both policies of a cluster"},
    {"COMPATIBLE", "there under the compatible policy only (`hsmctl cluster policy`)"},
    {"FROM", "there under both; under the compatible one with keys from this size on"},
    {NULL, NULL},
};

/* How a key wraps and unwraps that an admin has trusted (docs/decisions/009). */
static const struct word trusted[] = {
    {"ALWAYS", "as any other key"},
    {"OWN_VECTOR", "under the mechanism's own initial value: no vector is given"},
    {"TOKENS_VECTOR", "wraps under a vector that the token makes, and takes no tag below 96 bits"},
    {"NEVER", "not at all"},
    {"UNSAID", "no key wraps by it"},
    {NULL, NULL},
};

static const struct word parameters[] = {
#define PARAMETER(word, meaning) {#word, meaning},
#include "tests/document/parameter.def"
#undef PARAMETER
    {NULL, NULL},
};

static void mechanism_row(CK_MECHANISM_TYPE number, const char *text, struct tally *tally)
{
    static const char *const otherwise[] = {"MODERN", "UNSAID", NULL};
    const struct row *r = take_row_or("proto/mechanism.def", text, 12, otherwise);
    char policy[CELL_BYTES];
    const char *theirs = cloudhsm_has(r->cell[0]);
    bool pairs = strcmp(r->cell[3], "ANY_PAIR") == 0, key = !pairs && strcmp(r->cell[3], "NO_KEY") != 0;

    snprintf(policy, sizeof policy, "%.*s", (int)strcspn(r->cell[10], "("), r->cell[10]);
    if (strcmp(r->cell[6], "PARAM_NONE") != 0)
        check_words(r->cell[0], r->cell[6] + strlen("PARAM_"), parameters);
    check_words(r->cell[0], r->cell[8], where);
    check_words(r->cell[0], policy, policies);
    check_words(r->cell[0], r->cell[11], trusted);
    sayf("| %s | 0x%lX | %s | %s | ", r->cell[0], number, words(r->cell[2]), pairs ? "every pair" : key ? r->cell[3] : "");
    if (key)
        sayf("%s to %s", r->cell[4], r->cell[5]);
    sayf(" | %s | %s | %s | %s | %s | %s |\n", strcmp(r->cell[6], "PARAM_NONE") == 0 ? "" : lower(r->cell[6] + strlen("PARAM_")),
         strcmp(r->cell[7], "NULL") == 0 ? "" : r->cell[7], lower(r->cell[8]),
         strcmp(policy, "MODERN") == 0 ? "" : lower(r->cell[10]),
         strcmp(r->cell[11], "UNSAID") == 0 ? "" : lower(r->cell[11]), theirs != NULL ? theirs : "no");
    tally->all++;
    tally->cloudhsm += theirs != NULL;
}

static void mechanisms(void)
{
    struct tally tally = {0};

    say("## Mechanisms\n\nSizes are bits for RSA, DSA, DH and curves, bytes for secret keys and for public keys of post-quantum ones, as\n"
        "C_GetMechanismInfo has them. ML-KEM, ML-DSA and SLH-DSA are there where OpenSSL 3.5 or later runs, and not listed elsewhere.\n"
        "The `parameter` is the standard's structure (below); where there is none, pParameter is NULL. "
        "A program that knows no name shows the number.\n\n"
        "| mechanism | number | operations | key | sizes | parameter | hash | data | policy | trusted keys | CloudHSM |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|\n");
#define MECH(ckm, ...) mechanism_row(ckm, #ckm ", " #__VA_ARGS__, &tally);
#include "proto/mechanism.def"
#undef MECH
    sayf("\n%u mechanisms; CloudHSM has %u of them.\n", tally.all, tally.cloudhsm);
    explain(parameters);
    explain(where);
    explain(policies);
    say("\nA key whose CKA_TRUSTED is true wraps and unwraps:\n");
    explain(trusted);
    say("\nAn admin can make CKA_TRUSTED true of a secret key only if C_GenerateKey has made it in the token (not "
        "CKM_PKCS5_PBKD2) with CKA_COPYABLE\n"
        "and CKA_EXTRACTABLE false and with no use but CKA_WRAP and CKA_UNWRAP, and if it has had no other since; else "
        "CKR_ACTION_PROHIBITED.\n"
        "Such a key wraps and unwraps like a trusted one from the beginning.\n");
    sayf("\nLimits of data that travels whole, of one operation and all its parts together:\n\n"
         "| operations | bytes | beyond |\n|---|---|---|\n"
         "| MACs, CKM_EDDSA, CKM_ML_DSA, CKM_SLH_DSA | %u | CKR_DATA_LEN_RANGE |\n"
         "| GCM, CCM, ChaCha20-Poly1305, XTS, CTS, key wraps that encrypt | %u, and the tag | CKR_DATA_LEN_RANGE, "
         "CKR_ENCRYPTED_DATA_LEN_RANGE |\n"
         "| C_DigestKey with a key that only the vault may see | %u | CKR_DATA_LEN_RANGE |\n"
         "| ECB, CBC, CTR, OFB, CFB, ChaCha20 | none: the module cuts the data into requests | |\n"
         "| RSA, CKM_ECDSA and other signatures of a digest | what the key takes | CKR_DATA_LEN_RANGE |\n"
         "| an attribute; an object; one byte string of a parameter; a derivation's whole parameter | %u; %u; %u; %u | |\n",
         SIGN_DATA_BYTES_MAX, CIPHER_BYTES_MAX, SIGN_DATA_BYTES_MAX, ATTRIBUTE_BYTES_MAX, OBJECT_BYTES_MAX, PARAMETER_BYTES_MAX,
         DERIVE_PARAMETER_BYTES_MAX);
    say("\nDSA keys have a prime and a subprime of " FIELD_DSA_SIZES_TEXT ". Pairs are made in the group that the public template has "
        "(CKA_PRIME,\nCKA_SUBPRIME, CKA_BASE). A group of which the public key would tell the private one is CKR_DOMAIN_PARAMS_INVALID. "
        "CKM_DSA takes a digest of 20, 28,\n32, 48 or 64 bytes, of which as many count as the subprime has.\n");
    say("\nDH pairs are made in the group that the public template has (CKA_PRIME, CKA_BASE): one of RFC 7919 or RFC 3526, or over another "
        "safe prime.\nCKA_VALUE_BITS, which the private template may have, is 225, 275, 325, 375 or 400 at least for primes of up to 2048, "
        "3072, 4096, 6144 and\n8192 bits, and just so where it is silent. What CKM_DH_PKCS_DERIVE makes is the agreed number, as long as "
        "the prime; a key that is shorter\n(CKA_VALUE_LEN) has its last bytes.\n");
    say("\nC_GenerateKey with CKM_DSA_PARAMETER_GEN or CKM_DH_PKCS_PARAMETER_GEN makes a CKO_DOMAIN_PARAMETERS object of CKA_PRIME_BITS "
        "bits. A\nprogram puts its CKA_PRIME, CKA_BASE and CKA_SUBPRIME into the public template of a pair. To give one of them here is "
        "CKR_ATTRIBUTE_READ_ONLY;\na size that is not there is CKR_ATTRIBUTE_VALUE_INVALID.\n\n"
        "- DSA: new ones each time, of the sizes above. CKA_SUB_PRIME_BITS may be given, else it is the longest that goes with the prime. "
        "1024 bits take\n  a tenth of a second, 2048 up to one, 3072 from one second to five. A node searches for one set at a time, "
        "so that logins are not held up;\n  other calls for some wait.\n"
        "- DH: the group that the standards have for the size, the same each time: RFC 7919's of 2048, 3072, 4096, 6144 and 8192 bits, "
        "under the\n  compatible policy RFC 3526's of 1536 and RFC 2409's of 1024 bits as well. A safe prime of one's own takes minutes "
        "to find and is no better.\n");
    say("\nAn RSA pair of 8192 bits takes tens of seconds, often more than a minute. The call waits. Where the program ends before its "
        "key is made,\nnothing is stored; the node finishes its search all the same. Make such keys once, and "
        "not from a script with a time limit.\n\n");
}

/* ---- attributes */

static const struct word flags[] = {
    {"CREATE", "may be given to C_CreateObject"},
    {"CREATE_MUST", "has to be given there"},
    {"GENERATE", "may be given where a key is made"},
    {"GENERATE_PAIR", "may be given where a pair is made"},
    {"UNWRAP", "may be given to C_UnwrapKey"},
    {"DERIVE", "may be given to C_DeriveKey"},
    {"GIVE", "may be given in all four ways"},
    {"MODIFY", "may be changed afterwards, and in a copy"},
    {"MODIFY_DATA", "may be changed afterwards, and in a copy, of a data object"},
    {"COPY", "may be changed in a copy"},
    {"FRESH", "a copy has one of its own"},
    {"ADMIN", "only an admin may make it true, and false again; what is neither, only an admin gives"},
    {"MAKE", "is computed here; giving it is CKR_ATTRIBUTE_READ_ONLY"},
    {"SENSITIVE", "is not shown of a key that is sensitive or not extractable"},
    {"INDEXED", "objects are found by it without looking at all of them"},
    {"ONE_WAY_TRUE", "may be changed from false to true only"},
    {"ONE_WAY_FALSE", "may be changed from true to false only"},
    {"MATERIAL", "is a part of the key: only keys of a type that has such a part have it"},
    {"USAGE", "says what the key may be used for"},
    {"COUNTS", "is changed by the token when the key is used"},
    {"IGNORED", "is taken and forgotten, for programs that give it to every token"},
    {NULL, NULL},
};
static const struct word defaults[] = {
    {"NO", "none: an object without it does not have it"}, {"FALSE", "false"}, {"TRUE", "true"}, {"EMPTY", "empty"},
    {"BY_RULE", "depends on the kind of object: below"}, {NULL, NULL},
};

static void attribute_row(const char *text)
{
    const struct row *r = take_row("proto/attribute.def", text, 5);

    check_words(r->cell[0], r->cell[3], flags);
    check_words(r->cell[0], r->cell[4], defaults);
    sayf("| %s | %s | %s | ", r->cell[0], lower(r->cell[1]), words(r->cell[2]));
    sayf("%s | %s |\n", words(r->cell[3]), lower(r->cell[4]));
}

static const char by_rule[] =
#include "tests/document/by_rule.def"
    ;

static void attributes(void)
{
    say("## Attributes\n\nOne table for creating, generating, changing and reading. `objects` says which have it.\n\n"
        "| attribute | type | objects | rules | default |\n|---|---|---|---|---|\n");
#define ATTR(...) attribute_row(#__VA_ARGS__);
#include "proto/attribute.def"
#undef ATTR
    explain(flags);
    explain(defaults);
    say(by_rule);
    say(refused);
    say("\n");
}

/* ---- objects and users */

static void objects(void)
{
    say("## Objects, and what is no object\n\n"
        "Data, X.509 certificates, domain parameters, public, private and secret keys, and keys of one-time passwords are made "
        "by programs; session objects that are not private without a login, where they are data, public keys or domain "
        "parameters. The token itself has these:\n\n| class | there | why |\n|---|---|---|\n"
        "| CKO_PROFILE | three: CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER, CKP_AUTHENTICATION_TOKEN | all that "
        "PKCS #11 Profiles 3.2 asks of these is there, and their mandatory test cases are tests here; "
        "nobody has to log in to see them. Not claimed: complete (no token has all mechanisms), public certificates "
        "(a certificate may be private here), "
        "HKDF TLS (CKM_HKDF_DATA makes no readable data of a sensitive key) |\n");
    sayf("| CKO_VALIDATION | what an admin has stated, up to %u; none else | ", VALIDATIONS_MAX);
    say("Nobody has validated this software, and it says so of itself nowhere. Who has had a build validated states it "
        "(`hsmctl validation add`, or C_CreateObject as CKU_SO), and everybody finds it, without a login. Public token "
        "objects that nobody changes or copies and only an admin makes and removes: of a crypto user C_CreateObject is "
        "CKR_ATTRIBUTE_READ_ONLY, C_SetAttributeValue, C_CopyObject and C_DestroyObject are CKR_ACTION_PROHIBITED; one "
        "more than there may be is CKR_DEVICE_MEMORY. Which calls ran inside of what was validated nobody here can know: "
        "C_GetSessionValidationFlags(CKS_LAST_VALIDATION_OK) gives no flag, whatever CKA_VALIDATION_FLAG an admin gives, "
        "and no object has CKA_OBJECT_VALIDATION_FLAGS. ");
    sayf("Texts have up to %u bytes, URIs up to %u, and no control characters |\n", VALIDATION_TEXT_BYTES_MAX, URI_BYTES_MAX);
    say("| CKO_HW_FEATURE, CKO_MECHANISM, CKO_TRUST | none | nothing here has a clock, a counter or a "
        "display of its own; what a certificate is trusted for is the program's to know (CKA_TRUSTED aside) |\n\n"
        "CKA_ENCAPSULATE_TEMPLATE and CKA_DECAPSULATE_TEMPLATE have the numbers of the published 3.2 header "
        "(without CKF_ARRAY_ATTRIBUTE), "
        "which gives them\nno meaning; here it is that of CKA_DERIVE_TEMPLATE.\n\n");
    say(one_time);
    say("## Users and PINs\n\n"
        "| call | does |\n|---|---|\n"
        "| C_InitToken | activates a cluster that is not active yet: the PIN is the first password of `admin`, with "
        "or without the name. The label is not looked at, as it is the configuration's. On an active cluster it is "
        "CKR_FUNCTION_REJECTED, whatever the PIN, as one program's call must not end all users' keys; unless it was "
        "activated as one that may be wiped (`hsmctl cluster activate --wipeable`, which C_InitToken itself never "
        "says). Then the PIN is an admin's, counted as at C_Login, and all token objects of all crypto users are "
        "destroyed, whatever their CKA_DESTROYABLE says (that is about C_DestroyObject), and then the users; "
        "C_InitPIN makes new ones. Admins and their PINs, validation objects, nodes, trust anchors and the policy "
        "stay. A wipe that was begun is ended by calling again; until then no crypto user is served |\n"
        "| C_InitPIN | as CKU_SO, with `user:password`: makes a crypto user, or gives one that is there a new "
        "password, which also unlocks |\n"
        "| C_SetPIN | one's own password, old and new, each with or without the name. Where nobody is logged in, the "
        "old PIN says which crypto user it is |\n"
        "| C_Login | CKU_USER: a crypto user; CKU_SO: an admin, who uses no keys. CKU_CONTEXT_SPECIFIC: the password "
        "of who is logged in, again, between the beginning and the end of one use of a key whose "
        "CKA_ALWAYS_AUTHENTICATE is true; in message-based signing for each message. Uses that are one call "
        "(C_UnwrapKey, C_DeriveKey, C_DecapsulateKey) have no place for it: such a key does none |\n\n");
}

/* ---- errors */

static const struct word kinds[] = {
    {"NONE", "no error, or none that a program gets to see"},
    {"CALLER", "the call is wrong"},
    {"STATE", "cluster or node are in another state than the call needs"},
    {"AUTH", "login, role or certificate"},
    {"LIMIT", "something is full or too large"},
    {"BUSY", "the module has tried for a while; trying again may help"},
    {"LOST", "the module has tried other nodes"},
    {"CORRUPT", "data is damaged, old or forged"},
    {"BUG", "a fault of ours"},
    {NULL, NULL},
};

static void error_row(CK_RV number, const char *text)
{
    const struct row *r = take_row("proto/error.def", text, 4);

    check_words(r->cell[0], r->cell[1], kinds);
    sayf("| %s | 0x%lX | %s | %s | %s |\n", r->cell[2], number, r->cell[0], lower(r->cell[1]), r->cell[3]);
}

static void errors(void)
{
    say("## Errors\n\nWhat can go wrong below the functions themselves, and the code that a program gets for it; a log has the name\n"
        "and the text.\n\n"
        "| code | number | name | kind | text |\n|---|---|---|---|---|\n");
#define ERROR(name, kind, rv, text) error_row(rv, #name ", " #kind ", " #rv ", " #text);
#include "proto/error.def"
#undef ERROR
    explain(kinds);
    say("\n");
}

/* ---- the rest */

static void differences(void)
{
    say("## What differs from CloudHSM, and why\n\nThe tables above have a column for what AWS CloudHSM's library (Client SDK 5, by its\n"
        "documentation) has. Beyond that:\n\n| thing | CloudHSM | here | why |\n|---|---|---|---|\n");
#define CLOUDHSM_DIFFERS(thing, theirs, ours, why) sayf("| %s | %s | %s | %s |\n", thing, theirs, ours, why);
#include "tests/document/cloudhsm.def"
}

/* ---- other tokens */

static const struct word tokens[] = {
    {"SOFTHSM", "SoftHSM 2.6.1, by its own C_GetMechanismList"},
    {"KRYOPTIC", "kryoptic, by its sources of 2026 with every feature on"},
    {NULL, NULL},
};

static bool is_ours(const char *mechanism)
{
    static const char *const names[] = {
#define MECH(name, ...) #name,
#include "proto/mechanism.def"
#undef MECH
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], mechanism) == 0)
            return true;
    return false;
}

static void other_row(const char *mechanism, const char *by, const char *why, struct tally *tally)
{
    bool ours = is_ours(mechanism);

    check_words(mechanism, by, tokens);
    if (ours != (why[0] == '\0'))
        complain("tests/document/other.def: %s is %s", mechanism, ours ? "here, and needs no reason" : "not here, and nobody says why");
    if (!ours)
        sayf("| %s | %s | %s |\n", mechanism, words(by), why);
    tally->all++;
    tally->missing += !ours;
}

static void others(void)
{
    struct tally tally = {0};

    say("\n## What other tokens have and this one has not\n\nEvery mechanism of two software tokens was held against the table above.\n\n"
        "| mechanism | who has it | why it is not here |\n|---|---|---|\n");
#define OTHER_HAS(mechanism, by, why) other_row(#mechanism, #by, why, &tally);
#define OTHER_DOES(what, by, why) sayf("| %s | %s | %s |\n", what, words(#by), why);
#include "tests/document/other.def"
    sayf("\nOf %u mechanisms that either has, %u are not here.\n", tally.all, tally.missing);
    explain(tokens);
}

int main(void)
{
    bool ok;

    say("# PKCS#11\n\nWhat the module answers, made from the tables that it runs by "
        "(`module/entry/function.def`, `proto/mechanism.def`,\n"
        "`proto/attribute.def`, `proto/error.def`); `make check` fails where this page is not what they say.\n\n");
    functions();
    mechanisms();
    attributes();
    objects();
    errors();
    differences();
    others();
    ok = faults == 0 && !out.failed && fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    buffer_clear(&out);
    return ok ? 0 : 1;
}
