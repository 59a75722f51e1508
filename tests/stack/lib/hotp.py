"""RFC 4226, beside the vault's own."""
import hashlib
import hmac


def hotp(secret, counter, digits):
    mac = hmac.new(secret, counter.to_bytes(8, "big"), hashlib.sha1).digest()
    at = mac[-1] & 15
    return ("%010d" % (int.from_bytes(mac[at:at + 4], "big") & 0x7fffffff))[-digits:]
