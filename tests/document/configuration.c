/* Prints docs/configuration.md from the tables of settings; tests/check/documents holds the file against it. */
#include <stdio.h>

#include "common/buffer.h"
#include "daemon/settings.h"
#include "module/rpc/client_settings.h"

static const char head[] =
    "# Configuration\n"
    "\n"
    "Two files, both YAML: one a node, one a client. The tables below are made from the ones that the programs read\n"
    "(`daemon/settings.def`, `module/rpc/client_settings.def`); `make check` fails where this page is not what they say.\n"
    "\n"
    "A key `a.b` is written as `a:` with `b:` below it, or as `a: {b: ...}`. Durations have a unit (`250ms`, `10s`, `5m`), sizes may\n"
    "(`64KiB`, `16MiB`, `1GiB`), addresses are `host:port` or `[v6]:port`, a list of one may be written without brackets.\n"
    "A relative path starts at the file's own folder. Unknown, repeated and bad keys are errors that name file, line and what\n"
    "to write instead; a file that others than its owner may write is refused.\n"
    "\n"
    "## A node: `hsmd --config FILE`, default `/etc/clusterhsm/hsmd.yaml`\n"
    "\n"
    "    name: n1\n"
    "    data: /var/lib/clusterhsm\n"
    "    seal: {kind: file, file: /etc/clusterhsm/seal}\n"
    "    listen: {client: \"192.0.2.1:7443\", peer: \"192.0.2.1:7444\"}\n"
    "    peers: [\"192.0.2.2:7444\", \"192.0.2.3:7444\"]\n"
    "    front: {user: clusterhsm-front}\n"
    "    vault: {user: clusterhsm-vault}\n"
    "\n";

static const char middle[] =
    "\n"
    "## A client: the module, `hsmctl`, `hsmbench`\n"
    "\n"
    "Which file: what `C_Initialize` is given in `pReserved` (the module) or `--conf` (the tools); else the environment's\n"
    "`CLUSTERHSM_CONF`, unless the process runs with more rights than its user; else `/etc/clusterhsm/client.yaml`.\n"
    "\n"
    "    client: {certificate: web1.crt, key: web1.key}\n"
    "    cluster: {anchor: customerCA.crt}\n"
    "    network: {servers: [\"192.0.2.1:7443\", \"192.0.2.2:7443\", \"192.0.2.3:7443\"]}\n"
    "\n";

static const char aliases[] =
    "\n"
    "Programs that were compiled against another vendor's header ask by numbers of its own. `aliases` says what they mean, so that\n"
    "nobody has to compile them anew. For CloudHSM's they stand in its SDK: `cloudhsm_pkcs11_vendor_defs.h`. With those in the places\n"
    "of the made-up ones:\n"
    "\n"
    "    aliases:\n"
    "      - 0x8000F001 = CKM_EDDSA                # CKM_CLOUDHSM_EDDSA\n"
    "      - 0x8000F002 = CKM_ML_DSA_KEY_PAIR_GEN  # CKM_CLOUDHSM_ML_DSA_KEY_PAIR_GEN\n"
    "      - 0x8000F003 = CKM_ML_DSA               # CKM_CLOUDHSM_ML_DSA\n"
    "      - 0x8000F004 = CKM_ML_DSA_EXTERNAL_MU   # CKM_CLOUDHSM_EXT_MU_ML_DSA\n"
    "      - 0x8000F005 = CKA_PARAMETER_SET        # CKA_CLOUDHSM_PARAMETER_SET\n"
    "      - 0x8000F006 = CKP_ML_DSA_65            # CKP_CLOUDHSM_ML_DSA_65\n"
    "      - 0x8000F007 = CKD_SHA256_KDF           # CKD_CLOUDHSM_X963_SHA256_KDF\n"
    "\n"
    "Programs that use NSS ask for the derivations of IKE by NSS's numbers, which are older than the standard's; the parameters are the\n"
    "same:\n"
    "\n"
    "    aliases:\n"
    "      - 0xCE534372 = CKM_IKE2_PRF_PLUS_DERIVE # CKM_NSS_IKE_PRF_PLUS_DERIVE\n"
    "      - 0xCE534373 = CKM_IKE_PRF_DERIVE       # CKM_NSS_IKE_PRF_DERIVE\n"
    "      - 0xCE534374 = CKM_IKE1_PRF_DERIVE      # CKM_NSS_IKE1_PRF_DERIVE\n"
    "      - 0xCE534375 = CKM_IKE1_EXTENDED_DERIVE # CKM_NSS_IKE1_APP_B_PRF_DERIVE\n"
    "\n"
    "The key stands once, with all of them below. A number is from 0x80000000 to 0xffffffff and none of docs/pkcs11.md; a name is one\n"
    "of a mechanism, an attribute, a type of key (`CKK_`), a parameter set or a key derivation of ECDH. The same number may be there\n"
    "once for each of these. What libcrypto lacks is not there under its alias either. Whatever the token answers has the standard's\n"
    "numbers, but for the list of mechanisms, which has both.\n"
    "\n"
    "Without a majority of its nodes a cluster answers nothing: each call waits for `network.connect_wait`, 20 s as it comes, and then is\n"
    "CKR_DEVICE_ERROR (CKR_DEVICE_REMOVED where no node was reached at all). A program that should know sooner has a shorter one; an\n"
    "election takes a second or two, so 5s is about the least.\n"
    "\n"
    "The module's log is off until `log.file` is set. With `log.level: info` it says why a mechanism, a key or a template was\n"
    "refused: the policy, the parameter, the attribute that was wrong. The default level, `warning`, leaves that out.\n"
    "With `CLUSTERHSM_LOG=stderr` in a program's environment the log is at its terminal, reasons and all, whatever is set here.\n";

int main(void)
{
    struct buffer out = {0};
    const struct setting *table;
    size_t n;
    bool ok;

    buffer_put_text(&out, head);
    table = node_settings_table(&n);
    settings_document(table, n, &out);
    buffer_put_text(&out, middle);
    table = client_settings_table(&n);
    settings_document(table, n, &out);
    buffer_put_text(&out, aliases);
    ok = !out.failed && fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    buffer_clear(&out);
    return ok ? 0 : 1;
}
