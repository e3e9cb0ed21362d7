/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

/* The part of store.h that is about devices; its rules hold here. */
struct store;
struct store_page;
struct store_count;

/* domains that devices and credentials may belong to */
struct domain_row {
	int64_t id;
	char name[HOSTNAME_SIZE];
	int64_t created_at;
};
int store_domain_add(struct store *store, const char *name, int64_t now, int64_t *ret_id);
int store_domain_find(struct store *store, const char *name, struct domain_row *ret_domain);
int store_domain_page(struct store *store, const struct store_page *page,
	int (*keep)(void *, const struct domain_row *), void *context);

/* devices and what they speak */
#define DEVICE_TAGS_SIZE 512
#define DEVICE_CONFIG_SIZE 1024
struct device_row {
	int64_t id;
	char hostname[HOSTNAME_SIZE];
	char ip[ADDRESS_SIZE];
	char domain[HOSTNAME_SIZE]; /* several are separated by commas */
	bool any_port;
	int64_t created_at, disabled_at;
	char model[NAME_SIZE], vendor[NAME_SIZE], type[NAME_SIZE], site[NAME_SIZE];
	char tags[DEVICE_TAGS_SIZE], session_remote_config[DEVICE_CONFIG_SIZE];
	int64_t changed_at;
	int64_t owner_authorization; /* that created it; 0: the administrator did */
};
enum device_sight { DEVICE_ABSENT, DEVICE_SEEN, DEVICE_HELD }; /* what an authorization has of it */
struct connectivity_row {
	int64_t id, device_id;
	char protocol[PROTOCOL_SIZE]; /* lower case */
	uint16_t port;
};
struct pin_row {
	int64_t device_id;
	char protocol[PROTOCOL_SIZE];
	char algorithm[48];
	uint8_t fingerprint[HASH_LEN]; /* SHA-256 of the key blob */
	int64_t pinned_at;
};
int store_device_add(struct store *store, const struct device_row *device, int64_t *ret_id);
int store_device_by_hostname(
	struct store *store, const char *hostname, struct device_row *ret_device);
/* by hostname (letter case ignored), else by address */
int store_device_find(struct store *store, const char *name, struct device_row *ret_device);
int store_device_get(struct store *store, int64_t id, struct device_row *ret_device);
int store_device_list(
	struct store *store, int (*keep)(void *, const struct device_row *), void *context);
/* Everything but owner and status; of the host name its letter case. changed_at: now. */
int store_device_set(struct store *store, const struct device_row *device);
/* Disabling suspends its credentials too; at 0 enables the device, and none of them. */
int store_device_set_disabled(struct store *store, int64_t id, int64_t at, int64_t now);
/* What this authorization may see of it: enum device_sight, or an error. */
int store_device_sight(struct store *store, int64_t authorization_id, int64_t id);
/* What an authorization may see, without disabled ones; 0: the administrator, who sees all. */
int store_device_page(struct store *store, int64_t authorization_id, const struct store_page *page,
	int (*keep)(void *, const struct device_row *), void *context);
int store_device_count(struct store *store, int64_t authorization_id, int64_t since,
	struct store_count *ret_count);
int store_connectivity_clear(struct store *store, int64_t device_id);
int store_connectivity_add(
	struct store *store, int64_t device_id, const char *protocol, uint16_t port);
int store_connectivity_list(struct store *store, int64_t device_id,
	int (*keep)(void *, const struct connectivity_row *), void *context);
int store_pin_replace(
	struct store *store, const struct pin_row *pin); /* drops the protocol's older pins */
/* At most PINS_MAX; returns the count, or an error. */
int store_pin_list(struct store *store, int64_t device_id, const char *protocol,
	struct pin_row ret_pins[PINS_MAX]);
