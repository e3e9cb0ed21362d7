/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A thread with a connection of its own that carries the write-ahead log over into the database
 * while the writer goes on. What it has carried, the writer need not; when all is, the writer
 * begins the log anew.
 */
struct checkpointer;

/* path: the database file, which exists. */
int checkpointer_create(const char *path, struct checkpointer **ret_checkpointer);
void checkpointer_destroy(struct checkpointer *checkpointer); /* waits; NULL is fine */
void checkpointer_poke(struct checkpointer *checkpointer);
