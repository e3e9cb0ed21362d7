/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A template is a worker that has loaded and prepared its protocol's library and knows of no
 * session. The supervisor asks it for workers; each is a copy of it, in namespaces and under a uid
 * of its own, born with the same descriptors as a worker that was executed. What libraries need is
 * then relocated and prepared once, and shared by all sessions until somebody writes to it.
 *
 * A template talks to nobody but the supervisor, which is also the parent of the copies. It holds
 * no secret, and has never seen a byte of a target.
 */

/* Serves on FD_SUPERVISOR. Returns in each copy, with its descriptors in place; never else. */
#define FD_SUPERVISOR 3
void template_serve(void);
