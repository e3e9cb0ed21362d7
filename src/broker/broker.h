/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The broker decides and writes the audit line. Its context is private (context.h). */
struct broker;
