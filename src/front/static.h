/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "front/http.h"

/*
 * The page and its files, embedded by tools/embed-assets.mjs (assets.c, generated). Without a web
 * bundle the table is empty: a gateway for machines alone.
 */
struct asset {
	const char *
		name; /* its path without the first slash: "assets/app-0A1B2C3D.js"; "index.html" */
	const char *type;  /* Content-Type */
	const char *cache; /* Cache-Control */
	const char *etag;  /* quoted */
	const uint8_t *raw, *raw_end;
	const uint8_t *brotli, *brotli_end; /* both NULL when it does not pay */
};
extern const struct asset assets[];
extern const unsigned asset_count;
extern const char asset_policy[]; /* Content-Security-Policy of the page */

const struct asset *asset_find(const char *name); /* letter case does not matter; NULL: none */
/* The client takes brotli (RFC 9110 section 12.5.3). */
bool accepts_brotli(const struct http_request *request);
/* If-None-Match holds this etag: 304 will do. */
bool asset_unchanged(const struct http_request *request, const struct asset *asset);
