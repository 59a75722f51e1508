"""PKCS #11 for the whole-stack tests: the module as any application loads it, through its function list, by ctypes.

Only what the tests use. Every call that does not return CKR_OK raises Refused with the code's name.
"""
import ctypes
import os

ULONG = ctypes.c_ulong
POINTER = ctypes.POINTER

CKA = dict(CLASS=0x0, TOKEN=0x1, PRIVATE=0x2, LABEL=0x3, VALUE=0x11, KEY_TYPE=0x100, ID=0x102, SIGN=0x108, VERIFY=0x10A,
           MODULUS=0x120, MODULUS_BITS=0x121, PUBLIC_EXPONENT=0x122, PRIME=0x130, SUBPRIME=0x131, BASE=0x132, PRIME_BITS=0x133,
           LOCAL=0x163, EC_PARAMS=0x180, EC_POINT=0x181, ALWAYS_AUTHENTICATE=0x202,
           VALIDATION_MODULE_ID=0x622, OTP_LENGTH=0x221, OTP_COUNTER=0x22E)
CKK = dict(DSA=0x1, DH=0x2, HOTP=0x23)
CKM = dict(RSA_PKCS_KEY_PAIR_GEN=0x0, RSA_PKCS=0x1, SHA256_RSA_PKCS=0x40, SHA256_HMAC=0x251, EC_KEY_PAIR_GEN=0x1040,
           ECDSA=0x1041, ECDSA_SHA256=0x1044, HOTP=0x291, DSA_KEY_PAIR_GEN=0x10, DSA_SHA256=0x14, DH_PKCS_KEY_PAIR_GEN=0x20,
           DSA_PARAMETER_GEN=0x2000, DH_PKCS_PARAMETER_GEN=0x2001)
CKO = dict(DATA=0, CERTIFICATE=1, PUBLIC_KEY=2, PRIVATE_KEY=3, SECRET_KEY=4, DOMAIN_PARAMETERS=6, OTP_KEY=8)
CKR = {0x0: "OK", 0x2: "HOST_MEMORY", 0x5: "GENERAL_ERROR", 0x6: "FUNCTION_FAILED", 0x7: "ARGUMENTS_BAD",
       0x30: "DEVICE_ERROR", 0x31: "DEVICE_MEMORY", 0x32: "DEVICE_REMOVED", 0x54: "FUNCTION_NOT_SUPPORTED",
       0x60: "KEY_HANDLE_INVALID", 0x68: "KEY_FUNCTION_NOT_PERMITTED", 0x82: "OBJECT_HANDLE_INVALID", 0xA0: "PIN_INCORRECT",
       0xA1: "PIN_INVALID", 0xA2: "PIN_LEN_RANGE", 0xA4: "PIN_LOCKED", 0xB3: "SESSION_HANDLE_INVALID", 0xC0: "SIGNATURE_INVALID",
       0xE0: "TOKEN_NOT_PRESENT",
       0x100: "USER_ALREADY_LOGGED_IN", 0x101: "USER_NOT_LOGGED_IN", 0x200: "FUNCTION_REJECTED",
       0x191: "CRYPTOKI_ALREADY_INITIALIZED", 0x190: "CRYPTOKI_NOT_INITIALIZED"}
P256 = bytes.fromhex("06082a8648ce3d030107")
CKF_SERIAL_RW = 4 | 2
CKU_SO, CKU_USER, CKU_CONTEXT_SPECIFIC = 0, 1, 2

# The places of the functions in CK_FUNCTION_LIST (PKCS #11 2.40 section 4.8), after the version.
FUNCTIONS = """Initialize Finalize GetInfo GetFunctionList GetSlotList GetSlotInfo GetTokenInfo GetMechanismList GetMechanismInfo
InitToken InitPIN SetPIN OpenSession CloseSession CloseAllSessions GetSessionInfo GetOperationState SetOperationState Login Logout
CreateObject CopyObject DestroyObject GetObjectSize GetAttributeValue SetAttributeValue FindObjectsInit FindObjects FindObjectsFinal
EncryptInit Encrypt EncryptUpdate EncryptFinal DecryptInit Decrypt DecryptUpdate DecryptFinal DigestInit Digest DigestUpdate DigestKey
DigestFinal SignInit Sign SignUpdate SignFinal SignRecoverInit SignRecover VerifyInit Verify VerifyUpdate VerifyFinal VerifyRecoverInit
VerifyRecover DigestEncryptUpdate DecryptDigestUpdate SignEncryptUpdate DecryptVerifyUpdate GenerateKey GenerateKeyPair WrapKey UnwrapKey
DeriveKey SeedRandom GenerateRandom GetFunctionStatus CancelFunction WaitForSlotEvent""".split()


class Refused(Exception):
    def __init__(self, function, code):
        super().__init__("C_%s: CKR_%s" % (function, CKR.get(code, hex(code))))
        self.code = code
        self.name = CKR.get(code, hex(code))


class Attribute(ctypes.Structure):
    _fields_ = [("type", ULONG), ("value", ctypes.c_void_p), ("length", ULONG)]


class Mechanism(ctypes.Structure):
    _fields_ = [("type", ULONG), ("parameter", ctypes.c_void_p), ("length", ULONG)]


class Otp(ctypes.Structure):
    """CK_OTP_SIGNATURE_INFO; a CK_OTP_PARAM is like an attribute."""
    _fields_ = [("parameters", ctypes.c_void_p), ("count", ULONG)]


class FunctionList(ctypes.Structure):
    _fields_ = [("version", ctypes.c_ubyte * 2)] + [(name, ctypes.c_void_p) for name in FUNCTIONS]


def template(values):
    """{"LABEL": b"x", "SIGN": True, "CLASS": 3} as a CK_ATTRIBUTE array; keeps its values alive."""
    array = (Attribute * max(1, len(values)))()
    array.kept = []
    for at, (name, value) in enumerate(values.items()):
        if isinstance(value, bool):
            value = bytes([value])
        elif isinstance(value, int):
            value = value.to_bytes(ctypes.sizeof(ULONG), "little")
        kept = ctypes.create_string_buffer(value, len(value))
        array.kept.append(kept)
        array[at] = Attribute(CKA[name], ctypes.cast(kept, ctypes.c_void_p), len(value))
    return array


class Module:
    """The loaded and initialized module."""

    def __init__(self, path=None):
        library = ctypes.CDLL(path or os.environ["CLUSTERHSM_MODULE"])
        table = POINTER(FunctionList)()
        if library.C_GetFunctionList(ctypes.byref(table)) != 0:
            raise Refused("GetFunctionList", 5)
        self.table = table.contents
        self.call("Initialize", None)

    def call(self, name, *arguments):
        function = ctypes.CFUNCTYPE(ULONG)(getattr(self.table, name))
        code = function(*arguments)
        if code != 0:
            raise Refused(name, code)

    def session(self, pin=None, user=CKU_USER):
        handle = ULONG()
        self.call("OpenSession", ULONG(0), ULONG(CKF_SERIAL_RW), None, None, ctypes.byref(handle))
        session = Session(self, handle)
        if pin is not None:
            session.login(pin, user)
        return session


class Session:
    def __init__(self, module, handle):
        self.module = module
        self.handle = handle

    def call(self, name, *arguments):
        self.module.call(name, self.handle, *arguments)

    def login(self, pin, user=CKU_USER):
        self.call("Login", ULONG(user), pin.encode(), ULONG(len(pin.encode())))

    def logout(self):
        self.call("Logout")

    def close(self):
        self.call("CloseSession")

    def generate_ec(self, label, token=True, ident=b"", asks=False):
        """Handles of the public and the private key; CKA_ID is the private one's, so that a search by it finds few. asks: for the password,
        at each use."""
        mechanism = Mechanism(CKM["EC_KEY_PAIR_GEN"], None, 0)
        public = template(dict(TOKEN=token, LABEL=label, EC_PARAMS=P256, VERIFY=True))
        private = template(dict(TOKEN=token, LABEL=label, ID=ident, SIGN=True, ALWAYS_AUTHENTICATE=asks))
        handles = (ULONG(), ULONG())
        self.call("GenerateKeyPair", ctypes.byref(mechanism), public, ULONG(4), private, ULONG(5), ctypes.byref(handles[0]),
                  ctypes.byref(handles[1]))
        return handles[0].value, handles[1].value

    def generate_domain(self, mechanism, bits, **values):
        """The handle of domain parameters of this size."""
        handle, chosen = ULONG(), Mechanism(CKM[mechanism], None, 0)
        asked = dict(PRIME_BITS=bits, **values)
        self.call("GenerateKey", ctypes.byref(chosen), template(asked), ULONG(len(asked)), ctypes.byref(handle))
        return handle.value

    def generate_in(self, domain, mechanism, **values):
        """Handles of the public and the private key of a pair in domain parameters."""
        chosen, handles = Mechanism(CKM[mechanism], None, 0), (ULONG(), ULONG())
        names = ("PRIME", "SUBPRIME", "BASE") if mechanism.startswith("DSA") else ("PRIME", "BASE")
        public = dict(values, **{name: self.attribute(domain, name) for name in names})
        self.call("GenerateKeyPair", ctypes.byref(chosen), template(public), ULONG(len(public)), template(values), ULONG(len(values)),
                  ctypes.byref(handles[0]), ctypes.byref(handles[1]))
        return handles[0].value, handles[1].value

    def create(self, **values):
        handle = ULONG()
        self.call("CreateObject", template(values), ULONG(len(values)), ctypes.byref(handle))
        return handle.value

    def find(self, **values):
        self.call("FindObjectsInit", template(values), ULONG(len(values)))
        found = []
        while True:
            handles, count = (ULONG * 64)(), ULONG()
            try:
                self.call("FindObjects", handles, ULONG(64), ctypes.byref(count))
            except Refused:
                try:
                    self.call("FindObjectsFinal")
                except Refused:
                    pass  # over already; what was refused first is what matters
                raise
            found += list(handles)[:count.value]
            if count.value == 0:
                self.call("FindObjectsFinal")
                return found

    def attribute(self, handle, name, room=4096):
        value = ctypes.create_string_buffer(room)
        array = (Attribute * 1)(Attribute(CKA[name], ctypes.cast(value, ctypes.c_void_p), room))
        self.call("GetAttributeValue", ULONG(handle), array, ULONG(1))
        return value.raw[:array[0].length]

    def sign(self, handle, data, mechanism="ECDSA", pin=None):
        """pin: for a key that always asks."""
        chosen = Mechanism(CKM[mechanism], None, 0)
        self.call("SignInit", ctypes.byref(chosen), ULONG(handle))
        if pin is not None:
            try:
                self.login(pin, CKU_CONTEXT_SPECIFIC)
            except Refused:
                self.call("SignInit", None, ULONG(handle))
                raise
        signature, length = ctypes.create_string_buffer(1024), ULONG(1024)
        self.call("Sign", data, ULONG(len(data)), signature, ctypes.byref(length))
        return signature.raw[:length.value]

    def verify(self, handle, data, signature, mechanism="ECDSA"):
        chosen = Mechanism(CKM[mechanism], None, 0)
        self.call("VerifyInit", ctypes.byref(chosen), ULONG(handle))
        self.call("Verify", data, ULONG(len(data)), signature, ULONG(len(signature)))

    def one_time(self, handle):
        """The password of the key's own counter: what CK_OTP_SIGNATURE_INFO and CK_OTP_PARAM have behind them."""
        block = self.sign(handle, b"", "HOTP")
        return block[ctypes.sizeof(Otp) + ctypes.sizeof(Attribute):]

    def one_time_verify(self, handle, password):
        self.verify(handle, b"", password, "HOTP")

    def destroy(self, handle):
        self.call("DestroyObject", ULONG(handle))
