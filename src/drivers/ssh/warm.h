/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Makes the libraries work out, once and before there is any session, what they would work out in
 * the first handshake of each: looking up an algorithm by its name costs OpenSSL more than using
 * it. Touches no key and no random numbers. What is missing is looked up later.
 */
void ssh_warm(void);
