/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the service manager gives, $CREDENTIALS_DIRECTORY/NAME (systemd.exec(5)). A descriptor, or
 * -1: none of that name, or one that everybody may read.
 */
#define CREDENTIAL_ROOT_KEY "sallyport-root-key"
#define CREDENTIAL_ROOT_KEY_NEXT "sallyport-root-key-next"
#define CREDENTIAL_TOKEN_PIN "sallyport-token-pin"
int credential_open(const char *name);
/* The same for a file of a person's, which only its owner may read. */
int credential_open_file(const char *path);
