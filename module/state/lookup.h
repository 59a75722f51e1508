/* An object by its handle, known well enough for what it is needed for. */
#ifndef CLUSTERHSM_MODULE_STATE_LOOKUP_H
#define CLUSTERHSM_MODULE_STATE_LOOKUP_H

#include "module/state/module.h"

enum lookup {
    LOOKUP_ANY,  /* what can't change in an object's life */
    LOOKUP_FRESH /* what can: the cluster said so within the last OBJECT_FRESH_MS */
};

/* Asks the cluster where it must. The object is held by the caller, *out only written on success. ERR_OBJECT_HANDLE. */
enum err lookup_object(struct module *m, CK_OBJECT_HANDLE handle, enum lookup how, struct known **out);

/* Can the attribute's value change? Not known: no. */
enum lookup lookup_for(CK_ATTRIBUTE_TYPE type);

#endif
