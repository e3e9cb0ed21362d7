/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "store/store.h"

/*
 * From now on the calls of this store's backend are calls that can fail (failing.h), with
 * -ERR_STORE: a disk that went away; with ENOSPC as its error, -ERR_STORE_FULL. What a run says
 * besides is the real store's answer.
 */
void failing_store(struct store *store);
#define FAILING_STORE "store_run store_begin store_commit"
