/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What can be asked only from outside the walls: the address of a name, the password, who we are.
 * Holds what was found until the links are made.
 *
 * The address is libpq's, a postgresql:// URL. What it leaves out: the password is looked up in the
 * file "pgpass" and the authority of the server's certificate in "root.crt", both in the directory
 * given; a server that is not on this machine must prove itself (sslmode verify-full). GSSAPI is
 * not used: it looks into files that are not ours.
 */
struct way;
int way_check(const char *where); /* a URL, and no password in it */
int way_find(const char *where, const char *directory, struct way **ret_way);
/*
 * For who changes its root: a descriptor of the directory in which the server's socket lies, which
 * then must become the root. -1: reached by TCP, any root will do.
 */
int way_take_root(struct way *way);
void way_destroy(struct way *way); /* NULL is fine */

struct pg_conn;                                     /* libpq's */
struct pg_conn *way_begin(const struct way *way);   /* a connection that is being made */
int way_complain(const struct pg_conn *connection); /* logs why not: -ERR_STORE_LOST */
