/* Who may see an object, and what of it. */
#ifndef CLUSTERHSM_VAULT_OBJECT_VIEW_H
#define CLUSTERHSM_VAULT_OBJECT_VIEW_H

#include "proto/request.pb-c.h"
#include "vault/access/login.h"
#include "vault/object/body.h"

/* Whether everybody sees it (proto/visibility.h). */
bool view_is_open(const struct object *o);

/* Its owner sees an object, and anybody does an open one. Admins own none. */
bool view_may_see(const struct object *o, uint64_t owner, const struct login *login);

/* Whether an attribute that the object has is shown: not if it is a sensitive one of a key whose CKA_SENSITIVE is
 * true or whose CKA_EXTRACTABLE is false (PKCS#11 v3.1 section 4.9). */
bool view_shows(const struct object *o, CK_ATTRIBUTE_TYPE type);

/* Whether every attribute of the template is shown by the object and the same: what is hidden fits no template, or a
 * search would tell what it is. */
bool view_fits(const struct object *o, const struct object *template);

/* The object for a reply, initialised here, in the object's memory: attributes that are shown, with borrowed values,
 * and the types of those that are hidden. ERR_NO_MEMORY. */
enum err view_object(const struct object *o, uint64_t id, uint64_t version, Hsm__Object *out);

/* A search's template as an object after object_init. *possible is false where no object can fit it: it asks for an
 * attribute that there is not, for one with two values, or for session objects, which are not ours to find.
 * ERR_NO_MEMORY, ERR_LIMIT. */
enum err view_template(const Hsm__Template *template, struct object *o, bool *possible);

#endif
