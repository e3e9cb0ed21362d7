/* SPDX-License-Identifier: Apache-2.0 */
/* What cppcheck cannot know: macros of libraries whose headers it does not read. */
#pragma once
#define json_array_foreach(array, index, value)                                                    \
	for ((index) = 0; ((value) = json_array_get(array, index)) != NULL; (index)++)
#define json_object_foreach(object, key, value)                                                    \
	for ((key) = ""; ((value) = json_object_get(object, key)) != NULL; (key)++)
