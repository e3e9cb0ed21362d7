/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

/*
 * One JSON line on stderr: {"time":..,"level":..,"process":..,"event":..,"detail":".."}. `event` is
 * a constant word with dots ("worker.exited"); the detail is escaped, so text from anyone may go
 * in. Secrets and tokens may not: the canary tests look for them.
 */
void log_open(const char *process, enum log_level least);
void log_write(enum log_level level, const char *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
