#include "vault/command.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "proto/memory.h"

/* The MAC of a body into 32 bytes. ERR_FORGED: there is no such epoch. */
static enum err mac_of(const struct master *m, uint32_t epoch, const uint8_t *body, size_t n, uint8_t mac[COMMAND_MAC_BYTES])
{
    struct secret key = {0};
    size_t mac_n = 0;
    enum err e = master_derive(m, MASTER_COMMAND, epoch, NULL, 0, NULL, 0, &key);

    if (e != ERR_OK)
        return e;
    if (EVP_Q_mac(master_libctx(m), "HMAC", NULL, "SHA256", NULL, key.bytes, key.len, body, n, mac, COMMAND_MAC_BYTES, &mac_n) == NULL ||
        mac_n != COMMAND_MAC_BYTES)
        e = ERR_BUG;
    ERR_clear_error();
    secret_clear(&key);
    return e;
}

enum err command_seal(const struct master *m, const Hsm__CommandBody *body, struct buffer *out)
{
    Hsm__Command command = HSM__COMMAND__INIT;
    uint8_t mac[COMMAND_MAC_BYTES];
    struct buffer packed = {0};
    size_t n = hsm__command_body__get_packed_size(body);
    uint8_t *room = buffer_extend(&packed, n);
    enum err e = ERR_NO_MEMORY;

    if (room == NULL)
        goto out;
    hsm__command_body__pack(body, room);
    command.master_epoch = master_epoch(m);
    e = mac_of(m, command.master_epoch, packed.data, n, mac);
    if (e != ERR_OK)
        goto out;
    command.body = (ProtobufCBinaryData){.data = packed.data, .len = n};
    command.mac = (ProtobufCBinaryData){.data = mac, .len = sizeof mac};
    room = buffer_extend(out, hsm__command__get_packed_size(&command));
    if (room == NULL)
        e = ERR_NO_MEMORY;
    else
        hsm__command__pack(&command, room);
out:
    buffer_clear(&packed);
    return e;
}

enum err command_check(const struct master *m, const uint8_t *packed, size_t n)
{
    uint8_t mac[COMMAND_MAC_BYTES];
    Hsm__Command *command;
    struct memory memory;
    enum err e = ERR_FORGED;

    memory_init(&memory);
    command = hsm__command__unpack(&memory.allocator, n, packed);
    if (command == NULL)
        return memory.failed ? ERR_NO_MEMORY : ERR_FORGED;
    if (command->mac.len == COMMAND_MAC_BYTES)
        e = mac_of(m, command->master_epoch, command->body.data, command->body.len, mac);
    if (e == ERR_OK && !bytes_equal(mac, command->mac.data, COMMAND_MAC_BYTES))
        e = ERR_FORGED;
    hsm__command__free_unpacked(command, &memory.allocator);
    return e;
}

enum err command_check_batch(const struct master *m, const Hsm__CheckBatch *batch, struct buffer *good)
{
    struct buffer verdicts = {0};
    enum err e = ERR_OK;

    for (size_t i = 0; e == ERR_OK && i < batch->n_commands; i++) {
        enum err found = command_check(m, batch->commands[i].data, batch->commands[i].len);
        if (found != ERR_OK && found != ERR_FORGED)
            e = found;
        else if (!buffer_put_u8(&verdicts, found == ERR_OK))
            e = ERR_NO_MEMORY;
    }
    if (e == ERR_OK && verdicts.len > 0 && !buffer_put(good, verdicts.data, verdicts.len))
        e = ERR_NO_MEMORY;
    buffer_clear(&verdicts);
    return e;
}
